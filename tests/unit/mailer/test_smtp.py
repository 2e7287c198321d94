"""The SMTP transport against a server that does whatever a server can do."""

import os
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from mailer.errors import (
    ConfigurationError,
    InvalidMessage,
    OutcomeUnknown,
    Refused,
    TemporaryFailure,
    Throttled,
    TransportError,
    Unreachable,
)
from mailer.message import Message
from mailer.options import SendOptions
from mailer.results import Status
from mailer.transports.smtp import SmtpTransport, ses_smtp_password
from mailer.transports.smtp_connection import SmtpReply
from mailer.transports.smtp_replies import classify
from mailer.wire.deadline import Limits
from tests.smtp_server import SmtpServer, smtp_server
from tests.unit.mailer.stack_outputs import outputs
from tests.unit.mailer.wire.certificates import server_context
from tests.waiting import BRIEF, PATIENCE

LIMITS = Limits(connect=PATIENCE, attempt=PATIENCE)
MESSAGE = Message(
    subject="Grüße", text="Hello\n.\n..dots\n", to="ada@example.com", bcc="eve@example.com", sender="shop@example.com"
).identified("0123")


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with smtp_server() as running:
        yield running


def transport(server: SmtpServer, **options: Any) -> SmtpTransport:
    given: dict[str, Any] = {"security": "loopback", "limits": LIMITS, "final_reply": PATIENCE, **options}
    return SmtpTransport("127.0.0.1", server.port, **given)


def test_message_arrives_with_its_envelope_and_queue_id(server: SmtpServer):
    ada, eve = transport(server).send(MESSAGE)
    (arrived,) = server.accepted
    assert (ada.status, ada.message_id, eve.message_id) == (Status.SENT, "Q1", "Q1")
    assert ada.message_id_header == "<0123@example.com>"
    assert (arrived.sender, arrived.recipients) == ("shop@example.com", ("ada@example.com", "eve@example.com"))
    mail = message_from_bytes(arrived.data, policy=policy.default)
    assert (mail["Subject"], mail.get_content().replace("\r", ""), b"eve" in arrived.data) == (
        "Grüße",
        "Hello\n.\n..dots\n",
        False,
    )


def test_connection_closed_at_every_byte_loses_nothing(server: SmtpServer):
    sending = transport(server)
    sending.send(MESSAGE)
    whole = server.received
    for count in range(1, whole):
        server.complete.clear()
        server.end_at = count
        with pytest.raises((Unreachable, OutcomeUnknown)) as found:
            sending.send(MESSAGE)
        if isinstance(found.value, Unreachable):  # it may be sent again, so nothing may have arrived
            assert server.complete == []


