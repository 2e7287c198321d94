"""Soft bounces: a table of histories, and a property: order, repetition and crashes change nothing."""

import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.errors import StoreError
from mailer.feedback.events import Event, parse
from mailer.feedback.policy import decide
from mailer.feedback.processor import Processor
from mailer.feedback.soft_bounces import ACTOR, LENGTHS, SoftBounces, episode_of
from mailer.stores.base import Suppression
from mailer.stores.memory import MemoryEvents, MemorySoftBounces, MemorySuppressions
from mailer.stores.soft_bounces import Mailbox, SoftBounce
from tests.contract.suppression_store import Clock

from .payloads import bounce, bounced, changed, mail_to

ADA = "ada@example.org"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def at(day: float) -> datetime:
    return START + timedelta(days=day)


def mailbox(days: Sequence[float], delivered: float | None = None) -> Mailbox:
    found = Mailbox(None if delivered is None else at(delivered))
    for day in days:
        found = found.merged(Mailbox(bounces=(SoftBounce(at(day), "Transient MailboxFull", "4.2.2"),)))
    return found


def ends_after(days: Sequence[float], now: float, delivered: float | None = None) -> tuple[float, int] | None:
    """The end in days and the number of the episode."""
    episode = episode_of(mailbox(days, delivered), at(now))
    return episode and ((episode.end - START) / timedelta(days=1), episode.number)


@pytest.mark.parametrize(
    ("days", "now", "expected"),
    [
        ([], 0, None),
        ([0, 1, 2], 2, None),
        ([0, 1, 2, 3], 3, (6, 1)),
        # Once a day, whatever is repeated.
        ([0, 0.1, 0.2, 0.3, 0.4], 1, None),
        ([0, 0.1, 1, 1.1, 2, 2.1], 3, None),
        # It ends by itself.
        ([0, 1, 2, 3], 5.99, (6, 1)),
        ([0, 1, 2, 3], 6, None),
        # What was sent before it began, or by another way, does not prolong it.
        ([0, 1, 2, 3, 4, 5], 5, (6, 1)),
        # The next bounce suppresses at once, for longer, and longer.
        ([0, 1, 2, 3, 7], 7, (14, 2)),
        ([0, 1, 2, 3, 7, 15], 15, (29, 3)),
        ([0, 1, 2, 3, 7, 15, 30], 30, (60, 4)),
        ([0, 1, 2, 3, 7, 15, 30, 61], 61, (91, 5)),
        # A mailbox that was silent for two months begins anew.
        ([0, 1, 2, 3, 67], 67, None),
        # Weekly mail: the seventh time. Monthly mail: never.
        ([7 * week for week in range(6)], 35, None),
        ([7 * week for week in range(7)], 42, (45, 1)),
        ([30 * month for month in range(6)], 150, None),
    ],
)
def test_history_leads_to_its_suppression(days: list[float], now: float, expected: "tuple[float, int] | None"):
    assert ends_after(days, now) == expected


def test_delivery_resets():
    days = [0, 1, 2, 3]
    assert ends_after(days, 4, delivered=3.5) is None
    assert ends_after(days, 4, delivered=2.5) is None
    assert ends_after([*days, 7], 7, delivered=6.5) is None
    assert ends_after([*days, 7, 8, 9, 10], 10, delivered=6.5) == (13, 1)


def test_removal_by_a_person_resets():
    full = mailbox([0, 1, 2, 3, 4])
    assert episode_of(full, at(4), removed_at=at(3.5)) is None
    assert episode_of(full, at(4)) is not None


def test_reason_can_be_read_out():
    first, second = (episode_of(mailbox(days), at(days[-1])) for days in ([0, 1, 2, 3], [0, 1, 2, 3, 7]))
    assert first
    assert second
    assert first.words == "no mail for 3 days: it bounced on 4 days, the last time because the mailbox is full"
    assert second.words.startswith("no mail for 7 days for the 2nd time in a row: it bounced on 5 days")


