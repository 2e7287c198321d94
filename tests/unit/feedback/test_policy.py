"""The policy as a table, among it the defects that other libraries have."""

import pytest

from mailer.feedback.events import Event
from mailer.feedback.policy import NO_SUCH_MAILBOX, Decision, decide, redact, status_codes

from .payloads import Json, bounce, bounced, changed, load, parsed


def decision(event: Event) -> Decision:
    return decide(event, event.recipients[0])


@pytest.mark.parametrize(
    ("bounce_type", "sub_type", "status", "diagnostic", "action", "reason", "counts"),
    [
        ("Permanent", "General", "5.1.1", "", "suppress", "bounce", True),
        ("Permanent", "NoEmail", "", "", "suppress", "bounce", True),
        ("Permanent", "Suppressed", "5.1.1", "Amazon SES has suppressed sending", "suppress", "bounce", True),
        # Some permanent bounces carry a temporary code; SES gave up for good nevertheless.
        ("Permanent", "General", "4.4.7", "smtp; 450 4.4.7 expired", "suppress", "bounce", True),
        ("Permanent", "General", "5.7.1", "smtp; 550 5.7.1 refused", "suppress", "bounce", True),
        # On the account's own list: keep it off, but it is no new bounce.
        ("Permanent", "OnAccountSuppressionList", "5.1.1", "", "suppress", "bounce", False),
        ("Permanent", "UnsubscribedRecipient", "5.1.1", "", "record", None, False),
        ("Permanent", "EmailValidationSuppressed", "5.1.1", "", "record", None, False),
        # Called transient by SES, and yet there is no such mailbox.
        ("Transient", "General", "5.1.1", "", "suppress", "bounce", True),
        ("Transient", "General", "5.1.1 (bad destination mailbox address)", "", "suppress", "bounce", True),
        ("Transient", "General", "", "smtp; 550-5.1.1 no such user", "suppress", "bounce", True),
        ("Transient", "General", "5.0.0", "smtp; 556 5.1.10 null MX", "suppress", "bounce", True),
        # Called transient and permanent by its code, but the mailbox is there: django-ses blacklists these.
        ("Transient", "General", "5.3.0", "smtp; 550 denied", "record", None, False),
        ("Transient", "MailboxFull", "5.2.2", "smtp; 552 5.2.2 mailbox full", "record", None, False),
        ("Transient", "General", "5.2.1", "smtp; 550 5.2.1 too many messages", "record", None, False),
        ("Transient", "MessageTooLarge", "5.3.4", "", "record", None, False),
        ("Transient", "ContentRejected", "5.7.1", "smtp; 550 5.7.1 spam", "record", None, False),
        ("Transient", "AttachmentRejected", "5.6.1", "", "record", None, False),
        ("Transient", "General", "4.1.1", "", "record", None, False),
        ("Transient", "General", "", "smtp; 250 out of office", "record", None, False),
        ("Transient", "General", "", "smtp; 421 from 15.1.1.20 try again", "record", None, False),
        ("Undetermined", "Undetermined", "5.1.1", "", "record", None, False),
        ("SomethingNew", "", "5.1.1", "", "record", None, False),
    ],
)
def test_a_bounce_suppresses_when_the_mailbox_is_gone_and_only_then(
    bounce_type: str, sub_type: str, status: str, diagnostic: str, action: str, reason: str | None, counts: bool
):
    event = bounce(
        bounceType=bounce_type,
        bounceSubType=sub_type,
        bouncedRecipients=bounced(status=status, diagnostic=diagnostic),
    )
    found = decision(event)
    assert (found.action, found.reason, found.counts) == (action, reason, counts)


@pytest.mark.parametrize("code", sorted(NO_SUCH_MAILBOX))
def test_every_code_that_says_no_such_mailbox_suppresses_a_transient_bounce(code: str):
    event = bounce(bounceType="Transient", bouncedRecipients=bounced(status=code))
    assert decision(event).action == "suppress"


