"""The SMTP transport against servers that nobody here wrote for it: Postfix, and SES's interface of the local cloud."""

import json
import os
from collections.abc import Iterator

import pytest

from examples.smtp_migration.postfix import Postfix, running
from mailer import Message, SmtpTransport, Status
from mailer.mailer import Mailer
from mailer.testing import Ses
from tests.system import require_tool

pytestmark = pytest.mark.integration

MESSAGE = Message(subject="Grüße", text="Hello\n.\n..dots", to="ada@example.com", sender="shop@example.com")
RULES = {
    "message_size_limit": "100000",
    "smtpd_recipient_restrictions": "check_recipient_access inline:{{full@example.com = 452 4.2.2 mailbox full}},"
    " check_recipient_access inline:{{nobody@example.com = 550 5.1.1 user unknown}}, check_client_access static:HOLD",
    "smtpd_relay_restrictions": "check_sender_access inline:{foreign@example.org=REJECT}, permit_mynetworks, reject",
}


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    require_tool("postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root alone")
    with running(RULES) as server:
        yield server


def queue(postfix: Postfix) -> dict[str, dict[str, object]]:
    found = map(json.loads, postfix.run("postqueue", "-j").splitlines())
    return {one["queue_id"]: one for one in found}


@pytest.fixture
def through_postfix(postfix: Postfix) -> Iterator[Mailer]:
    transport = SmtpTransport("127.0.0.1", postfix.port, security="loopback")
    yield Mailer.over(transport, sender="shop@example.com")
    transport.close()


def test_result_has_the_queue_id_of_postfix(postfix: Postfix, through_postfix: Mailer):
    result = through_postfix.send(MESSAGE)
    assert result.ok
    assert result.message_id in queue(postfix)
    mail = postfix.run("postcat", "-hbq", result.message_id)
    assert f"Message-ID: {result.message_id_header}" in mail
    assert "\n.\n..dots" in mail or "Content-Transfer-Encoding: base64" in mail


def test_postfix_refuses_and_defers_single_recipients(through_postfix: Mailer):
    recipients = ["nobody@example.com", "ada@example.com", "full@example.com"]
    result = through_postfix.send(MESSAGE, to=recipients)
    assert [one.status for one in result] == [Status.REFUSED, Status.SENT, Status.FAILED]


def test_postfix_refuses_a_message_that_is_too_large(through_postfix: Mailer):
    large = Message(subject="Large", text="x" * 200_000, to="bob@example.com")
    refused = through_postfix.send(large)["bob@example.com"]
    assert (refused.status, "larger than the server allows" in refused.reason) == (Status.REFUSED, True)


def test_postfix_refuses_to_relay(through_postfix: Mailer):
    refused = through_postfix.send(MESSAGE, sender="foreign@example.org")["ada@example.com"]
    assert refused.status is Status.REFUSED


def test_ses_over_smtp_carries_stream_tags_and_events(ses: Ses):
    access = ses.cloud.smtp
    transport = SmtpTransport(
        access.host,
        access.port,
        username=access.username,
        password=access.password,
        context=access.context(),
        ses=ses.outputs,
    )
    mail = Mailer(ses.outputs, transport=transport)
    result = mail.send(Message(subject="a", text="b", to="ada@example.com", tags={"campaign": "may"}))
    assert result.ok, result
    (sent,) = ses.sent
    assert (result.message_id, sent.tags.get("campaign")) == (sent.message_id, "may")
    transport.close()
