"""Closed days: what is counted once, what a report reads of it, and that no history changes the numbers."""

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.cli import main
from mailer.errors import StoreError
from mailer.reports.counters import DAY, LATENESS, close_days
from mailer.reports.numbers import Numbers, sums
from mailer.reports.report import MAX_DAYS, Report, report_of
from mailer.stores.base import REMEMBERED, utcnow
from mailer.stores.counters import start_of
from mailer.stores.memory import MemorySuppressions
from mailer.stores.memory_counters import MemoryDayCounters
from mailer.stores.memory_messages import MemoryMessageLog
from mailer.stores.messages import EntryCount, LogEntry
from mailer.stores.sql.stores import SqlStores
from tests.contract.message_log import entry, id_at
from tests.contract.suppression_store import NOW, Clock
from tests.unit.mailer.stack_outputs import outputs

TODAY, LOG_DAYS = NOW.date(), 30
# The last day that may be closed now.
OVER = TODAY - LATENESS - DAY


def event(day: date, number: int = 0, kind: str = "Send", *, lag: timedelta = timedelta()) -> LogEntry:
    """An event at noon of a day, about a message that was sent so long before."""
    at = start_of(day) + timedelta(hours=12, seconds=number)
    sent = at - lag
    return entry(kind, key=f"{kind} {at}", at=at, sent_at=sent, id_=id_at(sent), message_id="", category="abuse")


class Site:
    """A log and counters with one clock."""

    def __init__(self, days: int = LOG_DAYS) -> None:
        self.clock = Clock()
        self.log = MemoryMessageLog(days, clock=self.clock)
        self.counters = MemoryDayCounters(self.clock)

    def send(self, *days: date) -> None:
        self.log.add(event(day, number) for number, day in enumerate(days))

    def close(self) -> list[date]:
        return close_days(self.log, self.counters, self.clock())

    def kept(self) -> dict[date, int]:
        """The sends of each closed day."""
        days = self.counters.between(date.min, date.max)
        return {day: sum(row.entries for row in rows if row.kind == "Send") for day, rows in days.items()}

    def report(self, days: int = 7, *, close: bool = False) -> Report:
        now, counters = self.clock(), self.counters
        return report_of(self.log, MemorySuppressions(), None, days=days, now=now, counters=counters, close=close)


@pytest.fixture
def site() -> Site:
    return Site()


class Away(MemoryDayCounters):
    """Counters that cannot be written, or neither written nor read."""

    def __init__(self, clock: Clock, *, is_readable: bool) -> None:
        super().__init__(clock)
        self._is_readable = is_readable

    def put(self, day: date, rows: Iterable[EntryCount]) -> None:
        raise StoreError("no right to write")

    def between(self, first: date, last: date) -> dict[date, tuple[EntryCount, ...]]:
        if not self._is_readable:
            raise StoreError("no right to read")
        return super().between(first, last)


def test_day_is_closed_when_no_event_can_come_any_more(site: Site):
    site.send(OVER, OVER, OVER + DAY, TODAY)
    assert site.close() == [OVER]
    assert site.kept() == {OVER: 2}
    site.clock.now = start_of(TODAY + DAY)
    assert site.close() == [OVER + DAY]
    site.clock.now += DAY - timedelta(seconds=1)
    assert site.close() == []


def test_closed_day_outlives_the_message_log(site: Site):
    site.send(OVER, OVER)
    site.close()
    site.clock.now = NOW + timedelta(days=100)
    assert site.log.of_message(event(OVER).id) == []
    found = site.report(MAX_DAYS)
    assert found.days[OVER] == found.total == Numbers(sends=2)
    assert list(found.by_template) == ["welcome"]


def test_day_is_not_closed_when_the_log_forgets_parts_of_it(site: Site):
    first_whole = TODAY - timedelta(days=LOG_DAYS - 1)
    site.send(first_whole - DAY, first_whole)
    assert min(site.close()) == first_whole


def test_log_shorter_than_the_lateness_closes_nothing():
    site = Site(days=5)
    site.send(OVER, TODAY)
    assert site.close() == []


def test_log_longer_than_events_are_remembered_closes_no_more():
    site = Site(days=300)
    oldest = TODAY - REMEMBERED + DAY
    site.send(oldest - DAY, oldest)
    assert min(site.close()) == oldest
    found = site.report(100)
    assert found.since == oldest


def test_days_before_the_first_entry_are_not_closed(site: Site):
    site.send(OVER - 2 * DAY)
    site.close()
    assert site.kept() == {OVER - 2 * DAY: 1, OVER - DAY: 0, OVER: 0}


