"""The SMTP interface through Python's own client: two ports, credentials, replies, the API's enforcement and events."""

import json
import smtplib
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from mailstack_localcloud import LocalCloud, LocalCloudError
from mailstack_localcloud.smtp.credentials import smtp_password
from tests.processes import child
from tests.waiting import BRIEF, PATIENCE

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
SENDER, ADA = "no-reply@example.test", "ada@example.com"


@pytest.fixture
def verified(cloud: LocalCloud) -> LocalCloud:
    cloud.client("sesv2").create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    return cloud


@pytest.fixture
def client(verified: LocalCloud) -> Iterator[smtplib.SMTP]:
    with connected(verified) as logged_in:
        logged_in.login(verified.smtp.username, verified.smtp.password)
        yield logged_in


def connected(cloud: LocalCloud) -> smtplib.SMTP:
    known = cloud.smtp
    client = smtplib.SMTP(known.host, known.port, timeout=PATIENCE)
    client.starttls(context=known.context())
    return client


def mail(sender: str = SENDER, to: str = ADA, **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, "Hello"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content("Hello Ada")
    return made


def kept(cloud: LocalCloud) -> list[dict[str, Any]]:
    return cloud.control("GET", "messages")["messages"]


def reply_of(error: pytest.ExceptionInfo[smtplib.SMTPResponseException]) -> tuple[int, str]:
    said: Any = error.value.smtp_error
    return error.value.smtp_code, said.decode()


def test_a_mail_is_taken_with_its_message_id(verified: LocalCloud, client: smtplib.SMTP):
    client.mail(SENDER)
    client.rcpt(ADA)
    code, said = client.data(mail().as_bytes())
    (one,) = kept(verified)
    assert (code, said.decode()) == (250, f"Ok {one['message_id']}")
    assert (one["source"], one["to"], one["subject"]) == (SENDER, [ADA], "Hello")


def test_tls_from_the_first_byte_does_as_well(verified: LocalCloud):
    known = verified.smtp
    with smtplib.SMTP_SSL(known.host, known.tls_port, timeout=PATIENCE, context=known.context()) as client:
        client.login(known.username, known.password)
        assert client.send_message(mail()) == {}
    assert len(kept(verified)) == 1


def test_even_a_strict_client_trusts_the_certificate(cloud: LocalCloud):
    strict = cloud.smtp.context()
    strict.verify_flags |= ssl.VERIFY_X509_STRICT  # Python 3.13's default
    with smtplib.SMTP_SSL(cloud.smtp.host, cloud.smtp.tls_port, timeout=PATIENCE, context=strict) as client:
        assert client.noop()[0] == 250
    stranger = ssl.create_default_context()
    with pytest.raises(ssl.SSLCertVerificationError):
        smtplib.SMTP_SSL(cloud.smtp.host, cloud.smtp.tls_port, timeout=PATIENCE, context=stranger)


def test_commands_before_starttls_are_refused(cloud: LocalCloud):
    with smtplib.SMTP(cloud.smtp.host, cloud.smtp.port, timeout=PATIENCE) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd("MAIL", f"FROM:<{SENDER}>") == (530, b"Must issue a STARTTLS command first")


def test_smtp_send_needs_a_login(verified: LocalCloud):
    with connected(verified) as client:
        client.ehlo()
        assert client.mail(SENDER) == (530, b"Authentication required")
    with smtplib.SMTP_SSL(
        verified.smtp.host, verified.smtp.tls_port, timeout=PATIENCE, context=verified.smtp.context()
    ) as client:
        client.ehlo()
        assert client.mail(SENDER) == (530, b"Authentication required")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_both_mechanisms_log_in(cloud: LocalCloud, mechanism: str):
    with connected(cloud) as client:
        client.ehlo()
        client.esmtp_features["auth"] = mechanism
        assert client.login(cloud.smtp.username, cloud.smtp.password)[0] == 235


def test_active_iam_key_logs_in_to_its_region(cloud: LocalCloud):
    iam = cloud.client("iam")
    iam.create_user(UserName="smtp")
    key = iam.create_access_key(UserName="smtp")["AccessKey"]
    name, password = key["AccessKeyId"], smtp_password(key["SecretAccessKey"], "us-east-1")

    def attempt(password: str) -> tuple[int, str]:
        with connected(cloud) as client:
            try:
                return client.login(name, password)[0], ""
            except smtplib.SMTPAuthenticationError as error:
                said: Any = error.smtp_error
                return error.smtp_code, said.decode()

    refused = (535, "Authentication Credentials Invalid")
    assert attempt(password) == (235, "")
    assert attempt(key["SecretAccessKey"]) == refused
    assert attempt(smtp_password(key["SecretAccessKey"], "eu-west-1")) == refused
    iam.update_access_key(UserName="smtp", AccessKeyId=name, Status="Inactive")
    assert attempt(password) == refused


@pytest.mark.parametrize(
    ("mail_from", "sender", "unverified"),
    [
        ("x@other.test", "x@other.test", "x@other.test"),
        (SENDER, "x@other.test", "x@other.test"),
        ("y@z.test", SENDER, "y@z.test"),
    ],
)
def test_an_unverified_sender_is_rejected_in_sess_words(
    verified: LocalCloud, client: smtplib.SMTP, mail_from: str, sender: str, unverified: str
):
    with pytest.raises(smtplib.SMTPDataError) as error:
        client.sendmail(mail_from, ADA, mail(sender).as_bytes())
    said = "Email address is not verified. The following identities failed the check in region US-EAST-1:"
    assert reply_of(error) == (554, f"Message rejected: {said} {unverified}")
    assert not kept(verified)


@pytest.mark.parametrize(
    ("mail_from", "to", "expected"),
    [
        ("<>", f"<{ADA}>", (501, b"Invalid MAIL FROM address provided")),  # what a relay sends as a bounce
        ("<ada>", f"<{ADA}>", (501, b"Invalid MAIL FROM address provided")),
        (f"<{SENDER}>", "<ada>", (501, b"Invalid RCPT TO address provided")),
        (f"<{SENDER}>", '<"Ada L"@example.com>', (250, b"Ok")),
        (f"<{SENDER}>", "<ada..l.@example.com>", (250, b"Ok")),
    ],
)
def test_invalid_smtp_address_is_refused_at_once(
    client: smtplib.SMTP, mail_from: str, to: str, expected: tuple[int, bytes]
):
    sender = client.docmd("MAIL", f"FROM:{mail_from}")
    assert (client.docmd("RCPT", f"TO:{to}") if sender == (250, b"Ok") else sender) == expected


def test_the_policies_of_the_key_decide_what_it_may_send(verified: LocalCloud):
    iam = verified.client("iam")
    iam.create_user(UserName="smtp")
    key = iam.create_access_key(UserName="smtp")["AccessKey"]
    statement = {
        "Effect": "Allow",
        "Action": "ses:SendRawEmail",
        "Resource": "*",
        "Condition": {"StringEquals": {"ses:FromAddress": SENDER}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="smtp", PolicyName="send", PolicyDocument=policy)
    with connected(verified) as client:
        client.login(key["AccessKeyId"], smtp_password(key["SecretAccessKey"], "us-east-1"))
        assert client.send_message(mail()) == {}
        with pytest.raises(smtplib.SMTPDataError) as error:
            client.send_message(mail("other@example.test"))
    user = "arn:aws:iam::000000000000:user/smtp"
    identity = "arn:aws:ses:us-east-1:000000000000:identity/example.test"
    said = f"User `{user}' is not authorized to perform `ses:SendRawEmail' on resource `{identity}'"
    assert reply_of(error) == (554, f"Access denied: {said}")


def test_too_fast_is_throttled_and_too_much_is_too_long(verified: LocalCloud, client: smtplib.SMTP):
    verified.control("PUT", "account", {"max_send_rate": 0.01})
    client.send_message(mail())
    with pytest.raises(smtplib.SMTPDataError) as error:
        client.send_message(mail())
    assert reply_of(error) == (454, "Throttling failure: Maximum sending rate exceeded.")
    client.rset()
    assert client.docmd("MAIL", f"FROM:<{SENDER}> SIZE={100 * 1024 * 1024}") == (552, b"Message is too long.")


def test_paused_or_missing_configuration_set_is_refused(verified: LocalCloud, client: smtplib.SMTP):
    ses = verified.client("sesv2")
    ses.create_configuration_set(ConfigurationSetName="news", SendingOptions={"SendingEnabled": False})
    with pytest.raises(smtplib.SMTPDataError) as error:
        client.send_message(mail(X_SES_CONFIGURATION_SET="news"))
    assert reply_of(error) == (554, "Message rejected: Sending is paused for configuration set news.")
    with pytest.raises(smtplib.SMTPDataError) as error:
        client.send_message(mail(X_SES_CONFIGURATION_SET="none"))
    assert reply_of(error) == (554, "Configuration Set does not exist: Configuration set <none> does not exist.")


def test_ses_headers_are_obeyed_and_removed(verified: LocalCloud, client: smtplib.SMTP):
    verified.client("sesv2").create_configuration_set(ConfigurationSetName="news")
    bounce = "bounce@simulator.amazonses.com"
    client.send_message(
        mail(to=bounce, X_SES_CONFIGURATION_SET="news", X_SES_MESSAGE_TAGS="kind=weekly, issue=7", X_Other="stays")
    )
    (one,) = kept(verified)
    detail = verified.control("GET", f"messages/{one['message_id']}")
    assert [event["eventType"] for event in detail["events"]] == ["Send", "Bounce"]
    tags = detail["events"][0]["mail"]["tags"]
    assert (tags["ses:operation"], tags["ses:configuration-set"]) == (["SendSmtpEmail"], ["news"])
    assert (tags["kind"], tags["issue"]) == (["weekly"], ["7"])
    names = {header["name"] for header in detail["events"][0]["mail"]["headers"]}
    assert "X-Other" in names
    assert not {name for name in names if name.startswith("X-SES")}


def test_envelope_sender_in_events_and_from_in_the_inbox(verified: LocalCloud, client: smtplib.SMTP):
    """https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html, `source`."""
    verified.control("PUT", "account", {"forward_feedback": True})
    bounce = "bounce@simulator.amazonses.com"
    client.sendmail("bounces@example.test", bounce, mail("Ada <ada@example.test>", bounce).as_bytes())
    verified.control("POST", "events/drain")
    forwarded, one = kept(verified)
    event = verified.control("GET", f"messages/{one['message_id']}")["events"][0]
    assert (one["source"], forwarded["to"]) == ("Ada <ada@example.test>", ["bounces@example.test"])
    assert event["mail"]["source"] == "bounces@example.test"
    assert event["mail"]["commonHeaders"]["from"] == ["Ada <ada@example.test>"]
    assert event["mail"]["tags"]["ses:from-domain"] == ["example.test"]
    with urllib.request.urlopen(f"{verified.inbox_url}/{one['message_id']}", timeout=PATIENCE) as page:  # noqa: S310 - our own
        assert "<th>MAIL FROM</th><td>bounces@example.test</td>" in page.read().decode()


def test_a_mail_of_any_bytes_arrives_whole(verified: LocalCloud, client: smtplib.SMTP):
    made = mail()
    made.set_content("Grüße\n.\n..\nFrom here\n")
    made.add_attachment(bytes(range(256)), maintype="application", subtype="octet-stream", filename="a.bin")
    client.sendmail(SENDER, ADA, made.as_bytes(policy=SMTP))  # send_message would quote the line with From
    (one,) = kept(verified)
    content = verified.control("GET", f"messages/{one['message_id']}/content")
    assert content["text"].splitlines()[:4] == ["Grüße", ".", "..", "From here"]
    assert [attachment["size"] for attachment in content["attachments"]] == [256]


@pytest.mark.parametrize(
    ("effect", "options", "raised", "arrived"),
    [
        ("throttle", {}, smtplib.SMTPDataError, 0),
        ("error", {"code": "InternalFailure", "status": 500}, smtplib.SMTPDataError, 0),
        ("reset-before", {}, (OSError, smtplib.SMTPServerDisconnected), 0),
        ("reset-after", {}, (OSError, smtplib.SMTPServerDisconnected), 1),
        ("timeout-before", {"seconds": BRIEF}, smtplib.SMTPServerDisconnected, 0),
        ("timeout-after", {"seconds": BRIEF}, smtplib.SMTPServerDisconnected, 1),
        ("malformed", {}, (smtplib.SMTPException, OSError), 1),
    ],
)
def test_faults_strike_smtp_as_well(
    verified: LocalCloud, effect: Any, options: dict[str, Any], raised: Any, arrived: int
):
    with verified.fault(effect, operation="SendSmtpEmail", recipient=ADA, **options) as fault:
        client = connected(verified)
        client.login(verified.smtp.username, verified.smtp.password)
        with pytest.raises(raised):
            client.send_message(mail())
        client.close()
        assert fault.struck == 1
    assert len(kept(verified)) == arrived


def test_smtp_ports_and_error_for_a_taken_port(cloud: LocalCloud):
    with pytest.raises(LocalCloudError, match=f"Port {cloud.smtp.port} on 127.0.0.1 cannot be used"):
        LocalCloud.start(smtp_port=cloud.smtp.port)


def test_the_command_says_how_to_send_over_smtp():
    command = [sys.executable, "-m", "mailstack_localcloud"]
    with child(
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    ) as process:
        assert process.stdout
        assert process.stderr
        said = ""
        while "sesv2 get-account" not in said:
            said += process.stdout.readline()
        line = next(line for line in said.splitlines() if "STARTTLS" in line)
        port = int(line.partition("port ")[2].split()[0])
        certificate = next(line for line in said.splitlines() if "certificate" in line).split()[-1]
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            assert client.starttls(context=ssl.create_default_context(cafile=certificate))[0] == 220
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""
    assert not Path(certificate).exists()