# By command: the replies of the server, and what becomes of the message.
@pytest.mark.parametrize(
    ("command", "reply", "error"),
    [
        *[(command, "", Unreachable) for command in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA")],
        *[(command, "garbage", Unreachable) for command in ("CONNECT", "MAIL", "DATA")],
        *[(command, "451 Temporary service failure", TemporaryFailure) for command in ("MAIL", "RCPT", "DATA", ".")],
        *[(command, "421 Too many concurrent SMTP connections", Throttled) for command in ("CONNECT", "MAIL", ".")],
        *[(command, "554 Transaction failed", Refused) for command in ("CONNECT", "MAIL", "DATA", ".")],
        *[(".", reply, OutcomeUnknown) for reply in ("", "garbage", "354 go on", "25", "250-Ok\r\n251 Ok")],
    ],
)
def test_moment_decides_what_may_be_tried_again(
    server: SmtpServer, command: str, reply: str, error: type[TransportError]
):
    server.replies[command] = [reply] * 2
    with pytest.raises(error) as found:
        transport(server).send(MESSAGE)
    assert type(found.value) is error
    assert not (found.value.retryable and server.accepted)


@pytest.mark.parametrize(("command", "error"), [("MAIL", Unreachable), ("DATA", Unreachable), (".", OutcomeUnknown)])
def test_silence_ends_with_the_deadline(server: SmtpServer, command: str, error: type[TransportError]):
    server.replies[command] = [None]
    limits = Limits(connect=PATIENCE, attempt=PATIENCE if command == "." else BRIEF * 3)
    with pytest.raises(error):
        transport(server, limits=limits, final_reply=BRIEF).send(MESSAGE)


def test_answer_to_quit_does_not_change_the_result(server: SmtpServer):
    server.replies["QUIT"] = ["554 no"]
    sending = transport(server)
    assert all(result.ok for result in sending.send(MESSAGE))
    sending.close()


def test_each_recipient_has_its_own_reply(server: SmtpServer):
    server.replies["RCPT"] = ["550 5.1.1 <ada@example.com>: User unknown"]
    ada, eve = transport(server).send(MESSAGE)
    assert (ada.status, eve.status) == (Status.REFUSED, Status.SENT)
    assert "ada@example.com" not in ada.reason
    assert "mailbox does not exist" in ada.reason
    assert server.accepted[0].recipients == ("eve@example.com",)


def test_refused_recipients_send_no_data(server: SmtpServer):
    server.replies["RCPT"] = ["550 5.1.1 unknown", "450 4.2.0 later"]
    assert [result.status for result in transport(server).send(MESSAGE)] == [Status.REFUSED, Status.FAILED]
    assert server.complete == []


def test_connection_is_kept_and_renewed_by_count(server: SmtpServer):
    sending = transport(server, messages_per_connection=2)
    for _ in range(5):
        sending.send(MESSAGE)
    assert (len(server.accepted), server.connections) == (5, 3)


@pytest.mark.parametrize("reply", ["", "421 4.4.2 Timeout"])
def test_closed_kept_connection_is_replaced_at_once(server: SmtpServer, reply: str):
    sending = transport(server)
    sending.send(MESSAGE)
    server.replies["MAIL"] = [reply]
    assert all(result.ok for result in sending.send(MESSAGE))
    assert (len(server.accepted), server.connections) == (2, 2)


def test_threads_share_a_transport(server: SmtpServer):
    sending = transport(server)
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: sending.send(MESSAGE)[0].message_id, range(40)))
    assert len(server.accepted) == 40
    assert len(set(results)) == 40


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_process_opens_a_connection_of_its_own(server: SmtpServer):
    sending = transport(server)
    sending.send(MESSAGE)
    child = os.fork()
    if not child:
        os._exit(0 if all(result.ok for result in sending.send(MESSAGE)) else 1)
    assert os.waitpid(child, 0)[1] == 0
    sending.send(MESSAGE)
    assert (len(server.accepted), server.connections) == (3, 2)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_certificate_is_verified_and_password_is_sent_after_tls(tmp_path: Path, security: Any):
    context, authority = server_context(tmp_path)
    with smtp_server(context, implicit=security == "tls") as server:
        login = {"username": "shop", "password": "x", "security": security}
        with pytest.raises(Unreachable, match="certificate verify failed"):
            transport(server, **login).send(MESSAGE)
        assert not any(command.startswith("AUTH") for command in server.commands)
        trusted = ssl.create_default_context(cafile=authority)
        assert transport(server, **login, context=trusted).send(MESSAGE)[0].ok
        assert "AUTH PLAIN" in server.commands


def test_server_without_starttls_gets_no_password(server: SmtpServer):
    with pytest.raises(TransportError, match="offers no STARTTLS"):
        transport(server, security="starttls", username="shop", password="x").send(MESSAGE)
    assert [command.split()[0].upper() for command in server.commands] == ["EHLO"]


def test_reply_injected_before_tls_is_refused(tmp_path: Path):
    context, authority = server_context(tmp_path)
    with smtp_server(context) as server:
        server.replies["STARTTLS"] = ["220 ready\r\n250 injected"]
        sending = transport(server, security="starttls", context=ssl.create_default_context(cafile=authority))
        with pytest.raises(Unreachable, match="more than its reply"):
            sending.send(MESSAGE)


def unverifying() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.parametrize(
    "options",
    [
        {"host": ""},
        {"security": "none"},
        {"context": unverifying()},
        {"security": "loopback"},
        {"host": "localhost", "security": "loopback", "username": "a", "password": "b"},
        {"username": "a"},
        {"password": "b"},
        {"ignore": ("template",)},
    ],
)
def test_unsafe_or_incomplete_settings_are_refused(options: dict[str, Any]):
    with pytest.raises(ConfigurationError):
        SmtpTransport(options.pop("host", "smtp.example.com"), **options)


