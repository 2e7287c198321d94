"""The policy as a table, among it the defects that other libraries have."""

import pytest

from mailer.feedback.codes import NO_SUCH_DOMAIN, NO_SUCH_MAILBOX, status_code, status_codes
from mailer.feedback.events import Event
from mailer.feedback.policy import Decision, decide, redact

from .payloads import Json, bounce, bounced, changed, load, mail_to, parsed


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
        ("Permanent", "NoEmail", "5.0.0", "smtp; 550 5.2.1 disabled", "suppress", "bounce", True),
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
        # No mail can be routed there, whatever SES calls it (the first is how SES reports a domain without DNS).
        ("Transient", "General", "5.4.4", "smtp; 550 5.4.4 Invalid domain", "suppress", "bounce", True),
        ("Permanent", "General", "5.4.4", "smtp; 550 5.4.4 Invalid domain", "suppress", "bounce", True),
        (
            "Transient",
            "General",
            "",
            "smtp; 550 5.4.310 DNS domain does not exist",
            "suppress",
            "bounce",
            True,
        ),
        ("Transient", "General", "", "smtp; 556 Domain does not accept mail", "suppress", "bounce", True),
        (
            "Transient",
            "General",
            "5.0.0",
            "smtp; 550 domain takes no mail (nullMX)",
            "suppress",
            "bounce",
            True,
        ),
        ("Transient", "General", "4.4.4", "smtp; 451 4.4.4 no route just now", "record", None, False),
        ("Transient", "General", "", "smtp; 550 sender domain has null MX", "record", None, False),
        ("Transient", "General", "", "smtp; 450 message 5564 deferred", "record", None, False),
        ("Undetermined", "Undetermined", "5.1.1", "", "record", None, False),
        ("SomethingNew", "", "5.1.1", "", "record", None, False),
    ],
)
def test_only_bounces_of_missing_mailboxes_suppress(
    bounce_type: str, sub_type: str, status: str, diagnostic: str, action: str, reason: str | None, counts: bool
):
    event = bounce(
        bounceType=bounce_type,
        bounceSubType=sub_type,
        bouncedRecipients=bounced(status=status, diagnostic=diagnostic),
    )
    found = decision(event)
    assert (found.action, found.reason, found.counts) == (action, reason, counts)


@pytest.mark.parametrize("bounce_type", ["Permanent", "Transient", "Undetermined"])
@pytest.mark.parametrize(
    ("status", "diagnostic"),
    [
        *((code, "") for code in ("5.7.0", "5.7.1", "5.7.9", "5.7.26", "5.7.27", "5.7.139", "4.7.0", "4.7.32")),
        ("5.1.7", "bad sender's mailbox address syntax"),
        ("5.1.8", "smtp; 550 5.1.8 sender rejected"),
        ("5.0.0", "smtp; 550 5.7.1 Service unavailable, client host blocked using a block list"),
        ("", "smtp; 550-5.7.26 This mail has been blocked because the sender is unauthenticated."),
        ("5.3.0", "smtp; 550 5.7.509 Access denied, sending domain does not pass DMARC verification"),
    ],
)
def test_a_bounce_about_the_sender_counts_as_theirs(bounce_type: str, status: str, diagnostic: str):
    found = decision(bounce(bounceType=bounce_type, bouncedRecipients=bounced(status=status, diagnostic=diagnostic)))
    assert (found.action, found.reason, found.counts_as) == ("record", None, "sender")


@pytest.mark.parametrize("sub_type", ["MailboxFull", "MessageTooLarge", "ContentRejected", "AttachmentRejected"])
@pytest.mark.parametrize("bounce_type", ["Permanent", "Transient"])
@pytest.mark.parametrize("status", ["", "5.1.1", "5.1.10", "5.4.4", "5.2.1", "5.7.1", "4.2.2"])
def test_a_mailbox_that_is_there_is_not_suppressed(sub_type: str, bounce_type: str, status: str):
    event = bounce(bounceType=bounce_type, bounceSubType=sub_type, bouncedRecipients=bounced(status=status))
    assert (decision(event).action, decision(event).counts) == ("record", False)


@pytest.mark.parametrize("status", ["5.2.2", "4.2.2", "5.2.3", "5.3.4", "5.6.0", "5.6.1", "5.6.7"])
def test_permanent_bounce_of_content_does_not_suppress(status: str):
    found = decision(bounce(bouncedRecipients=bounced(status=status)))
    assert (found.action, found.counts_as) == ("record", "bounce")


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", "Delayed", " delayed "])
@pytest.mark.parametrize("bounce_type", ["Permanent", "Transient"])
def test_only_a_failure_is_a_failure(action: str, bounce_type: str):
    report = [{**bounced(status="5.1.1")[0], "action": action}]
    found = decision(bounce(bounceType=bounce_type, bouncedRecipients=report))
    assert (found.action, found.counts) == ("record", False)
    assert action.strip().lower() in found.detail


