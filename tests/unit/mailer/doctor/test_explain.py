"""`mailer explain`: verbatim texts of SES, SMTP, Microsoft 365 and DNS, and the library's own errors."""

import io
import json
import re
import socket
import sys
from pathlib import Path
from typing import NoReturn

import pytest

import mailer
from mailer.cli import main
from mailer.doctor.explain.dns import ROWS
from mailer.doctor.explain.explanation import Explanation
from mailer.doctor.explain.find import explain
from mailer.doctor.explain.ours import CLASSES
from mailer.doctor.explain.smtp import RECEIVERS
from mailer.errors import MailerError
from mailer.transports.ses_replies import REPLIES

ROOT = Path(__file__).resolve().parents[4]
BOTO = "botocore.errorfactory.{0}: An error occurred ({0}) when calling the SendEmail operation: {1}"
# The text, whose it is, and the exception that it becomes.
TEXTS = (
    # https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html
    (
        BOTO.format("MessageRejected", "Email address is not verified. The following identities failed the check"),
        *("Amazon SES", "IdentityNotVerified"),
    ),
    ("Email address is not verified. The following identities failed", "Amazon SES", "IdentityNotVerified"),
    ("554 Message rejected: Email address is not verified.", "Amazon SES", "IdentityNotVerified"),
    ("(554, b'Message rejected: Email address is not verified.')", "Amazon SES", "IdentityNotVerified"),
    (BOTO.format("TooManyRequestsException", "Maximum sending rate exceeded."), "Amazon SES", "Throttled"),
    ("Throttling: Daily message quota exceeded", "Amazon SES", "QuotaExceeded"),
    ("454 Throttling failure: Daily message quota exceeded.", "Amazon SES", "QuotaExceeded"),
    ("454 Throttling failure: Maximum sending rate exceeded.", "Amazon SES", "Throttled"),
    ("Sending suspended for this account. For more information, please check", "Amazon SES", "AccountSuspended"),
    (BOTO.format("SendingPausedException", "Sending is paused."), "Amazon SES", "SendingPaused"),
    (
        "User: arn:aws:iam::123456789012:user/a is not authorized to perform: ses:SendEmail",
        "Amazon SES",
        "AccessDenied",
    ),
    ("Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z", "Amazon SES", "ClockSkewed"),
    (BOTO.format("ExpiredTokenException", "The security token is expired"), "Amazon SES", "CredentialsInvalid"),
    ("The security token included in the request is invalid.", "Amazon SES", "CredentialsInvalid"),
    ("botocore.exceptions.NoCredentialsError: Unable to locate credentials", "Amazon SES", "CredentialsMissing"),
    ('Could not connect to the endpoint URL: "https://email.eu-west-1.amazonaws.com/"', "Amazon SES", "Unreachable"),
    ("Configuration set <news> does not exist.", "Amazon SES", "ResourceNotFound"),
    # https://learn.microsoft.com/exchange/troubleshoot/email-delivery/
    (
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
        *("Microsoft 365", "AccessDenied"),
    ),
    ("5.7.139 Authentication unsuccessful", "Microsoft 365", "AccessDenied"),
    (
        "smtplib.SMTPAuthenticationError: (535, b'5.7.3 Authentication unsuccessful')",
        "Microsoft 365",
        "CredentialsInvalid",
    ),
    ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", "Microsoft 365", "AccessDenied"),
    ("432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", "Microsoft 365", "Throttled"),
    ("AADSTS7000222: The provided client secret keys are expired.", "Microsoft 365", "CredentialsInvalid"),
    ("AADSTS50034: The user account does not exist", "Microsoft 365", "CredentialsInvalid"),
    ('{"error": {"code": "ErrorSendAsDenied", "message": "The user account"}}', "Microsoft 365", "AccessDenied"),
    ('{"error": {"code": "ErrorAccessDenied"}}', "Microsoft 365", "AccessDenied"),
    ('{"error": {"code": "ErrorExceededMessageLimit"}}', "Microsoft 365", "QuotaExceeded"),
    # Other servers.
    ("host mx.example.com said: 550-5.1.1 The email account\n550 5.1.1 does not exist", "SMTP", "Refused"),
    ("status=deferred (host mx.example.com said: 421 4.7.0 Try again later)", "SMTP", "TemporaryFailure"),
    ("452 4.2.2 The email account that you tried to reach is over quota", "SMTP", "TemporaryFailure"),
    ("550-5.7.26 This mail has been blocked because the sender is unauthenticated.", "SMTP", "Refused"),
    ("550 5.7.515 Access denied, sending domain does not meet the required authentication level", "SMTP", "Refused"),
    # DNS.
    ("dns.resolver.NXDOMAIN: The DNS query name does not exist: _dmarc.example.com.", "DNS", ""),
    ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "DNS", ""),
    ("spf=permerror (too many DNS lookups) smtp.mailfrom=bounce.example.com", "DNS", ""),
    ("Authentication-Results: mx.example.com; dkim=fail (body hash did not verify)", "DNS", ""),
    ("CharacterStringTooLong (Value is too long)", "DNS", ""),
    # Our own.
    ("mailer.errors.SendingPaused", "mailer", "SendingPaused"),
    ("No outputs of stack 'prod': MAILSTACK_OUTPUTS is not set", "mailer", "StackNotFound"),
    ("The stack 'prod' has no stream 'offers'.", "mailer", "UnknownStream"),
)


