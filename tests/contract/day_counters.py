"""What every store of counters by day promises. A store's test file inherits it and gives the `make` fixture."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from mailer.stores.counters import COUNTERS_KEPT, DayCounters, start_of
from mailer.stores.messages import EntryCount

from .suppression_store import NOW, Clock

TODAY = NOW.date()
DAY = timedelta(days=1)


def row(day: date = TODAY, kind: str = "Send", template: str = "welcome", entries: int = 7) -> EntryCount:
    category = "Permanent General" if kind == "Bounce" else ""
    return EntryCount(day, kind, "mailstack-dev-news", template, category, entries)


@pytest.mark.contract
class DayCountersContract:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def make(self) -> Callable[[Clock], DayCounters]:
        """Makes empty counters that tell the time by the clock."""
        raise NotImplementedError

    @pytest.fixture
    def counters(self, make: Callable[[Clock], DayCounters], clock: Clock) -> DayCounters:
        return make(clock)

    def test_nothing_is_kept_at_first(self, counters: DayCounters):
        assert counters.between(TODAY - COUNTERS_KEPT, TODAY) == {}

    def test_rows_of_a_day_are_kept_whole(self, counters: DayCounters):
        rows = [row(), row(kind="Bounce"), row(template=""), row(template='ü "x"\n\0\ud800', entries=2**40)]
        counters.put(TODAY, rows)
        assert sorted(counters.between(TODAY, TODAY)[TODAY]) == sorted(rows)

    def test_day_without_rows_differs_from_one_not_kept(self, counters: DayCounters):
        counters.put(TODAY - DAY, [])
        assert counters.between(TODAY - 2 * DAY, TODAY) == {TODAY - DAY: ()}

    def test_days_outside_of_the_range_are_not_found(self, counters: DayCounters):
        days = [TODAY - number * DAY for number in range(5)]
        for day in days:
            counters.put(day, [row(day)])
        found = counters.between(days[3], days[1])
        assert found == {day: (row(day),) for day in days[1:4]}
        assert counters.between(days[1], days[3]) == {}

    def test_put_replaces_the_whole_day_and_no_other(self, counters: DayCounters):
        counters.put(TODAY - DAY, [row(TODAY - DAY)])
        counters.put(TODAY, [row(), row(kind="Bounce")])
        counters.put(TODAY, [row(entries=8)])
        found = {TODAY - DAY: (row(TODAY - DAY),), TODAY: (row(entries=8),)}
        assert counters.between(TODAY - DAY, TODAY) == found

    def test_put_again_leaves_the_same(self, counters: DayCounters):
        rows = [row(), row(kind="Bounce")]
        for order in (rows, rows[::-1], iter(rows)):
            counters.put(TODAY, order)
            assert sorted(counters.between(TODAY, TODAY)[TODAY]) == sorted(rows)

    def test_day_with_very_many_templates_is_kept_whole(self, counters: DayCounters):
        rows = [row(template=f"{number:06}{'t' * 200}", entries=number) for number in range(3000)]
        for kept in (rows[:10], rows, rows[1:], rows[:20]):
            counters.put(TODAY, kept)
            assert sorted(counters.between(TODAY - DAY, TODAY + DAY)[TODAY]) == kept

    def test_days_are_forgotten_when_their_time_is_over(self, counters: DayCounters, clock: Clock):
        for day in (TODAY, TODAY + DAY):
            counters.put(day, [row(day)])
        clock.now = start_of(TODAY) + COUNTERS_KEPT - timedelta(seconds=1)
        assert set(counters.between(TODAY, TODAY + DAY)) == {TODAY, TODAY + DAY}
        clock.now = start_of(TODAY) + COUNTERS_KEPT
        assert set(counters.between(TODAY, TODAY + DAY)) == {TODAY + DAY}

    def test_concurrent_writers_leave_one_whole_day(self, counters: DayCounters):
        def put(number: int) -> None:
            counters.put(TODAY, [row(template=f"{part}", entries=number) for part in range(50)])

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(put, range(1, 13)))
        found = counters.between(TODAY, TODAY)[TODAY]
        assert len(found) == 50
        assert len({one.entries for one in found}) == 1
