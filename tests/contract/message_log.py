"""What every message log promises. A store's test file inherits it and gives the `make` fixture."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest

from mailer.message_id import new_id
from mailer.stores.messages import EntryCount, LogEntry, MessageLog, position_of

from .suppression_store import NOW, Clock

ADA, BOB = "ada@example.org", "bob@example.org"
DAYS = 30
SES_ID = "0100-example"


def id_at(moment: datetime) -> str:
    return new_id(int(moment.timestamp() * 1000), logged=True)


ID = id_at(NOW)


def entry(kind: str = "Send", recipient: str = ADA, *, id_: str = ID, seconds: int = 0, **fields: object) -> LogEntry:
    whole: dict[str, object] = {
        "key": f"{kind}-{recipient}",
        "kind": kind,
        "recipient": recipient,
        "at": NOW + timedelta(seconds=seconds, microseconds=7),
        "sent_at": NOW,
        "id": id_,
        "message_id": SES_ID,
        "configuration_set": "mailstack-dev-transactional",
        "template": "welcome",
        "tags": (("order", "1234"), ("campaign", "spring")),
        **fields,
    }
    return LogEntry(**whole)  # pyright: ignore[reportArgumentType] - a table of fields


HISTORY = (
    entry("Send", seconds=1),
    entry("Delivery", seconds=3, words="250 2.6.0 Message received", category="192.0.2.25"),
    entry("Complaint", seconds=60, category="abuse"),
    entry("Send", BOB, seconds=1),
    entry("Bounce", BOB, seconds=2, category="Permanent General", code="5.1.1", words="smtp; 550 5.1.1 unknown"),
)


def by_time(entries: list[LogEntry]) -> list[tuple[str, str]]:
    return [(one.kind, one.recipient) for one in entries]


@pytest.mark.contract
class MessageLogContract:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def make(self) -> Callable[[Clock], MessageLog]:
        """Makes an empty log of 30 days that tells the time by the clock."""
        raise NotImplementedError

    @pytest.fixture
    def log(self, make: Callable[[Clock], MessageLog], clock: Clock) -> MessageLog:
        return make(clock)

    def test_entries_are_found_whole_by_either_id(self, log: MessageLog):
        log.add(HISTORY)
        assert log.of_message(ID) == log.of_message(SES_ID)
        assert set(log.of_message(ID)) == set(HISTORY)
        assert by_time(log.of_message(ID)) == [
            *(("Send", ADA), ("Send", BOB)),
            *(("Bounce", BOB), ("Delivery", ADA), ("Complaint", ADA)),
        ]

    def test_unknown_message_has_no_entries(self, log: MessageLog):
        log.add(HISTORY)
        assert log.of_message(id_at(NOW)) == []
        assert log.of_message("0100-other") == []

    def test_message_of_another_program_is_found_by_its_ses_id(self, log: MessageLog):
        theirs = entry(id_="", template="", tags=())
        log.add([theirs])
        assert log.of_message(SES_ID) == [theirs]
        assert log.of_recipient(ADA, since=NOW) == [[theirs]]

    def test_address_shows_only_its_own_entries(self, log: MessageLog):
        log.add(HISTORY)
        (found,) = log.of_recipient("Bob <BOB@example.org>", since=NOW - timedelta(days=1))
        assert by_time(found) == [("Send", BOB), ("Bounce", BOB)]

    def test_search_shows_the_newest_messages_first(self, log: MessageLog):
        ids = [id_at(NOW + timedelta(minutes=number)) for number in range(5)]
        for number, id_ in enumerate(ids):
            sent = NOW + timedelta(minutes=number)
            log.add([entry(id_=id_, message_id=f"0100-{number}", sent_at=sent)])
        for found in (
            log.of_recipient(ADA, since=NOW + timedelta(minutes=1), limit=3),
            log.of_tag("order", "1234", since=NOW + timedelta(minutes=1), limit=3),
            log.of_tag("mailstack-template", "welcome", since=NOW + timedelta(minutes=1), limit=3),
        ):
            assert [entries[0].id for entries in found] == ids[:1:-1]
        assert len(log.of_recipient(ADA, since=NOW + timedelta(minutes=4))) == 1

    def test_tag_finds_every_recipient_and_no_other_value(self, log: MessageLog):
        log.add(HISTORY)
        (found,) = log.of_tag("campaign", "spring", since=NOW)
        assert set(found) == set(HISTORY)
        assert log.of_tag("campaign", "autumn", since=NOW) == []

    def test_attempt_without_an_ses_id_is_found(self, log: MessageLog):
        attempt = entry("Attempt", message_id="", category="suppressed")
        log.add([attempt])
        assert log.of_message(ID) == [attempt]
        assert log.of_recipient(ADA, since=NOW) == [[attempt]]

    def test_entry_without_recipients_is_kept(self, log: MessageLog):
        log.add([entry("Reject", recipient="")])
        assert by_time(log.of_message(ID)) == [("Reject", "")]

    def test_earliest_of_entries_with_one_key_is_kept(self, make: Callable[[Clock], MessageLog], clock: Clock):
        copies = [replace(HISTORY[0], at=NOW + timedelta(seconds=second)) for second in (3, 1, 2)]
        for order in permutations(copies):
            log = make(clock)
            for one in order:
                log.add([one])
            assert log.of_message(ID) == [copies[1]]

    @pytest.mark.parametrize("seed", range(6))
    def test_shuffled_and_doubled_entries_leave_the_same(
        self, make: Callable[[Clock], MessageLog], clock: Clock, seed: int
    ):
        chance = random.Random(seed)
        log, ordered = make(clock), make(clock)
        ordered.add(HISTORY)
        disorder = [one for one in HISTORY for _ in range(chance.randint(1, 3))]
        chance.shuffle(disorder)
        for one in disorder:
            log.add([one])
        for searched in (ordered, log):
            assert set(searched.of_message(ID)) == set(HISTORY)
        assert log.of_message(SES_ID) == ordered.of_message(SES_ID)
        assert log.of_recipient(ADA, since=NOW) == ordered.of_recipient(ADA, since=NOW)
        assert log.of_tag("order", "1234", since=NOW) == ordered.of_tag("order", "1234", since=NOW)

    def test_entries_expire_together_after_the_retention(self, log: MessageLog, clock: Clock):
        log.add(HISTORY)
        clock.now = NOW + timedelta(days=DAYS) - timedelta(seconds=1)
        assert len(log.of_message(ID)) == len(HISTORY)
        clock.now = NOW + timedelta(days=DAYS)
        assert log.of_message(ID) == log.of_message(SES_ID) == []
        assert log.of_recipient(ADA, since=NOW) == log.of_tag("order", "1234", since=NOW) == []

    def test_entries_are_counted_by_day_stream_and_type(self, log: MessageLog):
        log.add(HISTORY)
        log.add([HISTORY[4]])  # delivered twice
        tomorrow = NOW + timedelta(days=1)
        log.add(
            [
                entry("Bounce", key="later", at=tomorrow, category="Transient General", template=""),
                entry("Bounce", key="other", configuration_set="other", category="Transient General"),
            ]
        )
        alike = "mailstack-dev-transactional", "welcome"
        found = log.counts(since=NOW - timedelta(days=2), until=NOW + timedelta(days=2))
        assert found.complete
        assert set(found.rows) == {
            EntryCount(NOW.date(), "Send", *alike, "", 2),
            EntryCount(NOW.date(), "Delivery", *alike, "", 1),
            EntryCount(NOW.date(), "Complaint", *alike, "abuse", 1),
            EntryCount(NOW.date(), "Bounce", *alike, "Permanent General", 1),
            EntryCount(NOW.date(), "Bounce", "other", "welcome", "Transient General", 1),
            EntryCount(tomorrow.date(), "Bounce", alike[0], "", "Transient General", 1),
        }

    def test_count_has_its_first_moment_and_not_its_last(self, log: MessageLog):
        log.add([entry(key=str(day), at=NOW + timedelta(days=day)) for day in range(4)])
        found = log.counts(since=NOW + timedelta(days=1), until=NOW + timedelta(days=3))
        assert {(row.day, row.entries) for row in found.rows} == {
            ((NOW + timedelta(days=1)).date(), 1),
            ((NOW + timedelta(days=2)).date(), 1),
        }

    def test_expired_entries_are_not_counted_or_listed(self, log: MessageLog, clock: Clock):
        log.add(HISTORY)
        clock.now = NOW + timedelta(days=DAYS)
        since = NOW - timedelta(days=1)
        assert not log.counts(since=since, until=clock.now).rows
        assert log.newest(["Bounce"], since=since) == []

    def test_newest_entries_are_listed_page_by_page(self, log: MessageLog):
        bounces = [entry("Bounce", key=f"{number}", seconds=number // 2) for number in range(7)]
        log.add([*HISTORY[:4], *bounces])
        pages, after = list[list[LogEntry]](), None
        while page := log.newest(["Bounce"], since=NOW, after=after, limit=3):
            pages.append(page)
            after = position_of(page[-1])
        assert list(map(len, pages)) == [3, 3, 1]
        assert [one for page in pages for one in page] == sorted(bounces, key=position_of, reverse=True)
        assert log.newest(["Bounce"], since=NOW + timedelta(seconds=3)) == [bounces[6]]
        assert {one.kind for one in log.newest(["Send", "Delivery"], since=NOW)} == {"Send", "Delivery"}