@pytest.mark.parametrize(("text", "source", "error"), TEXTS)
def test_verbatim_text_is_explained_first(text: str, source: str, error: str):
    first = explain(text)[0]
    assert (first.source, first.error) == (source, error)
    assert first.cause
    assert first.remedy


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_error_of_the_library_has_a_page(name: str):
    (found,) = explain(f"mailer.{name}: something happened")
    assert found.error == name
    assert found.cause
    assert page_exists(found)


def test_every_public_error_is_known():
    public = (getattr(mailer, name) for name in mailer.__all__)
    errors = {one.__name__ for one in public if isinstance(one, type) and issubclass(one, MailerError)}
    assert errors <= set(CLASSES)


@pytest.mark.parametrize("code", sorted({code for row in REPLIES for code in row.codes if not code.isdigit()}))
def test_every_code_of_aws_is_explained(code: str):
    found = explain(BOTO.format(code, "Of the test."))[0]
    assert found.source == "Amazon SES"
    assert "{" not in f"{found.cause}{found.remedy}"
    assert page_exists(found)


def test_every_page_of_the_tables_exists():
    for one in explain("; ".join(text for text, *_ in TEXTS)):
        assert page_exists(one)
    for page in {f"docs/guides/dns.md{row.part}" for row in ROWS} | {row.page for row in RECEIVERS}:
        assert page_exists(Explanation("", "", "", "", (), page))


def test_text_of_our_error_is_explained_by_the_reply_in_it():
    text = "mailer.errors.Refused: SES refuses the content. MessageRejected: Address blacklisted."
    (found,) = explain(text)
    assert (found.source, "suppression list" in found.cause) == ("Amazon SES", True)


@pytest.mark.parametrize("text", ["hello", "received 512 bytes in 421 ms", "error 404", "2026-01-01 454", "5.7"])
def test_unknown_text_is_not_explained(text: str, capsys: pytest.CaptureFixture[str]):
    assert main(["explain", text]) == 1
    assert "not known" in capsys.readouterr().out


def test_long_text_is_explained_in_time():
    assert explain("550 " * 100_000 + "a" * 100_000) is not None


def test_command_prints_cause_remedy_and_page(capsys: pytest.CaptureFixture[str]):
    assert main(["explain", "554", "Message", "rejected:", "Email", "address", "is", "not", "verified."]) == 0
    out = capsys.readouterr().out
    assert "mailer dns --check" in out
    assert "docs/guides/dns.md" in out


def test_standard_input_is_read_and_printed_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "stdin", io.StringIO("<ada@example.com>: host said: 552 5.2.2 mailbox full"))
    assert main(["explain", "-", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)[0]["cause"] == "The mailbox is full."
    assert "ada@" not in out


def test_empty_text_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["explain", " "]) == 2
    assert "no text" in capsys.readouterr().err


def test_nothing_is_asked_over_the_network(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the network is used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert all(explain(text) for text, *_ in TEXTS)


def page_exists(one: Explanation) -> bool:
    page, _, part = one.page.partition("#")
    text = (ROOT / page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return not part or part in {re.sub(r"[^\w\- ]", "", one).lower().replace(" ", "-") for one in headings}
