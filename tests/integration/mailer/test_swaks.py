"""The suite's SMTP servers as swaks sees them, a client that nobody here wrote: they speak SMTP, not a dialect."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from urllib.request import urlopen

import pytest

from mailer.testing import Ses
from mailstack_localcloud import LocalCloud
from tests.smtp_server import smtp_server
from tests.system import require_tool
from tests.unit.mailer.wire.certificates import server_context
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration

ADA, SENDER = "ada@example.com", "no-reply@example.test"
TEXT = "Hello Ada\n.\n..dots\nlast line"
# https://jetmore.org/john/code/swaks/latest/doc/ref.txt, "EXIT CODES"
SENT, MAIL_REFUSED, RECIPIENT_REFUSED, CONTENT_REFUSED, NO_LOGIN, NO_TLS = 0, 23, 24, 26, 28, 29


@dataclass(frozen=True)
class Said:
    code: int
    transcript: str


Swaks = Callable[..., Said]


@pytest.fixture(scope="module")
def swaks() -> Swaks:
    program = require_tool("swaks")

    def run(port: int, *options: str, sender: str = SENDER) -> Said:
        envelope = ("--server", "127.0.0.1", "--port", str(port), "--from", sender, "--to", ADA, "--body", TEXT)
        command = [program, "--timeout", str(int(PATIENCE)), *envelope, *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        return Said(done.returncode, done.stdout + done.stderr)

    return run


@pytest.fixture
def login(cloud: LocalCloud) -> tuple[str, ...]:
    Ses(cloud)
    known = cloud.smtp
    verified = ("--tls-verify", "--tls-ca-path", known.certificate)
    return (*verified, "--auth-user", known.username, "--auth-password", known.password)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("tls", ["--tls", "--tls-on-connect"])
def test_local_cloud_takes_a_mail_as_it_was_sent(
    cloud: LocalCloud, swaks: Swaks, login: tuple[str, ...], mechanism: str, tls: str
):
    port = cloud.smtp.port if tls == "--tls" else cloud.smtp.tls_port
    said = swaks(port, tls, "--auth", mechanism, *login, "--header", "Subject: Grüße")
    assert said.code == SENT, said.transcript
    (kept,) = cloud.control("GET", "messages")["messages"]
    assert f"250 Ok {kept['message_id']}" in said.transcript
    with urlopen(f"{cloud.inbox_url}/{kept['message_id']}/source", timeout=PATIENCE) as answer:  # noqa: S310 - http on loopback by construction
        mail = message_from_bytes(answer.read(), policy=policy.default)
    assert mail.get_content().rstrip().splitlines() == TEXT.splitlines()


@pytest.mark.parametrize(
    ("options", "sender", "code", "reply"),
    [
        (("--tls", "--auth", "LOGIN", "--auth-user", "nobody", "--auth-password", "wrong"), SENDER, NO_LOGIN, "535 "),
        (("--tls",), SENDER, MAIL_REFUSED, "530 "),
        ((), SENDER, MAIL_REFUSED, "530 "),
        (("--tls", "--auth", "LOGIN", "LOGIN"), "shop@other.test", CONTENT_REFUSED, "554 Message rejected"),
    ],
    ids=["wrong password", "no login", "no TLS", "sender that is not verified"],
)
def test_local_cloud_refuses_at_the_step_that_ses_refuses_at(
    cloud: LocalCloud,
    swaks: Swaks,
    login: tuple[str, ...],
    options: tuple[str, ...],
    sender: str,
    code: int,
    reply: str,
):
    given = [*options[:-1], *login] if options[-1:] == ("LOGIN",) else options
    said = swaks(cloud.smtp.port, *given, sender=sender)
    assert (said.code, reply in said.transcript) == (code, True), said.transcript
    assert cloud.control("GET", "messages")["messages"] == []


def test_swaks_refuses_a_certificate_that_it_does_not_know(cloud: LocalCloud, swaks: Swaks, tmp_path: Path):
    _, other = server_context(tmp_path)
    said = swaks(cloud.smtp.port, "--tls", "--tls-verify", "--tls-ca-path", str(other))
    assert said.code == NO_TLS, said.transcript


@pytest.mark.parametrize("implicit", [False, True])
def test_scripted_server_speaks_tls_and_login(swaks: Swaks, tmp_path: Path, *, implicit: bool):
    context, authority = server_context(tmp_path)
    with smtp_server(context, implicit=implicit) as server:
        tls = "--tls-on-connect" if implicit else "--tls"
        options = ("--tls-verify", "--tls-ca-path", str(authority), "--auth", "LOGIN")
        said = swaks(server.port, tls, *options, "--auth-user", "shop", "--auth-password", "the password")
        assert said.code == SENT, said.transcript
        (arrived,) = server.accepted
    assert (arrived.sender, arrived.recipients) == (SENDER, (ADA,))
    body = message_from_bytes(arrived.data, policy=policy.default).get_content()
    assert body.rstrip().splitlines() == TEXT.splitlines()


@pytest.mark.parametrize(
    ("command", "reply", "code"),
    [
        ("MAIL", "550 5.7.60 SMTP; Client does not have permissions to send as this sender", MAIL_REFUSED),
        ("RCPT", "550 5.1.1 User unknown", RECIPIENT_REFUSED),
        (".", "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", CONTENT_REFUSED),
    ],
)
def test_scripted_replies_arrive_verbatim_at_their_step(swaks: Swaks, command: str, reply: str, code: int):
    with smtp_server() as server:
        server.replies[command] = [reply]
        said = swaks(server.port)
        assert (said.code, server.accepted) == (code, []), said.transcript
    assert reply in said.transcript
