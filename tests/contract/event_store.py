"""What every store of processed events promises. A store's test file inherits it and gives the `make` fixture."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from mailer.stores.base import EventStore, ProcessedEvent

from .suppression_store import NOW, Clock

EVENT = ProcessedEvent(
    key="0f" * 32,
    kind="Bounce",
    outcome="suppressed",
    detail="Permanent General 5.1.1",
    recipient="a***@example.org",
    message_id="message-1",
    simulator=True,
    occurred_at=NOW - timedelta(hours=1, microseconds=1),
    expires_at=NOW + timedelta(days=60),
    counts_as="bounce",
)


@pytest.mark.contract
class EventStoreContract:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def make(self) -> Callable[[Clock], EventStore]:
        """Makes an empty store that tells the time by the clock."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, make: Callable[[Clock], EventStore], clock: Clock) -> EventStore:
        return make(clock)

    def test_an_event_that_was_not_recorded_is_not_there(self, store: EventStore):
        assert store.get(EVENT.key) is None

    def test_recorded_event_is_read_back_unchanged(self, store: EventStore):
        assert store.record(EVENT)
        assert store.get(EVENT.key) == EVENT

    def test_first_record_of_a_key_wins(self, store: EventStore):
        store.record(EVENT)
        assert not store.record(replace(EVENT, outcome="recorded"))
        assert store.get(EVENT.key) == EVENT

    def test_concurrent_records_of_a_key_have_one_winner(self, store: EventStore):
        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(store.record, [EVENT] * 24)) == [False] * 23 + [True]

    def test_expired_event_can_be_recorded_again(self, store: EventStore, clock: Clock):
        store.record(EVENT)
        clock.now = EVENT.expires_at
        assert store.get(EVENT.key) is None
        assert store.record(replace(EVENT, expires_at=clock.now + timedelta(days=1)))
