"""What the message log keeps of SES's events, and the sentences that a support person reads out."""

import random
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from mailer.errors import StoreError
from mailer.feedback.log_entries import entries_of
from mailer.feedback.processor import Processor
from mailer.feedback.wording import describe
from mailer.message_id import new_id, time_of
from mailer.stores.memory_messages import MemoryMessageLog
from mailer.stores.messages import LogEntry
from mailer.testing.memory import MemoryEvents, MemorySuppressions

from .payloads import RECEIVED, bounced, changed, load, parsed

SES_ID = load("send")["mail"]["messageId"]
ADA = "ada@example.org"
OURS = new_id(1_772_442_904_000)  # 2026-03-02T09:15:04Z
KINDS = ("send", "delivery", "bounce", "complaint", "reject", "rendering-failure", "delivery-delay", "subscription")


def with_tags(name: str, section: str = "", tags: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    event = changed(name, section, **fields)
    given = {"mailstack-id": OURS, "mailstack-template": "welcome", **(tags or {})}
    event["mail"] = {**event["mail"], "tags": {**event["mail"]["tags"], **{key: [v] for key, v in given.items()}}}
    return event


def only(event: dict[str, Any]) -> LogEntry:
    (entry,) = entries_of(parsed(event))
    return entry


def test_entry_has_ids_template_and_own_tags():
    entry = only(with_tags("send", tags={"order": "1234"}))
    assert (entry.id, entry.message_id, entry.template) == (OURS, SES_ID, "welcome")
    assert entry.tags == (("campaign", "welcome"), ("order", "1234"))
    assert entry.configuration_set == "mailstack-prod-transactional"
    assert (entry.kind, entry.recipient, entry.sent_at) == ("Send", ADA, time_of(OURS))


def test_message_of_another_program_has_the_time_of_ses():
    entry = only(load("delivery"))
    assert (entry.id, entry.ref) == ("", SES_ID)
    assert entry.sent_at == datetime(2026, 3, 2, 9, 15, 4, 418_000, tzinfo=UTC)


@pytest.mark.parametrize("id_", [new_id(1_972_442_904_000), "ffff" * 8, "x" * 300], ids=["later", "none", "long"])
def test_impossible_id_does_not_decide_the_time(id_: str):
    assert only(with_tags("send", tags={"mailstack-id": id_})).sent_at.year == 2026


@pytest.mark.parametrize("name", ["open", "click"])
def test_opens_and_clicks_are_not_kept(name: str):
    assert entries_of(parsed(load(name))) == []


def test_nothing_of_the_content_and_no_address_in_words_is_kept():
    diagnostic = "smtp; 550 5.1.1 <ada@example.org>: unknown\r\n user ada@example.org"
    event = with_tags("bounce", "bounce", bouncedRecipients=bounced(status="5.1.1", diagnostic=diagnostic))
    entry = only(event)
    assert entry.words == "smtp; 550 5.1.1 <***>: unknown user ***"
    subject = event["mail"]["commonHeaders"]["subject"]
    kept = [getattr(entry, name) for name in ("key", "category", "code", "words", "configuration_set", "tags")]
    assert subject not in str(kept)


def test_long_answer_of_a_server_is_cut_without_half_an_address():
    entry = only(with_tags("delivery", "delivery", smtpResponse="250 " + "x" * 1994 + "ada@example.org"))
    assert len(entry.words) <= 400
    assert "ada" not in entry.words


def test_each_recipient_has_an_entry():
    event = load("notification-bounce")
    assert sorted(entry.recipient for entry in entries_of(parsed(event))) == [ADA, "alan@example.org"]


def sentence(name: str, section: str = "", **fields: Any) -> str:
    return describe(only(with_tags(name, section, **fields)))


def bounce_sentence(kind: str, sub_type: str, status: str = "", diagnostic: str = "") -> str:
    reported = bounced(status=status, diagnostic=diagnostic)
    return sentence("bounce", "bounce", bounceType=kind, bounceSubType=sub_type, bouncedRecipients=reported)


def test_sentences_of_events():
    assert sentence("send") == "Accepted by Amazon SES"
    assert sentence("delivery") == (
        "Delivered to the mail server of example.org at 192.0.2.25 (250 2.6.0 Message received)"
    )
    assert sentence("complaint") == "The recipient marked it as spam"
    assert sentence("complaint", "complaint", complaintFeedbackType="not-spam") == (
        "The recipient took it out of the spam folder"
    )
    assert sentence("reject").startswith("Not delivered: Amazon SES found a virus in it (")
    assert sentence("rendering-failure").startswith("Not sent: Amazon SES could not fill the template ")
    assert sentence("delivery-delay").startswith("Delayed, Amazon SES keeps trying: ")


@pytest.mark.parametrize(
    ("kind", "sub_type", "status", "diagnostic", "expected"),
    [
        ("Transient", "MailboxFull", "5.2.2", "552 5.2.2 Over quota", "the mailbox is full (552 5.2.2 Over quota)"),
        ("Permanent", "General", "5.1.1", "", "there is no such mailbox (5.1.1)"),
        ("Permanent", "NoEmail", "", "", "there is no such mailbox"),
        ("Permanent", "General", "5.7.26", "", "SPF, DKIM and DMARC do not authenticate the message (5.7.26)"),
        ("Permanent", "Suppressed", "", "", "it bounced for another customer of Amazon SES, so it was not tried"),
        ("Transient", "General", "", "", "a temporary problem"),
        ("Permanent", "General", "", "", "no reason is given"),
        ("Undetermined", "Undetermined", "5.9.9", "", "no reason is given (5.9.9)"),
    ],
)  # fmt: skip
def test_sentence_of_a_bounce_says_why(kind: str, sub_type: str, status: str, diagnostic: str, expected: str):
    assert bounce_sentence(kind, sub_type, status, diagnostic) == f"Bounced: {expected}"


class Loop:
    """A processor with a message log, and stores that keep all of it."""

    def __init__(self) -> None:
        self.suppressions, self.events = MemorySuppressions(lambda: RECEIVED), MemoryEvents(lambda: RECEIVED)
        self.messages = MemoryMessageLog(30, clock=lambda: RECEIVED)
        self.processor = Processor(self.suppressions, self.events, clock=lambda: RECEIVED, messages=self.messages)

    def timeline(self) -> list[LogEntry]:
        return self.messages.of_message(OURS)


@pytest.mark.parametrize("seed", range(10))
def test_shuffled_and_doubled_events_leave_the_same_timeline(seed: int):
    chance = random.Random(seed)
    events = [parsed(with_tags(name)) for name in KINDS]
    ordered, disordered = Loop(), Loop()
    for event in events:
        ordered.processor.process(event)
    again = [event for event in events for _ in range(chance.randint(1, 3))]
    chance.shuffle(again)
    for event in again:
        disordered.processor.process(event)
    assert disordered.timeline() == ordered.timeline()
    assert len(ordered.timeline()) == len(KINDS)
    assert disordered.messages.of_recipient(ADA, since=datetime(2026, 1, 1, tzinfo=UTC)) == [ordered.timeline()]


def test_event_that_arrived_later_again_keeps_its_first_time():
    """Without a time of its own an event has that of its arrival, which differs between two deliveries."""
    event = with_tags("bounce", "bounce", timestamp=None)
    event["mail"]["timestamp"] = None
    early, late = parsed(event), parsed({**event, "mail": {**event["mail"], "timestamp": "2026-03-02T12:29:00Z"}})
    for order in permutations((early, late)):
        loop = Loop()
        for one in order:
            loop.processor.process(one)
        assert [entry.at for entry in loop.timeline()] == [min(early.occurred_at, late.occurred_at)]


def test_log_that_fails_fails_the_event_after_the_suppression():
    class Broken(MemoryMessageLog):
        def add(self, entries: object) -> None:
            raise StoreError("The table is throttled.")

    loop = Loop()
    processor = Processor(loop.suppressions, loop.events, clock=lambda: RECEIVED, messages=Broken())
    with pytest.raises(StoreError, match="throttled"):
        processor.process(parsed(with_tags("bounce")))
    assert set(loop.suppressions.rows) == {ADA}
    assert len(loop.events.rows) == 1
    loop.processor.process(parsed(with_tags("bounce")))  # the queue delivers it again
    assert [entry.kind for entry in loop.timeline()] == ["Bounce"]