@pytest.mark.parametrize(
    ("bounce_type", "sub_type", "status", "diagnostic", "soft"),
    [
        ("Transient", "MailboxFull", "5.2.2", "", True),
        ("Transient", "MailboxFull", "", "", True),
        ("Transient", "General", "4.4.1", "", True),
        ("Transient", "General", "5.2.2", "", True),
        ("Permanent", "General", "5.2.2", "", True),
        ("Transient", "General", "5.2.1", "", True),
        ("Transient", "General", "", "smtp; 250 out of office", False),
        ("Transient", "MessageTooLarge", "5.3.4", "", False),
        ("Transient", "ContentRejected", "5.6.0", "", False),
        ("Transient", "General", "5.6.1", "", False),
        ("Transient", "General", "5.7.1", "", False),
        ("Permanent", "General", "5.1.1", "", False),
        ("Undetermined", "Undetermined", "4.4.1", "", False),
        ("Permanent", "OnAccountSuppressionList", "5.2.2", "", False),
    ],
)
def test_only_mailboxes_that_bounce_for_now_count(
    bounce_type: str, sub_type: str, status: str, diagnostic: str, soft: bool
):
    event = bounce(
        bounceType=bounce_type, bounceSubType=sub_type, bouncedRecipients=bounced(status=status, diagnostic=diagnostic)
    )
    assert decide(event, event.recipients[0]).soft is soft


def test_each_decision_has_words():
    events = [bounce(bounceType="Transient", bounceSubType=kind) for kind in ("MailboxFull", "General")]
    assert all(decide(event, event.recipients[0]).words.endswith(".") for event in events)


class World:
    """Stores in memory at one time, and the rule over them."""

    def __init__(self, now: float) -> None:
        clock = Clock()
        clock.now = at(now)
        self.clock, self.suppressions = clock, MemorySuppressions(clock)
        self.facts, self.events = MemorySoftBounces(clock), MemoryEvents(clock)
        self.rule = SoftBounces(self.facts, self.suppressions, clock=clock)
        self.processor = Processor(self.suppressions, self.events, clock=clock, soft_bounces=self.rule)

    def standing(self) -> dict[str, Suppression]:
        return self.suppressions.get_many([ADA])


def soft(day: float, number: int = 0) -> Event:
    listed = bounced(ADA, status="4.2.2")
    return _event("bounce", day, number, bounceType="Transient", bounceSubType="MailboxFull", bouncedRecipients=listed)


def hard(day: float, number: int = 0) -> Event:
    return _event("bounce", day, number, bouncedRecipients=bounced(ADA, status="5.1.1"))


def delivered(day: float, number: int = 0) -> Event:
    return _event("delivery", day, number, recipients=[ADA])


def complained(day: float, number: int = 0) -> Event:
    return _event("complaint", day, number, complainedRecipients=[{"emailAddress": ADA}])


def sender(day: float, number: int = 0) -> Event:
    return _event("bounce", day, number, bounceType="Transient", bouncedRecipients=bounced(ADA, status="5.7.1"))


def _event(name: str, day: float, number: int, **fields: Any) -> Event:
    payload = changed(name, name, timestamp=at(day).isoformat(), feedbackId=f"f{number}-{day}", **fields)
    mail = {**mail_to(ADA), "messageId": f"m{number}-{day}", "timestamp": at(-1).isoformat()}
    return parse(json.loads(json.dumps({**payload, "mail": mail})), at(day) + timedelta(minutes=1))


MAKERS = (soft, soft, soft, soft, soft, delivered, hard, complained, sender)


def test_fourth_day_suppresses_for_three_days():
    world = World(3)
    for day in range(4):
        (outcome,) = world.processor.process(soft(day))
        assert (outcome.status, outcome.reason) == (("suppressed", "bounce") if day == 3 else ("recorded", ""))
    (row,) = world.standing().values()
    assert (row.reason, row.actor, row.expires_at, row.created_at) == ("bounce", ACTOR, at(6), at(3))
    assert row.detail.startswith("soft bounces: no mail for 3 days")
    world.clock.now = at(6)
    assert world.standing() == {}


def test_problems_of_the_sender_never_suppress():
    world = World(20)
    for day in range(20):
        (outcome,) = world.processor.process(sender(day))
        assert (outcome.status, outcome.counts_as) == ("recorded", "sender")
    assert world.standing() == {}


