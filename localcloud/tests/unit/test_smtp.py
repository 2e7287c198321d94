"""Parameters of a mail over SMTP, SES's replies, the certificate."""

import asyncio
import ssl
from pathlib import Path

import pytest

from mailstack_localcloud.backend.credentials import SECRET_KEY
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses.raw_sends import send_email_parameters
from mailstack_localcloud.smtp.certificate import ensure
from mailstack_localcloud.smtp.credentials import smtp_password
from mailstack_localcloud.smtp.replies import reply
from mailstack_localcloud.smtp.server import _session_class
from tests.waiting import BRIEF, PATIENCE

BODY = b"\r\nX-SES-CONFIGURATION-SET: not a header\r\n.\r\n\xff"


def message(*headers: str) -> bytes:
    return "".join(f"{header}\r\n" for header in headers).encode() + BODY


def test_the_password_is_of_the_secret_and_the_region():
    # Worked out with the script in https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
    assert smtp_password(SECRET_KEY, "us-east-1") == "BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9"
    assert smtp_password(SECRET_KEY, "eu-west-1") != smtp_password(SECRET_KEY, "us-east-1")


def test_recipients_without_header_are_blind_copies():
    found = send_email_parameters(
        "bounce@example.test",
        ["ada@example.com", "Bob@example.org", "eve@example.net"],
        message(
            "From: Example <no-reply@example.test>",
            "To: Ada <ADA@example.com>, carol@example.com",
            "Cc: bob@example.org",
        ),
    )
    assert found["FromEmailAddress"] == "Example <no-reply@example.test>"
    assert found["Destination"] == {
        "ToAddresses": ["Ada <ADA@example.com>"],
        "CcAddresses": ["bob@example.org"],
        "BccAddresses": ["eve@example.net"],
    }


def test_envelope_sender_replaces_a_missing_from():
    assert (
        send_email_parameters("a@example.test", [], message("Subject: Hello"))["FromEmailAddress"] == "a@example.test"
    )


def test_only_ses_headers_are_read_and_removed():
    content = message(
        "x-ses-configuration-set: news",
        "Subject: Hello",
        "X-SES-MESSAGE-TAGS: kind=weekly,\r\n issue = 7",
        "X-SES-LIST-MANAGEMENT-OPTIONS: readers; topic=Weekly",
        "X-SES-Source-ARN: arn:aws:ses:us-east-1:000000000000:identity/example.test",
        "X-Other: stays",
    )
    found = send_email_parameters("a@example.test", ["ada@example.com"], content)
    assert found["ConfigurationSetName"] == "news"
    assert found["EmailTags"] == [{"Name": "kind", "Value": "weekly"}, {"Name": "issue", "Value": "7"}]
    assert found["ListManagementOptions"] == {"ContactListName": "readers", "TopicName": "Weekly"}
    assert found["Content"]["Raw"]["Data"] == b"Subject: Hello\r\nX-Other: stays\r\n" + BODY


def test_invalid_message_tags_header_is_refused():
    with pytest.raises(SesError, match="Invalid X-SES-MESSAGE-TAGS"):
        send_email_parameters("a@example.test", [], message("X-SES-MESSAGE-TAGS: weekly"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SesError("TooManyRequestsException", "Too fast."), "454 Throttling failure: Too fast."),
        (
            SesError("MessageRejected", "Email address\nis not verified."),
            "554 Message rejected: Email address is not verified.",
        ),
        (SesError("NotFoundException", "Größe."), "554 Transaction failed: Gr??e."),
        (SesError("AccessDeniedException", "No.", status=403), "554 Access denied: No."),
        (SesError("InternalServiceErrorException", "Odd.", status=500), "451 Temporary service failure"),
    ],
)
def test_api_errors_become_smtp_replies(error: SesError, expected: str):
    assert reply(error) == expected


def test_the_certificate_is_made_once(tmp_path: Path):
    path = tmp_path / "smtp.pem"
    ensure(str(path))
    first = path.read_bytes()
    ensure(str(path))
    assert path.read_bytes() == first
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)


def test_idle_smtp_client_is_disconnected_with_a_reply():
    async def said() -> list[bytes]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _session_class()(object(), timeout=BRIEF, loop=loop), "127.0.0.1")
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        lines = (await asyncio.wait_for(reader.read(), PATIENCE)).splitlines()
        writer.close()
        server.close()
        return lines

    greeting, goodbye = asyncio.run(said())
    assert greeting.startswith(b"220 ")
    assert goodbye == b"451 Timeout waiting for data from client"
