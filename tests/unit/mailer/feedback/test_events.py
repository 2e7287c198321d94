from datetime import UTC, datetime

import pytest

from mailer.address import address_key
from mailer.errors import MalformedEvent
from mailer.feedback import events
from mailer.feedback.events import Event, event_key, parse

from .payloads import RECEIVED, Json, bounce, changed, load, parsed

CLASSES = {
    "send": events.Send,
    "delivery": events.Delivery,
    "bounce": events.Bounce,
    "complaint": events.Complaint,
    "reject": events.Reject,
    "open": events.Open,
    "click": events.Click,
    "rendering-failure": events.RenderingFailure,
    "delivery-delay": events.DeliveryDelay,
    "subscription": events.Subscription,
    "notification-bounce": events.Bounce,
    "notification-complaint": events.Complaint,
    "notification-delivery": events.Delivery,
}


@pytest.mark.parametrize(("name", "expected"), CLASSES.items())
def test_every_documented_event_has_a_type_of_its_own(name: str, expected: type[Event]):
    event = parsed(load(name))
    assert type(event) is expected
    assert event.mail.message_id.startswith("EXAMPLE0-")
    assert event.kind == load(name).get("eventType", load(name).get("notificationType"))


def test_bounce_has_the_answer_of_the_receiving_server():
    event = parsed(load("bounce"))
    assert isinstance(event, events.Bounce)
    assert (event.bounce_type, event.sub_type) == ("Permanent", "General")
    assert event.reporting_mta == "dns; a4-12.smtp-out.eu-west-1.amazonses.com"
    assert event.recipients == (
        events.Recipient("ada@example.org", "5.1.1", "smtp; 550 5.1.1 <ada@example.org>... User unknown"),
    )
    assert event.occurred_at == datetime(2026, 3, 2, 9, 15, 6, 100_000, tzinfo=UTC)
    assert event.mail.configuration_set == "mailstack-prod-transactional"


def test_bounce_recipients_match_in_any_spelling():
    event = parsed(load("notification-bounce"))
    assert [recipient.address for recipient in event.recipients] == ["ada@example.org", "alan@example.org"]


def test_a_recipient_named_twice_is_one_recipient():
    twice = [{"emailAddress": "ada@example.org"}, {"emailAddress": "Ada <ADA@example.org>"}]
    assert len(bounce(bouncedRecipients=twice).recipients) == 1


def test_event_without_recipients_concerns_all_of_the_mail():
    assert [recipient.address for recipient in parsed(load("reject")).recipients] == ["ada@example.org"]


def test_a_delay_says_until_when_ses_keeps_trying():
    event = parsed(load("delivery-delay"))
    assert isinstance(event, events.DeliveryDelay)
    assert event.delay_type == "TransientCommunicationFailure"
    assert event.expires_at == datetime(2026, 3, 2, 23, 15, 4, 914_000, tzinfo=UTC)
    assert event.recipients[0].status == "4.4.1"


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("delivery", "smtp_response", "250 2.6.0 Message received"),
        ("reject", "reason", "Bad content"),
        ("click", "link", "https://example.com/start"),
        ("open", "user_agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("rendering-failure", "template", "welcome"),
        ("subscription", "unsubscribed_from_all", True),
        ("complaint", "feedback_type", "abuse"),
    ],
)
def test_each_event_carries_what_is_its_own(name: str, field: str, value: object):
    assert getattr(parsed(load(name)), field) == value


def test_new_event_type_is_unknown_and_no_error():
    event = parsed({"eventType": "Teleported", "mail": load("send")["mail"], "teleported": {}})
    assert isinstance(event, events.Unknown)
    assert event.kind == "Teleported"
    assert [recipient.address for recipient in event.recipients] == ["ada@example.org"]


def test_unknown_event_without_mail_is_recorded_once():
    assert len(parsed({"eventType": "Teleported"}).recipients) == 1


@pytest.mark.parametrize("gone", [{"deliveryDelay": None}, {"deliveryDelay": {"delayType": "General"}}])
def test_delay_without_recipients_concerns_all_of_the_mail(gone: Json):
    event = parsed({**load("delivery-delay"), **gone})
    assert [one.address for one in event.recipients] == [address_key(to) for to in event.mail.destination]


def test_unknown_and_missing_fields_are_tolerated():
    event = parsed(
        {
            "eventType": "Bounce",
            "futureField": {"a": [1]},
            "mail": {"messageId": "m1", "destination": None, "tags": "odd"},
            "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "ada@example.org"}, 7]},
        }
    )
    assert event.recipients == (events.Recipient("ada@example.org"),)
    assert event.unreadable == ("An entry of event.bounce.bouncedRecipients is not an object.",)
    assert event.occurred_at == RECEIVED


@pytest.mark.parametrize("text", ["2026-03-02T09:15:06.100Z", "2026-03-02T10:15:06.100+01:00", "2026-03-02T09:15:06.1"])
def test_every_spelling_of_a_time_is_the_same_time(text: str):
    assert bounce(timestamp=text).occurred_at == datetime(2026, 3, 2, 9, 15, 6, 100_000, tzinfo=UTC)


