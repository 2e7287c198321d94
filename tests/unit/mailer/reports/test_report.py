"""Reports: what each event counts as, the sums by day, stream and template, and `mailer report`."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailer.cli import main
from mailer.cli.report import sparkline
from mailer.feedback.events import parse
from mailer.feedback.processor import Processor
from mailer.reports import report as module
from mailer.reports.numbers import BOUNCES, COMPLAINTS, Numbers, name_of
from mailer.reports.report import MAX_DAYS_OF_LOG, OTHERS, report_of
from mailer.stores.memory import MemorySuppressions
from mailer.stores.memory_messages import MemoryMessageLog
from mailer.stores.sql.stores import SqlStores
from tests.contract.message_log import entry
from tests.contract.suppression_store import NOW, Clock
from tests.unit.mailer.feedback.payloads import load
from tests.unit.mailer.reports.history import fill
from tests.unit.mailer.stack_outputs import outputs

TODAY = NOW.date()


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    with SqlStores(f"sqlite:///{tmp_path}/mail.db?log_days=30", clock=Clock()) as stores:
        yield stores


def report(stores: SqlStores, days: int = 3) -> module.Report:
    return report_of(stores.messages, stores.suppressions, outputs(), days=days, now=NOW)


@pytest.mark.parametrize(
    ("kind", "category", "name"),
    [
        ("Send", "", "sends"),
        ("Delivery", "", "deliveries"),
        ("Reject", "", "rejects"),
        ("Bounce", "Permanent General", "hard_bounces"),
        ("Bounce", "Permanent", "hard_bounces"),
        ("Bounce", "Transient MailboxFull", "soft_bounces"),
        ("Bounce", "Undetermined Undetermined", "unclear_bounces"),
        ("Bounce", "", "unclear_bounces"),
        ("Bounce", "Permanent OnAccountSuppressionList", "not_tried"),
        ("Bounce", "Transient EmailValidationSuppressed", "not_tried"),
        ("Complaint", "", "complaints"),
        ("Complaint", "abuse", "complaints"),
        ("Complaint", "OnAccountSuppressionList", "not_tried"),
        ("Complaint", "not-spam", None),
        ("Attempt", "suppressed", None),
        ("DeliveryDelay", "MailboxFull", None),
    ],
)
def test_entry_counts_as_one_number(kind: str, category: str, name: str | None):
    assert name_of(kind, category) == name


def test_limits_of_aws_are_inclusive():
    assert [BOUNCES.state(rate) for rate in (0.0, 0.0499, 0.05, 0.0999, 0.1)] == [
        "ok",
        "ok",
        "review",
        "review",
        "pause",
    ]
    assert [COMPLAINTS.state(rate) for rate in (0.001, 0.005)] == ["review", "pause"]
    assert Numbers().bounce_rate is Numbers(complaints=1).complaint_rate is None
    assert BOUNCES.state(None) == "unknown"


def test_days_streams_and_templates_are_summed(stores: SqlStores):
    fill(stores.log, stores.suppressions)
    found = report(stores)
    assert list(found.days) == [TODAY - timedelta(days=2), TODAY - timedelta(days=1), TODAY]
    assert found.days[TODAY] == Numbers(sends=40, deliveries=36, hard_bounces=2, soft_bounces=1, not_tried=1)
    assert found.days[TODAY - timedelta(days=2)] == Numbers()
    assert (found.total.sends, found.total.bounces, found.total.complaints) == (60, 3, 1)
    assert found.total.bounce_rate == 2 / 60
    assert {name: one.sends for name, one in found.by_stream.items()} == {"news": 30, "transactional": 30}
    assert {name: one.hard_bounces for name, one in found.by_template.items()} == {"": 1, "welcome": 1}
    assert found.complete
    assert found.logged


def test_suppressions_are_counted_by_reason_scope_and_day(stores: SqlStores):
    fill(stores.log, stores.suppressions)
    counts = report(stores).suppressions
    assert (counts.size, counts.complete) == (3, True)
    assert counts.by_reason == {"bounce": 2, "complaint": 1}
    assert counts.by_scope == {"": 2, "stream:news": 1}
    assert list(counts.added.values()) == [1, 0, 1]


def test_long_suppression_list_says_that_it_was_cut(stores: SqlStores, monkeypatch: pytest.MonkeyPatch):
    fill(stores.log, stores.suppressions)
    monkeypatch.setattr(module, "MAX_SUPPRESSIONS", 2)
    counts = report(stores).suppressions
    assert (counts.size, counts.complete) == (2, False)


def test_count_that_stops_at_its_limit_says_so(stores: SqlStores, monkeypatch: pytest.MonkeyPatch):
    fill(stores.log, stores.suppressions)
    monkeypatch.setattr("mailer.stores.sql.messages.MAX_COUNTS", 3)
    assert not report(stores).complete


def test_many_templates_are_summed_up(stores: SqlStores):
    stores.log.add(entry(key=str(number), template=f"t{number:03}") for number in range(70))
    found = report(stores).by_template
    assert len(found) == 51
    assert found[OTHERS].sends == 20


def test_no_log_gives_suppressions_alone():
    found = report_of(None, MemorySuppressions(), None, days=2, now=NOW)
    assert not found.logged
    assert found.total == Numbers()
    assert len(found.days) == 2


@pytest.mark.parametrize("days", [0, -1, MAX_DAYS_OF_LOG + 1, 10**9])
def test_days_out_of_range_are_refused(days: int):
    with pytest.raises(ValueError, match="must be from 1 to 60"):
        report_of(None, MemorySuppressions(), None, days=days, now=NOW)


@pytest.mark.parametrize("kind", ["memory", "sql"])
def test_simulator_does_not_count(stores: SqlStores, kind: str):
    log = stores.log if kind == "sql" else MemoryMessageLog(30, clock=Clock())
    processor = Processor(stores.suppressions, stores.events, clock=Clock(), messages=log)
    for number, address in enumerate(("bounce+1@simulator.amazonses.com", "ada@example.org")):
        data: Any = load("bounce")
        data["mail"]["messageId"] = data["bounce"]["feedbackId"] = str(number)
        data["mail"]["destination"] = [address]
        data["bounce"]["bouncedRecipients"][0]["emailAddress"] = address
        data["bounce"]["timestamp"] = data["mail"]["timestamp"] = NOW.isoformat()
        processor.process(parse(data, NOW))
    assert len(log.of_message("0")) == 1
    assert report_of(log, stores.suppressions, None, days=1, now=NOW).total.bounces == 1
    assert [one.message_id for one in log.newest(["Bounce"], since=NOW - timedelta(days=1))] == ["1"]


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("MAILSTACK_STACK", "MAILSTACK_OUTPUTS", "MAILSTACK_STORE_KEYS"):
        monkeypatch.delenv(name, raising=False)
    found = f"sqlite:///{tmp_path}/mail.db?log_days=30"
    monkeypatch.setenv("MAILSTACK_STORE", found)
    with SqlStores(found) as stores:
        stores.migrate()
    return found


def noon() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def test_command_prints_tables_and_rates(url: str, capsys: pytest.CaptureFixture[str]):
    with SqlStores(url) as stores:
        fill(stores.log, stores.suppressions, noon())
    assert main(["report", "--days", "4"]) == 0
    said = capsys.readouterr().out
    # A day may end while the test runs, so that the first one is gone.
    assert "at most 40 a day" in said
    assert "AWS reviews" in said
    assert "mailstack-dev-news" in said
    assert "welcome" in said
    assert "suppressed now: 3 (2 by bounce, 1 by complaint)" in said


def test_command_prints_json_with_sources(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs().to_json())
    with SqlStores(url) as stores:
        fill(stores.log, stores.suppressions, noon())
    assert main(["report", "--days", "5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total"]["sends"] == 70
    assert found["bounce_rate"] == {"rate": 3 / 70, "state": "ok", "review_at": 0.05, "pause_at": 0.1}
    assert found["complaint_rate"]["state"] == "pause"
    assert set(found["by_stream"]) == {"news", "transactional"}
    assert set(found["sources"]) == {"numbers", "rates", "suppressions"}


def test_command_without_a_log_says_how_to_keep_one(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MAILSTACK_STORE", url.partition("?")[0])
    assert main(["report"]) == 0
    said = capsys.readouterr().out
    assert "mailstack:messageLog.days" in said
    assert "suppressed now: 0" in said


def test_command_refuses_days_out_of_range(url: str, capsys: pytest.CaptureFixture[str]):
    assert main(["report", "--days", "0"]) == 2
    assert "--days is 0, but must be from 1 to 400." in capsys.readouterr().err


def test_sparkline_shows_every_number_above_zero():
    assert sparkline([0, 1, 1000]) == "▁▂█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


def test_numbers_add_up():
    one = Numbers(1, 2, 3, 4, 5, 6, 7, 8)
    assert one + Numbers() == one
    assert one + replace(Numbers(), sends=1) == replace(one, sends=2)
