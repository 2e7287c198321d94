"""A small run of `python -m tests.feedback_schedule` on each database, and a fault that it must find."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from mailer.stores.soft_bounces import Mailbox
from tests.feedback_schedule.backends import Backend, Clock, Risk, in_dynamodb, in_sql, in_sqlite
from tests.feedback_schedule.run import Clock as Time
from tests.feedback_schedule.run import Report, Run

if TYPE_CHECKING:
    from mailstack_localcloud import LocalCloud
    from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.integration
EVENTS, SEED, CRASHES = 160, 10, 0.01
Open = Callable[[Clock, Risk], AbstractContextManager[Backend]]


@pytest.fixture(params=["sqlite", "postgresql", "dynamodb"])
def opens(request: pytest.FixtureRequest) -> Iterator[Open]:
    if request.param == "dynamodb":
        cloud: LocalCloud = request.getfixturevalue("cloud")
        with pytest.MonkeyPatch.context() as environment:
            for name, value in cloud.environment().items():
                environment.setenv(name, value)
            yield lambda clock, risk: in_dynamodb(cloud, clock, risk)
    elif request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        yield lambda clock, risk: in_sql(f"{server.url}?schema=feedback_schedule", clock, risk)
    else:
        yield in_sqlite


def run(opens: Open) -> Report:
    clock, risk = Time(), Risk(SEED, CRASHES)
    with opens(clock, risk) as backend:
        return Run(backend, clock, risk, events=EVENTS, seed=SEED)()


def test_disorder_corruption_and_crashes_change_nothing(opens: Open):
    report = run(opens)
    assert report.differences == []
    assert report.events == EVENTS
    assert report.delivered > EVENTS
    assert min(report.corrupted, report.crashes, report.suppressed) > 0


def test_forgotten_soft_bounces_are_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Mailbox, "merged", lambda _, other: other)
    report = run(in_sqlite)
    assert any("reader-" in difference for difference in report.differences)
