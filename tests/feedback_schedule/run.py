"""Delivers a history to the processor, shuffled, repeated, late and corrupted, dies on the way, and compares the end.

Every delivery goes the way of the Lambda function: a body as SQS holds it, `unwrap`, `parse`, `Processor`. A delivery
during which the process died is delivered again, to a new processor, minutes or hours later.
"""

import heapq
import itertools
import random
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailer.errors import MalformedEvent
from mailer.feedback.events import parse
from mailer.feedback.processor import Outcome, Processor
from mailer.feedback.soft_bounces import ACTOR, SoftBounces
from mailer.functions.envelope import unwrap
from mailer.stores.base import Suppression
from tests.feedback_schedule.backends import Backend, Crash, Risk
from tests.feedback_schedule.history import CORRUPTIONS, SPAN, START, Act, Happening, History, copies
from tests.feedback_schedule.oracle import Expected, Oracle
from tests.unit.mailer.feedback.payloads import WRAPPERS

# The share of events of which a corrupted copy arrives, too.
_CORRUPTED = 0.05
# When the state is compared, after the last delivery.
_LATER = tuple(timedelta(days=days) for days in (0, 2, 6, 12, 25, 40))
_SHOWN = 5


@dataclass
class Report:
    """What was found. `differences` must be empty.

    Attributes:
        events: Different events.
        delivered: Deliveries of them.
        corrupted: Deliveries of corrupted copies, all of which were refused.
        crashes: How often the process died.
        suppressed: Addresses that are suppressed at the end.
        differences: Where the stores and the oracle disagree.
    """

    events: int = 0
    delivered: int = 0
    corrupted: int = 0
    crashes: int = 0
    suppressed: int = 0
    differences: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        found = f", such as {self.differences[:_SHOWN]}" if self.differences else ""
        return (
            f"{self.events:,} events in {self.delivered:,} deliveries, {self.corrupted:,} corrupted copies, "
            f"{self.crashes:,} crashes, {self.suppressed:,} addresses suppressed; "
            f"differences from the oracle: {len(self.differences)}{found}"
        )


@dataclass
class Clock:
    """The time of the run."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


class Run:
    """One run over empty stores."""

    def __init__(self, backend: Backend, clock: Clock, risk: Risk, *, events: int, seed: int) -> None:
        self._backend, self._clock, self._risk, self._seed = backend, clock, risk, seed
        self._history = History(events, seed)
        self._chance, self._numbers = random.Random(f"run {seed}"), itertools.count()
        self._queue: list[tuple[datetime, int, Happening | Act | str]] = []
        self._report, self._lines = Report(events=events), Counter[str]()
        self._processor = self._new_processor()

    def __call__(self, progress: Callable[[Report], None] | None = None) -> Report:
        self._fill()
        while self._queue:
            at, _, given = heapq.heappop(self._queue)
            self._clock.now = max(self._clock.now, at)
            if isinstance(given, Act):
                self._act(given)
            else:
                self._deliver(given)
            if progress and self._report.delivered % 5000 == 0:
                progress(self._report)
        self._compare(Oracle(self._history))
        self._report.crashes = self._risk.crashes
        return self._report

    def _fill(self) -> None:
        for at, happening in copies(self._history, self._seed):
            self._put(at, happening)
        for happening in self._history.happenings:
            if self._chance.random() < _CORRUPTED:
                body = self._chance.choice(CORRUPTIONS)(happening.payload(), self._chance)
                self._put(happening.at + timedelta(seconds=self._chance.random() * 86_400), body)
        for act in self._history.acts:
            self._put(act.at, act)

    def _put(self, at: datetime, given: Happening | Act | str) -> None:
        heapq.heappush(self._queue, (at, next(self._numbers), given))

    def _new_processor(self) -> Processor:
        stores, clock = self._backend, self._clock
        return Processor(
            stores.suppressions,
            stores.events,
            clock=clock,
            report=self._line,
            messages=stores.messages,
            soft_bounces=SoftBounces(stores.soft_bounces, stores.suppressions, clock=clock),
        )

    def _line(self, outcome: Outcome) -> None:
        self._lines[outcome.event_key] += outcome.counts

    def _deliver(self, given: Happening | str) -> None:
        body = given if isinstance(given, str) else self._chance.choice(WRAPPERS)(given.payload())
        self._risk.armed, has_died = True, False
        try:
            data = unwrap(body)
            assert data is not None
            self._processor.process(parse(data, self._clock.now))
        except Crash as crash:
            has_died = True
            traceback.clear_frames(crash.__traceback__)  # a cursor there would keep its transaction open
            self._put(self._clock.now + timedelta(seconds=self._chance.choice((1, 180, 7200))), given)
            return
        except MalformedEvent as error:
            if not isinstance(given, str) and not given.has_unreadable:
                self._report.differences.append(f"a genuine event was refused: {error}")
        else:
            if isinstance(given, str) or given.has_unreadable:
                self._report.differences.append(f"accepted: {body[:200]}")
        finally:
            self._risk.armed = False
            if has_died:
                self._backend.bury()
                self._processor = self._new_processor()
        self._report.delivered += not isinstance(given, str)
        self._report.corrupted += isinstance(given, str)

    def _act(self, act: Act) -> None:
        if act.removes:
            self._backend.suppressions.remove(act.address, actor="support", why="asked for it")
        else:
            self._backend.suppressions.put(Suppression(act.address, "manual", created_at=act.at, actor="support"))

    def _compare(self, oracle: Oracle) -> None:
        end = self._clock.now
        for later in _LATER:
            self._clock.now = end + later
            found = self._backend.suppressions.get_many(self._history.people)
            self._report.differences += self._different(oracle, found)
            if not later:
                self._report.suppressed = len(found)
        self._clock.now = end
        self._equal("processed events", self._backend.processed(), oracle.processed)
        counts = self._backend.messages.counts(since=START, until=START + SPAN + timedelta(days=1))
        logged = Counter[str]()
        for row in counts.rows:
            logged[row.kind] += row.entries
        self._equal("entries of the log", logged, oracle.logged)
        twice = sum(count > 1 for count in self._lines.values())
        counted = sum(self._lines.values())
        # A process that died after the write has no line: docs/guides/feedback.md#counts.
        if twice or not oracle.counted - self._risk.crashes <= counted <= oracle.counted:
            words = f"{twice} events counted twice, {counted} lines count of {oracle.counted}"
            self._report.differences.append(words)

    def _different(self, oracle: Oracle, found: dict[str, Suppression]) -> Iterable[str]:
        for address in self._history.people:
            row, wanted = found.get(address), oracle.suppressed(address, self._clock.now)
            got = row and Expected(row.reason, row.created_at, row.expires_at)
            is_temporary = bool(wanted and wanted.until)
            if got != wanted or (row and (row.actor == ACTOR) is not is_temporary):
                yield f"{address} at {self._clock.now}: {got}, not {wanted}"

    def _equal(
        self, what: str, found: Counter[tuple[str, str]] | Counter[str], wanted: Counter[tuple[str, str]] | Counter[str]
    ) -> None:
        if found != wanted:
            self._report.differences.append(f"{what}: {dict(found)}, not {dict(wanted)}")