def test_empty_days_after_a_closed_one_are_closed(site: Site):
    site.send(OVER)
    for _ in range(40):
        site.close()
        site.clock.now += DAY
    assert len(site.kept()) == 40
    assert site.report(50).since == OVER


def test_event_from_the_dead_letter_queue_is_counted_later(site: Site):
    site.send(OVER)
    site.close()
    site.log.add([event(OVER, 1)])
    assert site.report(10).total.sends == 1
    site.clock.now += DAY
    site.close()
    assert site.report(10).total.sends == 2


def test_day_that_is_counted_again_loses_nothing(site: Site):
    late = event(OVER, kind="Complaint", lag=timedelta(days=20))
    site.log.add([event(OVER), event(OVER, 1, "Complaint"), late])
    site.close()
    site.clock.now += timedelta(days=10)
    assert site.log.of_message(late.id) == []
    site.close()
    assert site.report(20).days[OVER] == Numbers(sends=1, complaints=2)


def test_closed_day_is_kept_when_the_log_has_lost_a_part(site: Site):
    site.send(OVER, OVER)
    site.close()
    # The log forgets the first message of the day at noon.
    site.clock.now = start_of(OVER) + timedelta(days=LOG_DAYS, hours=12)
    site.close()
    assert site.kept()[OVER] == 2


def test_report_says_from_which_day_its_numbers_are_whole(site: Site):
    site.send(OVER)
    site.close()
    site.clock.now = NOW + timedelta(days=50)
    site.send(site.clock().date())
    found = site.report(90)
    assert found.since == site.clock().date() - timedelta(days=LOG_DAYS - 1)
    assert found.total.sends == 2


def test_report_reads_no_more_of_the_log_than_open_days(site: Site, monkeypatch: pytest.MonkeyPatch):
    site.send(OVER - DAY, OVER, TODAY)
    site.close()
    whole = site.report(7)
    monkeypatch.setattr(site.log, "_rows", {key: row for key, row in site.log._rows.items() if row.at.date() > OVER})
    assert site.report(7) == whole


def test_report_closes_days_only_if_asked_to(site: Site):
    site.send(OVER, TODAY)
    reading = site.report(1)
    assert site.kept() == {}
    assert site.report(1, close=True) == reading
    assert site.kept() == {OVER: 1}
    assert site.report(7) == report_of(site.log, MemorySuppressions(), None, days=7, now=NOW)


@pytest.mark.parametrize("is_readable", [True, False])
def test_counters_that_fail_leave_the_report_right(site: Site, caplog: pytest.LogCaptureFixture, *, is_readable: bool):
    site.send(OVER, TODAY)
    whole = site.report(7)
    site.counters = Away(site.clock, is_readable=is_readable)
    with caplog.at_level(logging.WARNING, "mailer"):
        assert site.report(7, close=True) == whole
    (said,) = caplog.messages
    assert f"no right to {'write' if is_readable else 'read'}" in said


def test_report_without_a_message_log_closes_nothing(site: Site):
    found = report_of(None, MemorySuppressions(), None, days=MAX_DAYS, now=NOW, counters=site.counters, close=True)
    assert (found.logged, found.since, found.total, site.kept()) == (False, None, Numbers(), {})


@pytest.mark.parametrize("days", [0, 401])
def test_reports_with_counters_have_a_limit(site: Site, days: int):
    with pytest.raises(ValueError, match="must be from 1 to 400"):
        site.report(days)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    with SqlStores(f"sqlite:///{tmp_path}/mail.db?log_days={LOG_DAYS}", clock=Clock()) as opened:
        yield opened


def templates(day: date, count: int) -> list[LogEntry]:
    return [replace(event(day, number), template=f"t{number}") for number in range(count)]


def test_many_templates_are_closed_day_by_day(stores: SqlStores, monkeypatch: pytest.MonkeyPatch):
    stores.log.add([*templates(OVER, 3), *templates(OVER - DAY, 3)])
    monkeypatch.setattr("mailer.stores.sql.messages.MAX_COUNTS", 4)
    assert close_days(stores.log, stores.counters, NOW) == [OVER - DAY, OVER]