SENT = datetime(2026, 3, 2, 9, 15, 4, 418_000, tzinfo=UTC)
IMPOSSIBLE = (
    "yesterday",
    "-0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1970-01-01T00:00:00Z",
    "2011-01-24T23:59:59Z",
    "2026-13-45T99:99:99Z",
    "",
    7,
    None,
)
FUTURE = ("2026-03-02T12:30:01Z", "2027-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59+14:00")


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_without_a_possible_time_an_event_has_its_mails(text: object):
    assert bounce(timestamp=text).occurred_at == SENT


@pytest.mark.parametrize("text", FUTURE)
def test_nothing_happens_after_it_was_received(text: str):
    assert bounce(timestamp=text).occurred_at == RECEIVED


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-01:00", "2026-03-02T09:15:04Z", "2020-01-01T00:00:00Z"])
def test_nothing_happens_before_its_mail_was_sent(text: str):
    assert bounce(timestamp=text).occurred_at == SENT


@pytest.mark.parametrize("text", [*IMPOSSIBLE, *FUTURE])
def test_an_impossible_time_of_the_mail_does_not_count(text: object):
    times = {"bounce": changed("bounce", "bounce", timestamp=None)["bounce"]}
    event = parsed(changed("bounce", "mail", timestamp=text) | times)
    assert event.occurred_at == RECEIVED


def test_one_unreadable_recipient_does_not_hide_the_others():
    listed = [*({"emailAddress": one} for one in ("ada@example.org", "x", "<a@b.test> c@d.test")), {}, None]
    event = bounce(bouncedRecipients=listed)
    assert [recipient.address for recipient in event.recipients] == ["ada@example.org"]
    assert len(event.unreadable) == 4
    assert "@" not in "".join(event.unreadable)


def test_report_without_a_recipient_gives_the_reason():
    with pytest.raises(MalformedEvent, match=r"names no address.*names several"):
        bounce(bouncedRecipients=[{"emailAddress": "x"}, {"emailAddress": "<a@b.test> <c@d.test>"}])


def test_an_automatic_answer_concerns_everyone_the_mail_went_to():
    event = bounce(bounceType="Undetermined", bounceSubType="Undetermined", bouncedRecipients=[])
    assert [recipient.address for recipient in event.recipients] == ["ada@example.org"]


def test_different_reports_for_one_address_stay_separate():
    twice = [{"emailAddress": "ada@example.org", "status": status} for status in ("4.2.2", "5.1.1", "4.2.2")]
    assert [one.status for one in bounce(bouncedRecipients=twice).recipients] == ["4.2.2", "5.1.1"]


def test_text_that_utf_8_cannot_hold_is_replaced():
    event = bounce(bouncedRecipients=[{"emailAddress": "ada@example.org", "diagnosticCode": "gone \ud800"}])
    assert event.recipients[0].diagnostic == "gone ?"


def test_links_in_events_are_not_shown():
    assert "example.com/start" not in repr(parsed(load("click")))


def test_an_event_in_a_log_or_traceback_shows_no_address():
    event = bounce(bouncedRecipients=[{"emailAddress": "ada@example.org", "diagnosticCode": "<ada@example.org> gone"}])
    assert "ada@" not in repr(event)
    assert "hello@" not in repr(event)
    assert "a***@example.org" in repr(event)


@pytest.mark.parametrize(
    ("event", "missing"),
    [
        ({"hello": "world"}, "neither eventType nor notificationType"),
        ({"eventType": "Bounce"}, "event.mail"),
        (changed("bounce", "mail", messageId=None), "event.mail.messageId"),
        (changed("bounce", bounce=None), "has no recipient in event.bounce.bouncedRecipients"),
        (changed("bounce", "bounce", bounceType=None), "event.bounce.bounceType"),
        (changed("bounce", "bounce", bouncedRecipients=[]), "has no recipient in event.bounce.bouncedRecipients"),
        (changed("bounce", "bounce", bouncedRecipients=[{}]), "bouncedRecipients.emailAddress"),
        (changed("complaint", "complaint", complainedRecipients=None), "complainedRecipients"),
    ],
)
def test_event_without_a_required_field_names_the_field(event: Json, missing: str):
    with pytest.raises(MalformedEvent, match=missing):
        parse(event, RECEIVED)


def test_one_bounce_has_one_key_however_it_is_reported():
    told_by_set = parsed(changed("bounce", "bounce", feedbackId="f1"))
    told_by_identity = parsed({**changed("bounce", "bounce", feedbackId="f1"), "notificationType": "Bounce"})
    respelt = bounce(feedbackId="f1", bouncedRecipients=[{"emailAddress": "ADA <Ada@EXAMPLE.org>"}])
    keys = {event_key(event, event.recipients[0]) for event in (told_by_set, told_by_identity, respelt)}
    assert len(keys) == 1
    assert "@" not in keys.pop()


def test_different_events_have_different_keys():
    originals = [
        bounce(feedbackId="f1"),
        bounce(feedbackId="f2"),
        bounce(
            feedbackId="f1",
            bouncedRecipients=[{"emailAddress": "grace@example.org"}],
            destination=["ada@example.org", "grace@example.org"],
        ),
        parsed(changed("bounce", "mail", messageId="m2")),
        parsed(load("complaint")),
        parsed(load("delivery-delay")),
        parsed(changed("delivery-delay", "deliveryDelay", timestamp="2026-03-02T09:55:04.000Z")),
    ]
    assert len({event_key(event, event.recipients[0]) for event in originals}) == len(originals)
