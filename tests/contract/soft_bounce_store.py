"""What every store of soft bounces promises. A store's test file inherits it and gives the `make` fixture."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations

import pytest

from mailer.stores.soft_bounces import KEPT, Mailbox, SoftBounce, SoftBounceStore

from .suppression_store import ADA, NOW, Clock


def bounced(days: float, code: str = "4.2.2") -> Mailbox:
    return Mailbox(bounces=(SoftBounce(NOW - timedelta(days=days), "Transient MailboxFull", code),))


@pytest.mark.contract
class SoftBounceStoreContract:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def make(self) -> Callable[[Clock], SoftBounceStore]:
        """Makes an empty store that tells the time by the clock."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, make: Callable[[Clock], SoftBounceStore], clock: Clock) -> SoftBounceStore:
        return make(clock)

    def test_nothing_is_known_of_a_new_mailbox(self, store: SoftBounceStore):
        assert store.get(ADA) == Mailbox()

    def test_facts_are_merged_in_any_order(self, make: Callable[[Clock], SoftBounceStore]):
        delivery = Mailbox(delivered_at=NOW - timedelta(days=1, microseconds=1))
        facts = (bounced(3), bounced(2), bounced(2.1, "4.4.1"), delivery)
        expected = bounced(3).merged(bounced(2)).merged(delivery)
        for order in list(permutations(facts))[::6]:
            store = make(Clock())
            for seen in (*order, order[0]):
                store.merge(ADA, seen)
            assert store.get(ADA.upper()) == expected
            assert store.get("bob@example.org") == Mailbox()

    def test_merge_returns_all_facts(self, store: SoftBounceStore):
        store.merge(ADA, bounced(3))
        assert store.merge(ADA, bounced(2)) == bounced(3).merged(bounced(2)) == store.get(ADA)

    def test_old_bounces_are_forgotten(self, store: SoftBounceStore, clock: Clock):
        store.merge(ADA, bounced(1))
        clock.now = NOW + KEPT
        assert store.merge(ADA, Mailbox(delivered_at=NOW)) == Mailbox(delivered_at=NOW)

    def test_concurrent_writers_lose_nothing(self, store: SoftBounceStore):
        def merge(day: int) -> None:
            store.merge(ADA, bounced(day))

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(merge, range(6)))
        assert len(store.get(ADA).bounces) == 6
