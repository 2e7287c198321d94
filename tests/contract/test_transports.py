"""The catalogue of transports, each against the contract: SES, SMTP, Microsoft 365, Graph, files, failover, split."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mailer.errors import OutcomeUnknown, Refused
from mailer.stack import StackOutputs
from mailer.testing.outbox import Outbox
from mailer.testing.outputs import stack_outputs
from mailer.transports.base import Transport
from mailer.transports.failover import Failover, Split
from mailer.transports.files import FileTransport
from mailer.transports.graph import GraphTransport
from mailer.transports.microsoft365 import Microsoft365Tokens, Microsoft365Transport
from mailer.transports.ses import SesTransport
from mailer.transports.smtp import SmtpTransport
from mailer.wire.deadline import Limits
from tests.contract.transport import EVERYTHING, Road, TransportContract, TransportSecurityContract
from tests.microsoft import Microsoft, microsoft
from tests.smtp_server import SmtpServer, smtp_server
from tests.unit.mailer.wire.certificates import server_context
from tests.unit.mailer.wire.raw_server import RawServer, answer, hang_up, numbered_ids, raw_server
from tests.waiting import PATIENCE

LIMITS = Limits(connect=PATIENCE, attempt=PATIENCE)
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
OUTPUTS: StackOutputs = stack_outputs("app", streams=("transactional", "marketing"))


class SmtpRoad(Road):
    def __init__(self, server: SmtpServer, transport: Transport, carried: frozenset[str]) -> None:
        super().__init__(transport, carried, SECRET)
        self.server = server

    def accepted(self) -> list[bytes]:
        return [one.data for one in self.server.accepted]

    def refuse(self) -> None:
        self.server.replies["MAIL"] = ["554 Message rejected: Email address is not verified: ada@example.org"]

    def lose(self) -> bool:
        self.server.replies["."] = [""]
        return True


class GraphRoad(Road):
    def __init__(self, server: Microsoft, transport: Transport) -> None:
        super().__init__(transport, frozenset(), server.secret)
        self.server = server

    def accepted(self) -> list[bytes]:
        return [data for _, data in self.server.sent]

    def refuse(self) -> None:
        self.server.refusals = [(403, "ErrorSendAsDenied")]

    def lose(self) -> bool:
        self.server.refusals = [(504, "GatewayTimeout")]
        return True


class SesRoad(Road):
    def __init__(self, server: RawServer, transport: Transport) -> None:
        super().__init__(transport, EVERYTHING, SECRET, mime=False)
        self.server, self.unaccepted = server, 0

    def accepted(self) -> list[bytes]:
        return [] if self.unaccepted else [request.body.split(b'"BccAddresses"')[0] for request in self.server.received]

    def refuse(self) -> None:
        self.unaccepted += 1
        body = b'{"message":"Email address is not verified: ada@example.org"}'
        self.server.script = [answer(400, body, "x-amzn-ErrorType: MessageRejected")]

    def lose(self) -> bool:
        self.unaccepted += 1
        self.server.script = [hang_up]
        return True


class FileRoad(Road):
    def __init__(self, folder: Path) -> None:
        super().__init__(FileTransport(folder, console=False))
        self.folder = folder

    def accepted(self) -> list[bytes]:
        return [file.read_bytes() for file in sorted(self.folder.glob("*.eml"))]

    def refuse(self) -> None:
        self.folder.write_text("a file where the folder should be")

    def lose(self) -> bool:
        return False


class OutboxRoad(Road):
    """The transport in memory, of the fixture `outbox`."""

    def __init__(self, outbox: Outbox) -> None:
        super().__init__(outbox, mime=False)
        self.outbox = outbox

    def accepted(self) -> list[bytes]:
        return [one.subject.encode() for one in self.outbox] if not self.is_lost else []

    is_lost = False

    def refuse(self) -> None:
        self.outbox.fail(Refused("The server refuses a***@example.org.", hint="Read its reply."))

    def lose(self) -> bool:
        self.outbox.fail(OutcomeUnknown("No answer."))
        self.is_lost = True  # it keeps such a message as sent
        return True


class Servers:
    """The servers that a test needs, started when it does."""

    def __init__(self, stack: ExitStack, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stack, self.folder, self.environment = stack, folder, monkeypatch

    def tls(self) -> tuple[ssl.SSLContext, ssl.SSLContext, Path]:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            self.environment.delenv(name, raising=False)
        context, authority = server_context(self.folder)
        return context, ssl.create_default_context(cafile=authority), authority

    def smtp(self, **options: Any) -> tuple[SmtpServer, SmtpTransport]:
        context, trusted, _ = self.tls()
        server = self.stack.enter_context(smtp_server(context))
        login: dict[str, Any] = {"username": "shop", "password": SECRET, "context": trusted, "limits": LIMITS}
        return server, SmtpTransport("localhost", server.port, **{**login, **options})


def smtp(servers: Servers) -> Road:
    return SmtpRoad(*servers.smtp(), frozenset({"bcc"}))


def ses_smtp(servers: Servers) -> Road:
    carried = frozenset({"bcc", "tags", "tenant", "contact_list"})
    return SmtpRoad(*servers.smtp(ses=OUTPUTS), carried)


def failover(servers: Servers) -> Road:
    """The first road is down."""
    server, second = servers.smtp()
    down = SmtpTransport("127.0.0.1", 1, security="loopback", limits=LIMITS)
    return SmtpRoad(server, Failover(down, second), frozenset({"bcc"}))


def split(servers: Servers) -> Road:
    server, transport = servers.smtp()
    return SmtpRoad(server, Split(transport, transport, share=0.5), frozenset({"bcc"}))


def microsoft365(servers: Servers) -> Road:
    context, trusted, authority = servers.tls()
    entra = servers.stack.enter_context(microsoft(context))
    server = servers.stack.enter_context(smtp_server(context))
    server.tokens = entra.tokens
    tokens = Microsoft365Tokens("t", "c", SECRET, authority=entra.url, certificates=str(authority))
    entra.secret = SECRET
    where: dict[str, Any] = {"host": "localhost", "port": server.port, "context": trusted, "limits": LIMITS}
    return SmtpRoad(server, Microsoft365Transport("shop@example.com", tokens=tokens, **where), frozenset({"bcc"}))


def graph(servers: Servers) -> Road:
    context, trusted, authority = servers.tls()
    entra = servers.stack.enter_context(microsoft(context))
    entra.secret = SECRET
    tokens = Microsoft365Tokens("t", "c", SECRET, authority=entra.url, certificates=str(authority))
    where: dict[str, Any] = {"endpoint": entra.url, "context": trusted, "limits": LIMITS}
    return GraphRoad(entra, GraphTransport("shop@example.com", tokens=tokens, **where))


def ses(servers: Servers) -> Road:
    server = servers.stack.enter_context(raw_server())
    server.default = numbered_ids()
    values = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}
    for name, value in {**values, "AWS_ENDPOINT_URL_SESV2": server.url}.items():
        servers.environment.setenv(name, value)
    return SesRoad(server, SesTransport(OUTPUTS, limits=LIMITS))


def memory(_: Servers) -> Road:
    return OutboxRoad(Outbox())


def files(servers: Servers) -> Road:
    return FileRoad(servers.folder / "mails")


ROADS: tuple[Callable[[Servers], Road], ...] = (
    *(ses, smtp, ses_smtp, microsoft365, graph, failover, split, files, memory),
)


@pytest.fixture(params=ROADS, ids=lambda make: make.__name__)
def road(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Road]:
    with ExitStack() as stack:
        yield request.param(Servers(stack, tmp_path, monkeypatch))


class TestTransports(TransportContract):
    pass


class TestSecurityOfTransports(TransportSecurityContract):
    pass
