"""Relays that are killed at random points lose and double nothing. The large run: `python -m tests.outbox_schedule`."""

from pathlib import Path

import pytest

from mailer.testing import Ses
from mailstack_localcloud import LocalCloud
from tests.outbox_schedule.run import Report, Run
from tests.outbox_schedule.schedule import Schedule
from tests.postgresql import running

pytestmark = pytest.mark.integration


@pytest.fixture
def ses(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Ses:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    return Ses(cloud)


def run(ses: Ses, url: str, schedule: Schedule) -> Report:
    assert isinstance(ses.cloud, LocalCloud)
    return Run(ses.cloud, ses.outputs, schedule, f"{url}?log_days=3650")()


def test_killed_relays_lose_and_double_nothing_in_sqlite(ses: Ses, tmp_path: Path):
    report = run(ses, f"sqlite:///{tmp_path}/mail.db", Schedule(200, seed=3, batch=100, kills=3))
    assert report.honest, str(report)
    assert report.statuses["sent"] > 150
    assert report.unknown


def test_killed_relays_lose_and_double_nothing_in_postgresql(ses: Ses):
    with running() as server:
        report = run(ses, server.url, Schedule(200, seed=4, batch=100, kills=3))
    assert report.honest, str(report)
    assert report.statuses["sent"] > 150
    assert report.unknown


def test_schedule_finds_mails_that_are_sent_twice(ses: Ses, tmp_path: Path):
    """With a relay that sends again without evidence, as outboxes usually do."""
    schedule = Schedule(200, seed=5, batch=100, kills=3, unknown="resend")
    report = run(ses, f"sqlite:///{tmp_path}/mail.db", schedule)
    assert report.doubled, str(report)