def test_count_that_is_not_complete_closes_nothing(
    stores: SqlStores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    stores.log.add([*templates(OVER, 9), *templates(OVER - DAY, 3)])
    monkeypatch.setattr("mailer.stores.sql.messages.MAX_COUNTS", 4)
    assert close_days(stores.log, stores.counters, NOW) == [OVER - DAY]
    assert f"{OVER} is not closed" in caplog.text
    monkeypatch.setattr("mailer.stores.sql.messages.MAX_COUNTS", 9)
    assert close_days(stores.log, stores.counters, NOW) == [OVER]


# A mail: its day, hours until its event arrives, the kind. A step: days until the counters are closed again.
_MAILS = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from([0, 30, 70, 83]), st.sampled_from(["Send", "Complaint"])), max_size=40
)
_STEPS = st.lists(st.tuples(st.sampled_from([0, 1, 2, 11]), st.integers(0, 23)), max_size=40)


def arrivals(mails: Iterable[tuple[int, int, str]]) -> list[tuple[datetime, LogEntry]]:
    """The events with the times at which they reach the log."""
    found = [(event(TODAY + day * DAY, number, kind), hours) for number, (day, hours, kind) in enumerate(mails)]
    return sorted(((one.at + timedelta(hours=hours), one) for one, hours in found), key=lambda pair: pair[0])


def check(found: Report, entire: MemoryMessageLog) -> None:
    """Each day that is known has the numbers of all events, and no day has more."""
    rows = entire.counts(since=start_of(min(found.days)), until=start_of(max(found.days) + DAY)).rows
    every = sums(rows, lambda row: row.day)
    for day, numbers in found.days.items():
        all_of_it = every.get(day, Numbers())
        assert numbers.sends <= all_of_it.sends
        if found.since and day >= found.since:
            assert numbers == all_of_it


@given(_MAILS, _STEPS, st.integers(6, 35), st.integers(1, 100))
def test_closing_at_any_time_reports_the_entire_log(
    mails: list[tuple[int, int, str]], steps: list[tuple[int, int]], kept_for: int, wanted: int
):
    site, entire = Site(kept_for), MemoryMessageLog(10_000, clock=Clock())
    left = arrivals(mails)
    for days, hours in steps:
        site.clock.now += timedelta(days=days, hours=hours)
        while left and left[0][0] <= site.clock.now:
            site.log.add([left[0][1]])
            entire.add([left.pop(0)[1]])
        check(site.report(wanted, close=bool(hours % 3)), entire)


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("MAILSTACK_STACK", "MAILSTACK_OUTPUTS", "MAILSTACK_STORE_KEYS"):
        monkeypatch.delenv(name, raising=False)
    found = f"sqlite:///{tmp_path}/mail.db?log_days={LOG_DAYS}"
    monkeypatch.setenv("MAILSTACK_STORE", found)
    return found


def closed(url: str) -> list[date]:
    with SqlStores(url) as stores:
        return sorted(stores.counters.between(date.min, date.max))


def write(url: str, *ages: int) -> list[date]:
    """Log a send of each age in days; return the days."""
    with SqlStores(url) as stores:
        days = [utcnow().date() - age * DAY for age in ages]
        stores.log.add(event(day) for day in days)
        return days


def test_command_closes_days_and_reports_them_later(url: str, capsys: pytest.CaptureFixture[str]):
    (day,) = write(url, 10)
    assert main(["report", "--read-only"]) == 0
    assert closed(url) == []
    assert main(["report", "--days", "1"]) == 0
    assert closed(url)[0] == day
    with SqlStores(url) as stores:
        past = utcnow().date() - 80 * DAY
        stores.counters.put(past, [EntryCount(past, "Send", "mailstack-dev-news", "", "", 9)])
    capsys.readouterr()
    assert main(["report", "--days", "90", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["total"]["sends"], found["days"][f"{past}"]["sends"]) == (10, 9)
    assert f"{past}" < found["since"] <= f"{day}"
    assert main(["report", "--days", "90"]) == 0
    assert f"Numbers before {found['since']} may be too low" in capsys.readouterr().out


def test_clean_up_counts_days_before_the_log_forgets_them(url: str, capsys: pytest.CaptureFixture[str]):
    (day,) = write(url, 20)
    assert main(["store", "clean-up", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counters"] == 0
    assert closed(url)[0] == day


def test_report_of_streams_has_closed_days(site: Site):
    site.log.add([replace(event(OVER), configuration_set="mailstack-dev-news")])
    site.close()
    found = report_of(
        MemoryMessageLog(LOG_DAYS, clock=site.clock),
        MemorySuppressions(),
        outputs(),
        days=7,
        now=NOW,
        counters=site.counters,
    )
    assert found.by_stream == {"news": Numbers(sends=1)}