def test_ses_reads_stream_tags_and_tenant_from_headers(server: SmtpServer):
    message = Message(
        subject="a",
        text="b",
        to="ada@example.com",
        sender="shop@example.com",
        stream="news",
        tenant="acme",
        tags={"campaign": "may"},
        options=SendOptions(contact_list="readers", topic="weekly", feedback_address="bounces@example.com"),
    ).identified("7")
    server.replies["."] = ["250 Ok 0100-example"]
    (result,) = transport(server, ses=outputs()).send(message)
    (arrived,) = server.accepted
    mail = message_from_bytes(arrived.data, policy=policy.default)
    assert (result.message_id, arrived.sender) == ("0100-example", "bounces@example.com")
    assert result.message_id_header.startswith("<0100-example@")
    assert mail["X-SES-CONFIGURATION-SET"] == "mailstack-dev-news"
    assert mail["X-SES-TENANT"].endswith("acme")
    assert {"campaign=may", "mailstack-id=7"} <= set(mail["X-SES-MESSAGE-TAGS"].split(", "))
    assert mail["X-SES-LIST-MANAGEMENT-OPTIONS"] == "readers; topic=weekly"


@pytest.mark.parametrize(
    "part",
    [{"tenant": "acme"}, {"tags": {"a": "b"}}, {"options": SendOptions(track_opens=False)}],
)
def test_options_of_ses_are_refused_for_other_servers(server: SmtpServer, part: dict[str, Any]):
    message = Message(subject="a", text="b", to="ada@example.com", sender="shop@example.com", **part)
    with pytest.raises(InvalidMessage, match="SMTP cannot carry"):
        transport(server).send(message)
    assert server.connections == 0
    ignored = ("tags", "tenant", "track_opens")
    assert transport(server, ignore=ignored).send(message)[0].ok


REPLIES = [
    ("421 Too many concurrent SMTP connections", "Throttled"),
    ("421 4.4.2 Connection timed out", "TemporaryFailure"),
    ("432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending", "Throttled"),
    ("450 4.2.0 <a@example.com>: Recipient address rejected: Greylisted", "TemporaryFailure"),
    ("451 Timeout waiting for data from client", "TemporaryFailure"),
    ("452 4.2.2 Mailbox full", "TemporaryFailure"),
    ("454 Throttling failure: Maximum sending rate exceeded", "Throttled"),
    ("454 Throttling failure: Daily message quota exceeded", "QuotaExceeded"),
    ("454 Temporary authentication failure", "TemporaryFailure"),
    ("454 Temporary service failure", "TemporaryFailure"),
    ("530 Must issue a STARTTLS command first", "AccessDenied"),
    ("530 Authentication required", "CredentialsMissing"),
    ("530 5.7.57 Client not authenticated to send mail", "CredentialsMissing"),
    ("535 Authentication Credentials Invalid", "CredentialsInvalid"),
    ("535 5.7.3 Authentication unsuccessful", "CredentialsInvalid"),
    ("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.", "AccessDenied"),
    ("550 5.7.30 Basic authentication is not supported for Client Submission.", "AccessDenied"),
    ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", "AccessDenied"),
    ("554 5.2.252 SendAsDenied; a@example.com not allowed to send as b@example.com", "AccessDenied"),
    ("550 5.1.1 <a@example.com>: Recipient address rejected: User unknown", "Refused"),
    ("550 5.7.1 Message rejected due to local policy", "Refused"),
    ("553 5.7.1 <a@example.com>: Sender address rejected: not owned by user b", "AccessDenied"),
    ("554 5.7.1 <a@example.com>: Relay access denied", "AccessDenied"),
    ("552 Message is too long", "Refused"),
    ("552 5.3.4 Message size exceeds fixed limit", "Refused"),
    ("554 Access denied: User is not authorized to perform ses:SendRawEmail", "AccessDenied"),
    ("554 Message rejected: Email address is not verified.", "IdentityNotVerified"),
    ("554 Message rejected: Sending suspended for this account.", "AccountSuspended"),
    ("554 Message rejected: Sending paused for this configuration set.", "SendingPaused"),
    ("554 Configuration Set does not exist: news", "ResourceNotFound"),
    ("451 4.7.1 Try again later", "TemporaryFailure"),
    ("554 Transaction failed", "Refused"),
]


@pytest.mark.parametrize(("reply", "name"), REPLIES)
def test_reply_becomes_an_error_with_cause_and_remedy(reply: str, name: str):
    code, _, words = reply.partition(" ")
    error = classify(SmtpReply(int(code), words))
    assert type(error).__name__ == name
    assert error.hint
    assert error.code == code
    assert "a@example.com" not in str(error).replace("a***@example.com", "")


def test_smtp_password_of_ses_is_that_of_the_infrastructure():
    from mailstack_infra.access.smtp_user import password

    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    assert ses_smtp_password(secret, "eu-west-1") == password(secret, "eu-west-1")