@pytest.mark.parametrize(
    ("fields", "action", "reason", "counts"),
    [
        ({"complaintFeedbackType": "abuse"}, "suppress", "complaint", True),
        ({"complaintFeedbackType": None}, "suppress", "complaint", True),
        ({"complaintFeedbackType": "fraud"}, "suppress", "complaint", True),
        ({"complaintFeedbackType": "not-spam"}, "record", None, False),
        ({"complaintFeedbackType": "Not-Spam"}, "record", None, False),
        ({"complaintSubType": "OnAccountSuppressionList"}, "suppress", "complaint", False),
    ],
)
def test_a_complaint_suppresses_unless_it_is_the_opposite_of_one(
    fields: Json, action: str, reason: str | None, counts: bool
):
    found = decision(parsed(changed("complaint", "complaint", **fields)))
    assert (found.action, found.reason, found.counts) == (action, reason, counts)


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("send", "ignore"),
        ("delivery", "ignore"),
        ("notification-delivery", "ignore"),
        ("open", "ignore"),
        ("click", "ignore"),
        ("reject", "record"),
        ("rendering-failure", "record"),
        ("delivery-delay", "record"),
        ("subscription", "record"),
    ],
)
def test_no_other_event_suppresses_and_trouble_is_never_dropped(name: str, action: str):
    found = decision(parsed(load(name)))
    assert (found.action, found.reason, found.counts) == (action, None, False)


def test_an_event_of_an_unknown_kind_is_recorded():
    assert decision(parsed({"eventType": "Teleported", "mail": load("send")["mail"]})).action == "record"


@pytest.mark.parametrize("address", ["bounce@simulator.amazonses.com", "Bounce+label1@simulator.amazonses.com"])
def test_the_mailbox_simulator_acts_and_does_not_count(address: str):
    found = decision(bounce(bouncedRecipients=bounced(address, status="5.1.1")))
    assert (found.action, found.simulator, found.counts) == ("suppress", True, False)


def test_a_real_address_is_not_the_simulators():
    found = decision(bounce(bouncedRecipients=bounced("ada@notsimulator.amazonses.com.example.org")))
    assert (found.simulator, found.counts) == (False, True)


@pytest.mark.parametrize(
    "diagnostic",
    [
        "smtp; 550 5.1.1 <ada@example.org>... User unknown",
        "smtp; 550 5.1.1 ada@example.org unknown",
        "x-unix; mailto:ada@example.org, gone",
        'smtp; 550 "ada@example.org" rejected',
    ],
)
def test_the_evidence_is_kept_without_the_address(diagnostic: str):
    detail = decision(bounce(bouncedRecipients=bounced(status="5.1.1", diagnostic=diagnostic))).detail
    assert detail.startswith("Permanent General 5.1.1")
    assert "ada" not in detail
    assert "example.org" not in detail


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("complaint", "abuse"),
        ("reject", "Bad content"),
        ("rendering-failure", "welcome Attribute 'name' is not present in the rendering data."),
        ("delivery-delay", "TransientCommunicationFailure 4.4.1 smtp; 421 4.4.1 Unable to connect to remote host"),
        ("subscription", "customers UnsubscribeHeader unsubscribed from all topics"),
    ],
)
def test_each_kind_keeps_its_own_evidence(name: str, detail: str):
    assert decision(parsed(load(name))).detail == detail


def test_evidence_is_bounded():
    assert len(decision(bounce(bouncedRecipients=bounced(diagnostic="long " * 10_000))).detail) <= 400


def test_an_ip_address_is_no_status_code():
    event = bounce(bouncedRecipients=bounced(diagnostic="host mx[5.1.1.7] said: 550 5.7.1 no, see 5.1.1.7."))
    assert status_codes(event.recipients[0]) == {"5.7.1"}


def test_text_without_an_address_stays_as_it_is():
    assert redact("550 5.7.1 refused @ gateway") == "550 5.7.1 refused @ gateway"
