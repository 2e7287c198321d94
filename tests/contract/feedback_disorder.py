"""What feedback leaves behind in any store, however it gets there: two workers, duplicates, reorderings, crashes.

A store's test file inherits it and gives the `make` fixture. A seed decides everything that happens, so a failing one
fails again.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from mailer.errors import MailerError
from mailer.feedback.events import Event, event_key, parse
from mailer.feedback.policy import decide
from mailer.feedback.processor import Outcome, Processor
from mailer.stores.base import EventStore, Suppression, SuppressionStore
from tests.unit.mailer.feedback.payloads import bounced, changed, mail_to

from .suppression_store import NOW, Clock

PEOPLE = ("ada@example.org", "grace@example.org", "alan@example.org")
Stores = tuple[SuppressionStore, EventStore]


class Crash(BaseException):
    """A worker dies where it stands; nothing of its own catches this."""


class Actor(threading.Thread):
    """Runs one step at a time, when it is told to."""

    def __init__(self, work: Callable[["Actor"], None]) -> None:
        super().__init__(daemon=True)
        self._work, self._go, self._paused, self.done = work, threading.Semaphore(0), threading.Semaphore(0), False
        self.failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        self._go.acquire()
        try:
            self._work(self)
        except BaseException as error:  # noqa: BLE001 - raised in the test's own thread
            self.failure = error
        self.done = True
        self._paused.release()

    def pause(self) -> None:
        """Called by the actor: the end of a step."""
        self._paused.release()
        self._go.acquire()

    def step(self) -> None:
        self._go.release()
        self._paused.acquire()
        if self.failure:
            raise self.failure


class Unsteady:
    """A store whose calls are steps, and at which its worker may die, before the call or before its answer."""

    def __init__(self, store: object, actor: Actor, chance: random.Random, risks: tuple[float, float]) -> None:
        self._store, self._actor, self._chance, self._risks = store, actor, chance, risks

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            self._actor.pause()
            self.perhaps_die(self._risks[0])
            answer = getattr(self._store, name)(*arguments)
            self.perhaps_die(self._risks[1])
            return answer

        return call

    def perhaps_die(self, risk: float) -> None:
        if self._chance.random() < risk:
            raise Crash


class World:
    """A queue, two workers and a person."""

    def __init__(self, stores: Stores, clock: Clock, seed: int, risks: tuple[float, float]) -> None:
        self.chance, self.clock, self.risks = random.Random(seed), clock, risks
        self.suppressions, self.events = stores
        self.happened = list(self._happen())
        # SQS delivers at least once, and a copy may reach the other worker at the same time.
        self.queue = [event for event in self.happened for _ in range(self.chance.choice([1, 1, 2, 3]))]
        self.log = list[Outcome]()
        self.by_hand, self.removed = list[Suppression](), list[tuple[str, datetime]]()

    def run(self) -> None:
        actors = [Actor(self._work), Actor(self._work), Actor(self._person)]
        while running := [actor for actor in actors if not actor.done]:
            self.chance.choice(running).step()
            self.clock.now += timedelta(seconds=1)
        self.risks = (0, 0)
        last = Actor(self._work)  # what the two left in the queue when they died
        while not last.done:
            last.step()
            self.clock.now += timedelta(seconds=1)

    def _happen(self) -> Iterator[Event]:
        for number in range(12):
            at = NOW + timedelta(seconds=self.chance.randint(0, 40))
            kind, make = self.chance.choice(HAPPENINGS)
            payload: dict[str, Any] = make(self.chance) | {"mail": {**mail_to(*PEOPLE), "messageId": f"m{number}"}}
            payload[kind] |= {"timestamp": at.isoformat(), "feedbackId": self.chance.choice([f"f{number}", ""])}
            payload["mail"]["timestamp"] = (NOW - timedelta(days=1)).isoformat()
            yield parse(payload, at + timedelta(seconds=1))

    def _work(self, actor: Actor) -> None:
        suppressions, events = (
            Unsteady(store, actor, self.chance, self.risks) for store in (self.suppressions, self.events)
        )

        def log(outcome: Outcome) -> None:
            events.perhaps_die(self.risks[1])
            self.log.append(outcome)

        stores: Any = suppressions, events
        processor = Processor(*stores, clock=self.clock, report=log)
        while self.queue:
            actor.pause()
            arrived = [event for event in self.queue if event.occurred_at <= self.clock.now]
            if arrived:
                event = self.chance.choice(arrived)
                self.queue.remove(event)
                self._deliver(processor, event)

    def _deliver(self, processor: Processor, event: Event) -> None:
        try:
            with suppress(MailerError):  # it ends in the DLQ
                processor.process(event)
        except Crash:
            self.queue.append(event)

    def _person(self, actor: Actor) -> None:
        for _ in range(self.chance.randint(0, 5)):
            for _ in range(self.chance.randint(1, 15)):
                actor.pause()
            address, now = self.chance.choice(PEOPLE), self.clock.now
            if self.chance.random() < 0.6:
                self.suppressions.remove(address)
                self.removed.append((address, now))
            else:
                end = self.chance.choice([None, now + timedelta(seconds=20), now + timedelta(days=1)])
                row = Suppression(address, "manual", created_at=now, expires_at=end)
                self.suppressions.put(row)
                self.by_hand.append(row)

    def parts(self) -> Iterator[tuple[str, Suppression | None, str]]:
        """Each recipient's part of each event: its key, what it suppresses, and what it counts as."""
        for event in self.happened:
            for recipient in event.recipients:
                decision = decide(event, recipient)
                row = decision.reason and Suppression(
                    recipient.address,
                    decision.reason,
                    decision.detail,
                    event.occurred_at,
                    event.mail.message_id,
                    event.feedback_id,
                )
                yield event_key(event, recipient), row or None, decision.counts_as

    def standing(self) -> list[Suppression]:
        """All that was put and that nobody removed afterwards."""
        rows = [*self.by_hand, *(row for _, row, _ in self.parts() if row)]
        last = dict(self.removed)
        return [row for row in rows if row.address not in last or row.created_at > last[row.address]]


