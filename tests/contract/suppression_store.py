"""What every suppression store promises. A store's test file inherits it and gives the two fixtures."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from mailer.stores.base import REASONS, Reason, Suppression, SuppressionStore

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ADA = "ada@example.org"


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

    def test_an_address_that_nobody_suppressed_is_not_there(self, store: SuppressionStore):
        assert store.get_many([ADA]) == {}

    def test_what_is_put_is_found_whole(self, store: SuppressionStore):
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
    def test_the_strongest_reason_stands_whatever_comes_first(self, store: SuppressionStore, order: tuple[int, ...]):
        for index in order:
            store.put(suppression(REASONS[index], day=4 - index))
        assert store.get_many([ADA])[ADA].reason == "manual"

    def test_a_complaint_outranks_a_later_bounce(self, store: SuppressionStore):
        assert store.put(suppression("complaint", day=1))
        assert not store.put(suppression("bounce", day=2))
        assert store.get_many([ADA])[ADA] == suppression("complaint", day=1)

    @pytest.mark.parametrize("days", [(1, 2), (2, 1)])
    def test_of_one_reason_the_latest_stands_whatever_comes_first(self, store: SuppressionStore, days: tuple[int, ...]):
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

    def test_one_that_has_ended_stands_in_nobodys_way(self, store: SuppressionStore, clock: Clock):
        store.put(Suppression(ADA, "manual", created_at=NOW, expires_at=NOW + timedelta(minutes=1)))
        clock.now = NOW + timedelta(minutes=2)
        assert not store.remove(ADA)
        store.put(Suppression(ADA, "manual", created_at=NOW, expires_at=NOW + timedelta(minutes=1)))
        assert store.put(suppression("bounce", day=1))
        assert store.get_many([ADA]) == {ADA: suppression("bounce", day=1)}

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
