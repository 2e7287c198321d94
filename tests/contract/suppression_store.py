"""What every suppression store promises. A store's test file inherits it and gives the two fixtures."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations

import pytest

from mailer.stores.base import REASONS, REMEMBERED, PutOutcome, Reason, Suppression, SuppressionStore

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ADA = "ada@example.org"
# The last two do not exist in UTC.
EXTREMES = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=-14))),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
)


def suppression(reason: Reason = "bounce", *, day: int = 1, address: str = ADA) -> Suppression:
    return Suppression(
        address,
        reason,
        f"evidence of {reason}",
        created_at=datetime(2026, 3, day, 9, 15, 6, 100_001, tzinfo=UTC),
        message_id=f"message-{day}",
        feedback_id=f"feedback-{day}",
    )


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.contract
class SuppressionStoreContract:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def make(self) -> Callable[[Clock], SuppressionStore]:
        """Makes an empty store that tells the time by the clock."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, make: Callable[[Clock], SuppressionStore], clock: Clock) -> SuppressionStore:
        return make(clock)

    def test_address_without_a_suppression_is_not_found(self, store: SuppressionStore):
        assert store.get_many([ADA]) == {}

    def test_suppression_is_read_back_unchanged(self, store: SuppressionStore):
        assert store.put(suppression())
        assert store.get_many([ADA]) == {ADA: suppression()}

    @pytest.mark.parametrize("spelling", ["ADA@Example.ORG", "Ada Lovelace <ada@example.org>", " <ada@example.org> "])
    def test_every_spelling_finds_the_same_mailbox(self, store: SuppressionStore, spelling: str):
        store.put(suppression(address=spelling))
        assert store.get_many([spelling]) == {ADA: suppression()}
        assert store.remove(spelling)
        assert store.get_many([ADA]) == {}

    def test_nothing_asked_is_nothing_answered(self, store: SuppressionStore):
        assert store.get_many([]) == {}

    def test_hundreds_are_asked_at_once_and_repetitions_do_no_harm(self, store: SuppressionStore):
        suppressed = [f"u{i}@example.org" for i in range(0, 250, 50)]
        for address in suppressed:
            store.put(suppression(address=address))
        asked = [f"u{i}@example.org" for i in range(250)]
        assert sorted(store.get_many([*asked, *asked])) == sorted(suppressed)

    def test_putting_the_same_again_changes_nothing(self, store: SuppressionStore):
        store.put(suppression())
        store.put(suppression())
        assert list(store.iterate()) == [suppression()]

    @pytest.mark.parametrize("order", list(permutations(range(len(REASONS)))))
    def test_strongest_reason_wins_in_any_order(self, store: SuppressionStore, order: tuple[int, ...]):
        for index in order:
            store.put(suppression(REASONS[index], day=4 - index))
        assert store.get_many([ADA])[ADA].reason == "manual"

    def test_a_complaint_outranks_a_later_bounce(self, store: SuppressionStore):
        assert store.put(suppression("complaint", day=1))
        assert not store.put(suppression("bounce", day=2))
        assert store.get_many([ADA])[ADA] == suppression("complaint", day=1)

    @pytest.mark.parametrize("days", [(1, 2), (2, 1)])
    def test_latest_suppression_of_a_reason_wins_in_any_order(self, store: SuppressionStore, days: tuple[int, ...]):
        for day in days:
            store.put(suppression(day=day))
        assert store.get_many([ADA])[ADA] == suppression(day=2)

    def test_an_end_is_kept_and_holds_to_the_second(self, store: SuppressionStore, clock: Clock):
        ends = Suppression(ADA, "manual", created_at=NOW, expires_at=NOW + timedelta(minutes=1))
        store.put(ends)
        clock.now = NOW + timedelta(seconds=59)
        assert store.get_many([ADA]) == {ADA: ends}
        clock.now = NOW + timedelta(seconds=60)
        assert store.get_many([ADA]) == {}
        assert list(store.iterate()) == []

    def test_expired_suppression_does_not_block_a_new_one(self, store: SuppressionStore, clock: Clock):
        store.put(Suppression(ADA, "manual", created_at=NOW, expires_at=NOW + timedelta(minutes=1)))
        clock.now = NOW + timedelta(minutes=2)
        assert store.put(suppression("bounce", day=1))
        assert store.get_many([ADA]) == {ADA: suppression("bounce", day=1)}

    def test_one_that_has_ended_is_nothing_to_remove(self, store: SuppressionStore, clock: Clock):
        store.put(Suppression(ADA, "manual", created_at=NOW, expires_at=NOW + timedelta(minutes=1)))
        clock.now = NOW + timedelta(minutes=2)
        assert not store.remove(ADA)

    @pytest.mark.parametrize("reason", REASONS)
    def test_one_that_ends_never_displaces_one_that_does_not(
        self, store: SuppressionStore, clock: Clock, reason: Reason
    ):
        store.put(suppression(reason))
        by_hand = Suppression(ADA, "manual", created_at=NOW, expires_at=NOW + timedelta(days=1))
        assert store.put(by_hand) is PutOutcome.OUTRANKED
        clock.now = NOW + timedelta(days=2)
        assert store.get_many([ADA]) == {ADA: suppression(reason)}

    @pytest.mark.parametrize("seed", range(20))
    def test_an_address_stays_suppressed_until_the_last_of_its_ends(
        self, store: SuppressionStore, clock: Clock, seed: int
    ):
        chance = random.Random(seed)
        ends = [NOW + timedelta(days=chance.randint(1, 9)) for _ in range(5)]
        for end in ends:
            created = NOW - timedelta(days=chance.randint(1, 9))
            store.put(Suppression(ADA, chance.choice(REASONS), created_at=created, expires_at=end))
        clock.now = max(ends) - timedelta(seconds=1)
        assert store.get_many([ADA])
        clock.now = max(ends)
        assert not store.get_many([ADA])

    @pytest.mark.parametrize("seed", range(20))
    def test_suppressions_do_not_depend_on_the_order(self, make: Callable[[Clock], SuppressionStore], seed: int):
        chance = random.Random(seed)
        rows = [
            Suppression(
                ADA,
                chance.choice(REASONS),
                created_at=NOW - timedelta(days=chance.randint(1, 3)),
                message_id=f"message-{number}",
                feedback_id=f"feedback-{chance.randint(1, 2)}",
                expires_at=chance.choice([None, *(NOW + timedelta(days=days) for days in (1, 2))]),
            )
            for number in range(4)
        ]
        left = []
        for _ in range(3):
            store = make(Clock())
            for row in chance.sample(rows, len(rows)):
                store.put(row)
            left.append(store.get_many([ADA]))
        assert left == [{ADA: max(rows, key=lambda row: row.rank)}] * 3

    @pytest.mark.parametrize("again", REASONS)
    def test_older_event_does_not_undo_a_removal(self, store: SuppressionStore, clock: Clock, again: Reason):
        store.put(suppression())
        assert store.remove(ADA)
        assert store.put(replace(suppression(again), created_at=clock.now)) is PutOutcome.REMOVED_SINCE
        assert store.get_many([ADA]) == {}

    def test_a_removal_before_the_event_arrives_is_as_good(self, store: SuppressionStore):
        assert not store.remove(ADA)
        assert store.put(suppression()) is PutOutcome.REMOVED_SINCE
        assert store.get_many([ADA]) == {}

    def test_newer_event_suppresses_after_a_removal(self, store: SuppressionStore, clock: Clock):
        store.put(suppression("complaint"))
        store.remove(ADA)
        clock.now = NOW + timedelta(hours=1)
        later = replace(suppression("bounce"), created_at=NOW + timedelta(microseconds=1))
        assert store.put(later) is PutOutcome.WRITTEN
        assert store.put(suppression("complaint")) is PutOutcome.REMOVED_SINCE
        assert store.get_many([ADA]) == {ADA: later}

    def test_a_second_removal_counts_from_its_own_time(self, store: SuppressionStore, clock: Clock):
        store.remove(ADA)
        clock.now = NOW + timedelta(hours=2)
        store.remove(ADA)
        assert not store.put(replace(suppression(), created_at=NOW + timedelta(hours=1)))

    def test_a_removal_outlives_every_message_and_is_forgotten(self, store: SuppressionStore, clock: Clock):
        store.remove(ADA)
        clock.now = NOW + REMEMBERED - timedelta(seconds=1)
        assert not store.put(suppression())
        clock.now = NOW + REMEMBERED
        assert store.put(suppression())

    def test_a_removal_concerns_one_address_and_is_not_listed(self, store: SuppressionStore):
        store.remove(ADA)
        other = suppression(address="bob@example.org")
        assert store.put(other)
        assert list(store.iterate()) == [other]

    @pytest.mark.parametrize("claimed", EXTREMES)
    def test_no_time_of_an_event_loses_a_suppression(self, store: SuppressionStore, clock: Clock, claimed: datetime):
        assert store.put(replace(suppression(), created_at=claimed))
        assert store.get_many([ADA])[ADA].created_at <= NOW
        assert store.remove(ADA)
        clock.now = NOW + timedelta(hours=1)
        assert store.put(replace(suppression(), created_at=clock.now))
        assert store.get_many([ADA])

    @pytest.mark.parametrize("end", EXTREMES)
    def test_an_end_at_the_edge_of_time_can_be_kept(self, store: SuppressionStore, end: datetime):
        store.put(Suppression(ADA, "manual", created_at=NOW, expires_at=end))
        assert bool(store.get_many([ADA])) is (end.year == 9999)

    def test_an_end_within_a_second_is_rounded_up(self, store: SuppressionStore, clock: Clock):
        store.put(Suppression(ADA, "manual", created_at=NOW, expires_at=NOW + timedelta(seconds=1, microseconds=1)))
        clock.now = NOW + timedelta(seconds=1, microseconds=999_999)
        assert store.get_many([ADA])
        clock.now = NOW + timedelta(seconds=2)
        assert not store.get_many([ADA])

    def test_removing_says_whether_there_was_anything(self, store: SuppressionStore):
        store.put(suppression())
        assert store.remove(ADA)
        assert not store.remove(ADA)

    def test_all_can_be_listed_and_the_list_is_bounded(self, store: SuppressionStore):
        everyone = {f"u{i}@example.org" for i in range(7)}
        for address in everyone:
            store.put(suppression(address=address))
        assert {row.address for row in store.iterate()} == everyone
        assert len(list(store.iterate(limit=3))) == 3
        assert list(store.iterate(limit=0)) == []

    def test_scoped_suppression_holds_for_its_scope_only(self, store: SuppressionStore):
        row = replace(suppression("unsubscribe"), scope="stream:news", actor="ada")
        assert store.put(row)
        assert store.get_many([ADA]) == {}
        assert store.get_many([ADA], ["stream:other", "tenant:news"]) == {}
        assert store.get_many([ADA], ["tenant:acme", "stream:news"]) == {ADA: row}
        assert list(store.iterate()) == [row]

    def test_strongest_of_several_scopes_is_found(self, store: SuppressionStore):
        everywhere, scoped = suppression("bounce"), replace(suppression("complaint"), scope="tenant:acme")
        for row in (scoped, everywhere):
            assert store.put(row)
        assert store.get_many([ADA]) == {ADA: everywhere}
        assert store.get_many([ADA], ["tenant:acme"]) == {ADA: scoped}

    def test_removal_concerns_one_scope(self, store: SuppressionStore):
        scoped = replace(suppression(), scope="stream:news")
        for row in (suppression(), scoped):
            store.put(row)
        assert store.remove(ADA, actor="support", why="asked by telephone")
        assert store.get_many([ADA]) == {}
        assert store.get_many([ADA], ["stream:news"]) == {ADA: scoped}
        assert store.put(scoped) is PutOutcome.OUTRANKED
        assert store.remove(ADA, scope="stream:news")
        assert store.put(scoped) is PutOutcome.REMOVED_SINCE

    @pytest.mark.parametrize("scope", ["news", "stream:", "all:news", "*"])
    def test_scope_that_does_not_exist_is_an_error(self, store: SuppressionStore, scope: str):
        with pytest.raises(ValueError, match="stream:NAME or tenant:NAME"):
            replace(suppression(), scope=scope)
        with pytest.raises(ValueError, match="stream:NAME or tenant:NAME"):
            store.remove(ADA, scope=scope)

    def test_hostile_text_of_an_event_is_kept(self, store: SuppressionStore):
        row = replace(suppression(), detail="5.1.1 'x'; DROP TABLE \u00e9 \U0001f600 %s :name " + "x" * 5000)
        assert store.put(row)
        assert store.get_many([ADA]) == {ADA: row}