def test_late_delivery_ends_the_suppression():
    world = World(4)
    for day in range(4):
        world.processor.process(soft(day))
    assert world.standing()
    world.processor.process(delivered(2.5))
    assert world.standing() == {}


def test_late_bounce_shortens_or_moves_nothing_wrongly():
    world = World(8)
    for day in (0, 1, 2, 3, 7):
        world.processor.process(soft(day))
    assert next(iter(world.standing().values())).expires_at == at(14)
    world.processor.process(delivered(6.5))
    assert world.standing() == {}
    for day in (7.6, 8, 6.6):
        world.processor.process(soft(day))
    assert world.standing() == {}


def test_person_s_suppression_outlives_the_rule():
    world = World(3)
    by_hand = Suppression(ADA, "manual", created_at=at(2), expires_at=at(4))
    world.suppressions.put(by_hand)
    for day in range(4):
        world.processor.process(soft(day))
    world.processor.process(delivered(3.5))
    assert world.standing() == {ADA: by_hand}


def test_person_s_removal_is_not_undone():
    world = World(3)
    for day in range(4):
        world.processor.process(soft(day))
    world.clock.now = at(3.5)
    assert world.suppressions.remove(ADA)
    world.processor.process(soft(2, number=1))
    world.clock.now = at(4)
    world.processor.process(soft(4))
    assert world.standing() == {}


HISTORIES = st.lists(
    st.tuples(st.integers(0, len(MAKERS) - 1), st.integers(0, 120).map(lambda quarter: quarter / 4)), max_size=25
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(HISTORIES, st.integers(0, 2**32))
def test_order_and_repetition_leave_the_same(history: list[tuple[int, float]], seed: int):
    events = [MAKERS[kind](day, number) for number, (kind, day) in enumerate(history)]
    now = max((day for _, day in history), default=0) + 0.5
    chance, left = random.Random(seed), []
    ordered = sorted(events, key=lambda event: event.occurred_at)
    for order in (ordered, chance.sample(events, len(events)), chance.choices(events, k=len(events)) + ordered[::-1]):
        world = World(now)
        for event in order:
            world.processor.process(event)
        left.append((world.standing(), world.facts.get(ADA)))
    assert left == left[:1] * 3


@settings(max_examples=100, deadline=None, derandomize=True)
@given(HISTORIES, st.integers(0, 2**32))
def test_crashes_leave_the_same(history: list[tuple[int, float]], seed: int):
    class Crash(BaseException):
        pass

    class Unsteady:
        """Fails before or after some calls."""

        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            def call(*arguments: Any) -> Any:
                if chance.random() < 0.1:
                    raise Crash
                answer = getattr(self._inner, name)(*arguments)
                if chance.random() < 0.1:
                    raise Crash
                return answer

            return call

    events = [MAKERS[kind](day, number) for number, (kind, day) in enumerate(history)]
    now, chance = max((day for _, day in history), default=0) + 0.5, random.Random(seed)
    calm, rough = World(now), World(now)
    stores: Any = [Unsteady(one) for one in (rough.facts, rough.suppressions, rough.events)]
    rule = SoftBounces(stores[0], stores[1], clock=rough.clock)
    processor = Processor(stores[1], stores[2], clock=rough.clock, soft_bounces=rule)
    for event in events:
        calm.processor.process(event)
    queue = chance.sample(events, len(events))
    while queue:
        event = queue.pop()
        try:
            processor.process(event)
        except Crash:
            queue.insert(0, event)
    assert (rough.standing(), rough.facts.get(ADA)) == (calm.standing(), calm.facts.get(ADA))


@pytest.mark.parametrize("seed", range(10))
def test_workers_at_once_leave_the_same(seed: int):
    chance = random.Random(seed)
    kinds = [chance.choice((soft, soft, soft, delivered)) for _ in range(30)]
    events = [kind(chance.randint(0, 40) / 2, number) for number, kind in enumerate(kinds)]
    calm, busy = World(21), World(21)
    for event in events:
        calm.processor.process(event)

    def work(event: Event) -> None:
        while True:
            try:
                busy.processor.process(event)
            except StoreError:  # too busy: the queue delivers it again
                continue
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, events))
    assert busy.standing() == calm.standing()


def test_lengths_grow():
    assert list(LENGTHS) == sorted(set(LENGTHS))
