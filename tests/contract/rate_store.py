"""What every store of the shared sending rate promises. A test file inherits it and gives the `make` fixture."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest

from mailer.sending.limiter import Limiter, RateLimit
from mailer.stores.rate import RateStore, Standing
from tests.rate_oracle import NOW, Oracle, known, simulate, standing


@pytest.mark.contract
class RateStoreContract:
    @pytest.fixture
    def make(self) -> Callable[[], RateStore]:
        """Makes an empty store."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, make: Callable[[], RateStore]) -> RateStore:
        return make()

    def test_concurrent_leases_never_overlap(self, store: RateStore):
        with ThreadPoolExecutor(8) as threads:
            starts = sorted(threads.map(lambda _: store.lease(0.25, 1000.0), range(40)))
        assert starts[0] == 1000.0
        assert all(after - before == pytest.approx(0.25) for before, after in pairwise(starts))

    def test_lease_begins_now_after_an_idle_time(self, store: RateStore):
        assert store.lease(1.0, 1000.0) == 1000.0
        assert store.lease(1.0, 1000.5) == 1001.0
        assert store.lease(1.0, 2000.0) == 2000.0
        assert store.lease(1.0, 1990.0) == 2001.0

    def test_lease_keeps_microseconds_of_present_times(self, store: RateStore):
        start = 1_767_225_600.000001
        assert store.lease(0.0001, start) == pytest.approx(start, abs=2e-6)
        assert store.lease(0.0001, start) == pytest.approx(start + 0.0001, abs=2e-6)

    def test_one_worker_a_minute_asks_ses(self, store: RateStore):
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(store.claim_refresh, [NOW] * 20)).count(True) == 1
        assert not store.claim_refresh(NOW + timedelta(seconds=59))
        assert store.claim_refresh(NOW + timedelta(seconds=60))

    def test_standing_is_read_as_it_was_written(self, store: RateStore):
        assert store.standing() is None
        assert store.claim_refresh(NOW)
        assert store.standing() is None
        for found in (Standing.of(14.0, 50_000.0, 12.0, NOW), Standing.of(-1, -1, 0.0, NOW)):
            store.write_standing(found)
            assert store.standing() == found

    def test_claims_and_leases_leave_the_standing_alone(self, store: RateStore):
        found = Standing.of(14.0, 50_000.0, 12.0, NOW)
        store.write_standing(found)
        store.lease(1.0, 1000.0)
        assert store.claim_refresh(NOW)
        assert store.standing() == found
        assert store.lease(1.0, 1000.0) == 1001.0

    @pytest.mark.parametrize("count", [1, 20])
    def test_four_workers_use_the_whole_rate_and_no_more(self, store: RateStore, count: int):
        """In simulated time, one message to one recipient at a time, or bulk requests to twenty."""
        oracle, seconds = Oracle(40.0, burst=0.5), 60.0
        limit = RateLimit(shared=True, max_wait=3600)

        def worker(clock: Callable[[], float]) -> Limiter:
            return Limiter(limit, known(standing(40.0)), store, clock=clock)

        simulate([worker] * 4, oracle, seconds, count)
        assert oracle.refused == 0
        assert oracle.accepted >= 0.98 * 40.0 * seconds
