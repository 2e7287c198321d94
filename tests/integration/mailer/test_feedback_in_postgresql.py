"""Two workers process one queue of events, and PostgreSQL stops in the middle and starts again: nothing is lost."""

import json
import threading
from collections import Counter, deque
from datetime import timedelta

import pytest

from mailer.errors import MalformedEvent, StoreError
from mailer.feedback.events import parse
from mailer.feedback.processor import Outcome, Processor
from mailer.feedback.soft_bounces import SoftBounces
from mailer.functions.envelope import unwrap
from mailer.stores.sql.stores import SqlStores
from tests.feedback_schedule.history import SPAN, START, History, copies
from tests.feedback_schedule.oracle import Expected, Oracle
from tests.feedback_schedule.run import Clock
from tests.postgresql import running
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration
EVENTS, SEED = 160, 10


class Queue:
    """Events that two workers take; what fails goes back, as with SQS."""

    def __init__(self, bodies: list[str]) -> None:
        self.bodies, self.restarted = deque(bodies), threading.Event()
        self.done, self.failures, self.lines = 0, Counter[str](), Counter[str]()
        self._lock = threading.Lock()

    def work(self, stores: SqlStores, clock: Clock) -> None:
        """Process until nothing is left. After an error of the store, wait for its restart."""
        processor = Processor(
            stores.suppressions,
            stores.events,
            clock=clock,
            report=self._line,
            messages=stores.log,
            soft_bounces=SoftBounces(stores.soft_bounces, stores.suppressions, clock=clock),
        )
        while True:
            try:
                body = self.bodies.popleft()
            except IndexError:
                return
            data = unwrap(body)
            assert data is not None
            try:
                processor.process(parse(data, clock.now))
            except MalformedEvent:
                self.done += 1
            except StoreError:
                self.failures[threading.current_thread().name] += 1
                self.bodies.append(body)
                self.restarted.wait(PATIENCE)
            else:
                self.done += 1

    def _line(self, outcome: Outcome) -> None:
        with self._lock:
            self.lines[outcome.event_key] += outcome.counts


def test_workers_survive_a_restart_of_postgresql():
    history, clock = History(EVENTS, SEED), Clock()
    history.acts = []
    oracle, clock.now = Oracle(history), START + SPAN + timedelta(hours=1)
    queue = Queue([json.dumps(happening.payload()) for _, happening in copies(history, SEED)])
    total = len(queue.bodies)
    with running() as server:
        url = f"{server.url}?log_days=3650"
        opened = [SqlStores(url, keys=(), clock=clock) for _ in range(2)]
        opened[0].migrate()
        workers = [threading.Thread(target=queue.work, args=(stores, clock), daemon=True) for stores in opened]
        for worker in workers:
            worker.start()
        eventually(lambda: queue.done > total // 4, "no event is processed")
        server.stop()
        eventually(lambda: len(queue.failures) == 2, "not every worker notices that the server is away")
        server.start()
        queue.restarted.set()
        for worker in workers:
            worker.join(PATIENCE)
        assert queue.done == total
        _compare(history, oracle, opened[0], clock)
        for stores in opened:
            stores.close()
    assert max(queue.lines.values()) == 1
    # A worker whose answer was lost finds the event recorded: the line of that event is missing.
    assert oracle.counted - 2 <= sum(queue.lines.values()) <= oracle.counted


def _compare(history: History, oracle: Oracle, stores: SqlStores, clock: Clock) -> None:
    for days in (0, 2, 12, 40):
        clock.now += timedelta(days=days)
        found = stores.suppressions.get_many(history.people)
        rows = {one: Expected(row.reason, row.created_at, row.expires_at) for one, row in found.items()}
        wanted = {one: oracle.suppressed(one, clock.now) for one in history.people}
        assert rows == {one: row for one, row in wanted.items() if row}
    logged = Counter[str]()
    for row in stores.log.counts(since=START, until=START + SPAN + timedelta(days=1)).rows:
        logged[row.kind] += row.entries
    assert logged == oracle.logged