@pytest.mark.parametrize("action", ["failed", "FAILED", None, "", "gone", 7])
def test_a_report_that_says_no_other_action_is_a_failure(action: object):
    report = [{**bounced(status="5.1.1")[0], "action": action}]
    assert decision(bounce(bouncedRecipients=report)).action == "suppress"


@pytest.mark.parametrize("code", sorted(NO_SUCH_MAILBOX | NO_SUCH_DOMAIN))
def test_transient_bounce_with_no_such_mailbox_suppresses(code: str):
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
        # Machines wrote these; the recipient may know nothing of it.
        ({"complaintFeedbackType": "auth-failure"}, "record", None, False),
        ({"complaintFeedbackType": "virus"}, "record", None, False),
        ({"complaintFeedbackType": " Virus "}, "record", None, False),
        ({"complaintFeedbackType": "other"}, "suppress", "complaint", True),
        ({"complaintFeedbackType": "opt-out"}, "suppress", "complaint", True),
        ({"complaintFeedbackType": "not-spam", "complaintSubType": "OnAccountSuppressionList"}, "record", None, False),
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
    found = decision(bounce(bouncedRecipients=bounced(address, status="5.1.1"), destination=[address]))
    assert (found.action, found.simulator, found.counts) == ("suppress", True, False)


def test_a_real_address_is_not_the_simulators():
    address = "ada@notsimulator.amazonses.com.example.org"
    found = decision(bounce(bouncedRecipients=bounced(address), destination=[address]))
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


@pytest.mark.parametrize("unit", ["long ", "a@b", "a", "@", "<ada@example.org>, ", "5.1.", "\ud800", "null mx "])
def test_evidence_is_bounded_however_long_the_servers_words(unit: str):
    detail = decision(bounce(bouncedRecipients=bounced(diagnostic=unit * (100_000 // len(unit))))).detail
    assert len(detail) <= 400
    assert "ada" not in detail


@pytest.mark.parametrize("offset", range(20))
def test_truncated_evidence_shows_no_partial_address(offset: int):
    words = "x" * offset + " " + "adalovelace@example.org, " * 200
    assert "ada" not in decision(bounce(bouncedRecipients=bounced(diagnostic=words))).detail


@pytest.mark.parametrize(
    ("status", "diagnostic", "code"),
    [
        ("5.1.1", "smtp; 550 5.7.1 no", "5.1.1"),
        ("5.0.0", "smtp; 550 5.7.1 no", "5.7.1"),
        ("5.5.0", "smtp; 550 5.1.1 no", "5.1.1"),
        ("5.0.0", "smtp; 550 5.1.0 no", "5.1.0"),
        ("4.4.7", "smtp; 550 5.1.1 no", "5.1.1"),
        ("4.4.7", "smtp; 550 5.0.0 no", "4.4.7"),
        ("", "smtp; 250 2.0.0 ok", "2.0.0"),
        ("", "smtp; 550 no", ""),
    ],
)
def test_most_specific_status_code_decides(status: str, diagnostic: str, code: str):
    event = bounce(bouncedRecipients=bounced(status=status, diagnostic=diagnostic))
    assert status_code(event.recipients[0]) == code


FORWARDED = bounced("forwarded@example.com", status="5.1.1")


def test_a_bounce_of_a_forwarded_mail_is_our_recipients():
    event = bounce(bouncedRecipients=FORWARDED)
    assert event.recipients[0].address == "ada@example.org"
    assert decision(event).action == "suppress"
    assert "(forwarded)" in decision(event).detail


@pytest.mark.parametrize("name", ["bounce", "complaint"])
def test_a_stranger_is_never_suppressed(name: str):
    reported = {"bounce": {"bouncedRecipients": FORWARDED}, "complaint": {"complainedRecipients": FORWARDED}}[name]
    event = parsed(changed(name, name, **reported) | {"mail": mail_to("ada@example.org", "grace@example.org")})
    found = decision(event)
    assert event.recipients[0].address == "forwarded@example.com"
    assert (found.action, found.reason, found.counts_as) == ("record", None, name)
    assert "forwarded@" not in found.detail


def test_an_ip_address_is_no_status_code():
    event = bounce(bouncedRecipients=bounced(diagnostic="host mx[5.1.1.7] said: 550 5.7.1 no, see 5.1.1.7."))
    assert status_codes(event.recipients[0]) == {"5.7.1"}


def test_text_without_an_address_stays_as_it_is():
    assert redact("550 5.7.1 refused @ gateway") == "550 5.7.1 refused @ gateway"
