"""What every store of idempotency keys promises. A store's test file inherits it and gives the `make` fixture."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from mailer.stores.idempotency import IdempotencyRecord, IdempotencyStore

from .suppression_store import NOW, Clock

RECORD = IdempotencyRecord(
    key="0a" * 32,
    fingerprint="0b" * 32,
    id="message-1",
    busy_until=NOW + timedelta(seconds=80, microseconds=1),
    expires_at=NOW + timedelta(hours=24),
)
OTHER = replace(RECORD, id="message-2")
RESULTS = '[["sent", "0100-example", "", ""]]'


@pytest.mark.contract
class IdempotencyStoreContract:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def make(self) -> Callable[[Clock], IdempotencyStore]:
        """Makes an empty store that tells the time by the clock."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, make: Callable[[Clock], IdempotencyStore], clock: Clock) -> IdempotencyStore:
        return make(clock)

    def test_unknown_key_has_no_record(self, store: IdempotencyStore):
        assert store.get(RECORD.key) is None

    def test_first_begin_writes_the_record(self, store: IdempotencyStore):
        assert store.begin(RECORD) is None
        assert store.get(RECORD.key) == RECORD

    def test_second_begin_returns_the_first_record(self, store: IdempotencyStore):
        store.begin(RECORD)
        assert store.begin(OTHER) == RECORD
        assert store.get(RECORD.key) == RECORD

    def test_concurrent_begins_have_one_winner(self, store: IdempotencyStore):
        records = [replace(RECORD, id=f"message-{number}") for number in range(24)]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(store.begin, records))
        winner = records[found.index(None)]
        assert found.count(None) == 1
        assert {one for one in found if one} == {winner}

    def test_complete_writes_the_results(self, store: IdempotencyStore):
        store.begin(RECORD)
        store.complete(replace(RECORD, results=RESULTS))
        assert store.begin(OTHER) == replace(RECORD, results=RESULTS)

    def test_release_makes_the_key_usable_again(self, store: IdempotencyStore):
        store.begin(RECORD)
        store.release(RECORD)
        assert store.get(RECORD.key) is None
        assert store.begin(OTHER) is None

    def test_only_the_owner_completes_or_releases(self, store: IdempotencyStore):
        store.begin(RECORD)
        store.complete(replace(OTHER, results=RESULTS))
        store.release(OTHER)
        assert store.get(RECORD.key) == RECORD

    def test_completing_or_releasing_an_unknown_key_is_ignored(self, store: IdempotencyStore):
        store.complete(replace(RECORD, results=RESULTS))
        store.release(RECORD)
        assert store.get(RECORD.key) is None

    def test_expired_key_can_be_used_again(self, store: IdempotencyStore, clock: Clock):
        store.begin(RECORD)
        store.complete(replace(RECORD, results=RESULTS))
        clock.now = RECORD.expires_at
        assert store.get(RECORD.key) is None
        later = replace(OTHER, expires_at=clock.now + timedelta(hours=24))
        assert store.begin(later) is None
        assert store.get(RECORD.key) == later

    def test_key_expires_beside_one_that_lives_longer(self, store: IdempotencyStore, clock: Clock):
        long = replace(RECORD, key="0c" * 32, expires_at=NOW + timedelta(days=60))
        store.begin(long)
        store.begin(RECORD)
        clock.now = RECORD.expires_at
        assert (store.get(RECORD.key), store.get(long.key)) == (None, long)
        assert store.begin(replace(OTHER, expires_at=NOW + timedelta(days=2))) is None

    def test_keys_do_not_affect_each_other(self, store: IdempotencyStore):
        store.begin(RECORD)
        another = replace(OTHER, key="0c" * 32)
        assert store.begin(another) is None
        store.release(another)
        assert store.get(RECORD.key) == RECORD