def _bounce(chance: random.Random, **fields: object) -> dict[str, Any]:
    listed = [
        one for address in chance.sample(PEOPLE, chance.randint(1, 2)) for one in bounced(address, status="5.1.1")
    ]
    return changed("bounce", "bounce", bouncedRecipients=listed, **fields)


HAPPENINGS: tuple[tuple[str, Callable[[random.Random], dict[str, Any]]], ...] = (
    ("bounce", _bounce),
    ("bounce", lambda chance: _bounce(chance, bounceType="Transient", bounceSubType="MailboxFull")),
    (
        "bounce",
        lambda chance: changed("bounce", "bounce", bouncedRecipients=bounced(chance.choice(PEOPLE), status="5.7.1")),
    ),
    ("bounce", lambda chance: changed("bounce", "bounce", bouncedRecipients=[{}, *bounced(chance.choice(PEOPLE)), {}])),
    (
        "complaint",
        lambda chance: changed(
            "complaint", "complaint", complainedRecipients=[{"emailAddress": chance.choice(PEOPLE)}]
        ),
    ),
)


@pytest.mark.contract
class FeedbackDisorder:
    seeds = range(40)

    @pytest.fixture
    def make(self) -> Callable[[Clock], Stores]:
        """Makes empty stores that tell the time by the clock."""
        raise NotImplementedError

    @pytest.fixture
    def worlds(self, make: Callable[[Clock], Stores]) -> Callable[[tuple[float, float]], Iterator[World]]:
        def run(risks: tuple[float, float]) -> Iterator[World]:
            for seed in self.seeds:
                clock = Clock()
                world = World(make(clock), clock, seed, risks)
                world.run()
                yield world

        return run

    @pytest.mark.parametrize("risks", [(0.0, 0.0), (0.2, 0.0), (0.15, 0.15)], ids=["calm", "before", "anywhere"])
    def test_final_state_does_not_depend_on_failures(
        self, worlds: Callable[[tuple[float, float]], Iterator[World]], risks: tuple[float, float]
    ):
        for seed, world in zip(self.seeds, worlds(risks), strict=True):
            kept = {key: world.events.get(key) for key, _, _ in world.parts()}
            assert {key: row and row.counts_as for key, row in kept.items()} == {
                key: counts_as for key, _, counts_as in world.parts()
            }, seed
            standing = world.standing()
            first = {row.address: row for row in sorted(standing, key=lambda row: row.rank)}
            for later in (timedelta(0), timedelta(seconds=25), timedelta(days=2)):
                world.clock.now += later
                found = world.suppressions.get_many(PEOPLE)
                assert set(found) == {row.address for row in standing if row.active(world.clock.now)}, seed
                assert found == {address: first[address] for address in found}, seed

    @pytest.mark.parametrize("risk", [0.0, 0.2])
    def test_each_event_counts_exactly_once(
        self, worlds: Callable[[tuple[float, float]], Iterator[World]], risk: float
    ):
        for seed, world in zip(self.seeds, worlds((risk, 0.0)), strict=True):
            counted = Counter(line.event_key for line in world.log if line.counts)
            assert counted == dict.fromkeys({key for key, _, counts_as in world.parts() if counts_as}, 1), seed

    def test_lost_answers_and_lines_never_count_twice(self, worlds: Callable[[tuple[float, float]], Iterator[World]]):
        for seed, world in zip(self.seeds, worlds((0.15, 0.15)), strict=True):
            countable = {key for key, _, counts_as in world.parts() if counts_as}
            assert max(Counter(line.event_key for line in world.log if line.counts).values(), default=1) == 1, seed
            # What docs/guides/feedback.md tells to count: each event once, by its key.
            assert {line.event_key for line in world.log if line.counts_as} == countable, seed
