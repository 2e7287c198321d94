"""Microsoft 365 over SMTP and Graph, against a server and a token endpoint that answer as Microsoft's do."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailer.errors import ConfigurationError, CredentialsInvalid, CredentialsUnavailable, InvalidMessage, TransportError
from mailer.message import Message
from mailer.transports.graph import GraphTransport
from mailer.transports.microsoft365 import SMTP_SCOPE, Microsoft365Tokens, Microsoft365Transport
from mailer.wire.deadline import Limits
from tests.microsoft import Microsoft, microsoft
from tests.smtp_server import SmtpServer, smtp_server
from tests.unit.mailer.wire.certificates import server_context
from tests.waiting import PATIENCE

LIMITS = Limits(connect=PATIENCE, attempt=PATIENCE)
SHOP = "shop@example.com"
MESSAGE = Message(subject="a", text="b", to="ada@example.com", sender=SHOP).identified("0123")


class Tenant:
    """The servers of one tenant, and how to reach them."""

    def __init__(self, entra: Microsoft, smtp: SmtpServer, authority: Path) -> None:
        self.entra, self.smtp, self.authority = entra, smtp, authority
        self.context = ssl.create_default_context(cafile=authority)

    def tokens(self, **options: Any) -> Microsoft365Tokens:
        given: dict[str, Any] = {
            "authority": self.entra.url,
            "certificates": str(self.authority),
            "client_secret": "s",
            **options,
        }
        return Microsoft365Tokens("example.com", "client", **given)

    def transport(self, **options: Any) -> Microsoft365Transport:
        login: dict[str, Any] = {} if "app_password" in options else {"tokens": self.tokens()}
        where: dict[str, Any] = {"host": "localhost", "port": self.smtp.port, "context": self.context, "limits": LIMITS}
        return Microsoft365Transport(SHOP, **{**where, **login, **options})

    def graph(self, **options: Any) -> GraphTransport:
        tokens = options.pop("tokens", None) or self.tokens(scope="https://graph.microsoft.com/.default")
        return GraphTransport(SHOP, tokens=tokens, endpoint=self.entra.url, context=self.context, limits=LIMITS)


@pytest.fixture
def tenant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # these would win over the authority of the test
        monkeypatch.delenv(name, raising=False)
    context, authority = server_context(tmp_path)
    with microsoft(context) as entra, smtp_server(context) as smtp:
        smtp.tokens = entra.tokens
        yield Tenant(entra, smtp, authority)


def test_token_is_kept_for_all_messages(tenant: Tenant):
    tenant.smtp.replies["."] = ["250 2.0.0 OK <0123@example.com> [Hostname=AM0PR01MB0001.eurprd01.prod.outlook.com]"]
    sending = tenant.transport()
    assert sending.send(MESSAGE)[0].message_id == "0123@example.com"
    sending.close()
    assert sending.send(MESSAGE)[0].ok
    assert tenant.entra.scopes == [SMTP_SCOPE]


def test_xoauth2_has_no_initial_response(tenant: Tenant):
    tenant.transport().send(MESSAGE)
    assert "AUTH XOAUTH2" in tenant.smtp.commands


def test_expired_token_is_renewed_once(tenant: Tenant):
    sending = tenant.transport()
    sending.send(MESSAGE)
    sending.close()
    tenant.entra.tokens.clear()
    assert sending.send(MESSAGE)[0].ok
    assert len(tenant.entra.scopes) == 2


def test_token_that_is_refused_twice_is_an_error(tenant: Tenant):
    tenant.smtp.replies["TOKEN"] = ["535 5.7.3 Authentication unsuccessful"] * 3
    with pytest.raises(CredentialsInvalid, match=r"535 5\.7\.3") as found:
        tenant.transport().send(MESSAGE)
    assert "docs/guides/microsoft365.md#535-573" in found.value.hint
    assert len(tenant.smtp.replies["TOKEN"]) == 1


def test_app_password_warns_with_the_date(tenant: Tenant):
    with pytest.warns(FutureWarning, match="end of December 2026"):
        sending = tenant.transport(app_password="x")
    assert sending.send(MESSAGE)[0].ok
    tenant.smtp.replies["AUTH"] = ["550 5.7.30 Basic authentication is not supported for Client Submission."]
    sending.close()
    with pytest.raises(TransportError, match="no longer takes passwords"):
        sending.send(MESSAGE)


def test_wrong_secret_says_what_to_do(tenant: Tenant):
    with pytest.raises(CredentialsInvalid, match="AADSTS7000215") as found:
        tenant.transport(tokens=tenant.tokens(client_secret="other")).send(MESSAGE)
    assert "pass its value, not its id" in found.value.hint
    assert tenant.smtp.connections == 0


def test_unreachable_token_endpoint_says_why_and_is_retryable(tenant: Tenant):
    tokens = tenant.tokens(authority="https://localhost:1")
    with pytest.raises(CredentialsUnavailable, match="Connection refused") as found:
        tenant.transport(tokens=tokens).send(MESSAGE)
    assert found.value.retryable


@pytest.mark.parametrize(
    "login", [{}, {"app_password": "x", "client_id": "a"}, {"client_id": "a"}, {"tenant": "a", "client_secret": "b"}]
)
def test_incomplete_or_double_login_is_refused(login: dict[str, Any]):
    with pytest.raises(ConfigurationError, match="Microsoft"):
        Microsoft365Transport(SHOP, **login)


def test_graph_sends_mime_in_base64(tenant: Tenant):
    (result,) = tenant.graph().send(MESSAGE)
    ((path, data),) = tenant.entra.sent
    assert path == "/v1.0/users/shop@example.com/sendMail"
    assert b"Message-ID: <0123@example.com>" in data
    assert (result.ok, result.message_id) == (True, "request-1")


def test_graph_renews_an_expired_token_once(tenant: Tenant):
    sending = tenant.graph()
    sending.send(MESSAGE)
    tenant.entra.tokens.clear()
    assert sending.send(MESSAGE)[0].ok


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (403, "ErrorAccessDenied", "AccessDenied"),
        (403, "ErrorSendAsDenied", "AccessDenied"),
        (404, "ErrorInvalidUser", "ResourceNotFound"),
        (413, "ErrorMessageSizeExceeded", "Refused"),
        (429, "ApplicationThrottled", "Throttled"),
        (429, "ErrorExceededMessageLimit", "QuotaExceeded"),
        (400, "ErrorInvalidRecipients", "Refused"),
        (503, "ServiceUnavailable", "TemporaryFailure"),
        (500, "InternalServerError", "OutcomeUnknown"),
        (504, "", "OutcomeUnknown"),
    ],
)
def test_graph_answer_becomes_an_error(tenant: Tenant, status: int, code: str, name: str):
    tenant.entra.refusals = [(status, code)]
    with pytest.raises(TransportError) as found:
        tenant.graph().send(MESSAGE)
    assert type(found.value).__name__ == name
    assert "ada@example.com" not in str(found.value)


def test_graph_refuses_bcc_before_sending(tenant: Tenant):
    message = Message(subject="a", text="b", to="ada@example.com", bcc="eve@example.com", sender=SHOP)
    with pytest.raises(InvalidMessage, match="bcc"):
        tenant.graph().send(message)
    assert tenant.entra.scopes == []
