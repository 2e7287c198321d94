"""SES's sending rate as an oracle, and workers that send against it in simulated time."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mailer.sending.account import Account
from mailer.sending.limiter import Limiter
from mailer.stores.rate import Standing

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def standing(rate: float = 14.0, day: float = 50_000.0, sent: float = 0.0, at: datetime = NOW) -> Standing:
    return Standing.of(rate, day, sent, at)


@dataclass
class Oracle:
    """SES's own bucket: it holds what the rate gives in a burst's time, and goes into debt."""

    rate: float
    burst: float = 0.25
    tokens: float = field(init=False)
    at: float = 0.0
    accepted: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self.tokens = self.rate * self.burst

    def send(self, count: int, now: float) -> None:
        self.tokens = min(self.rate * self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens <= 0:
            self.refused += 1
            return
        self.tokens -= count
        self.accepted += count


def simulate(
    limiters: list[Callable[[Callable[[], float]], Limiter]], oracle: Oracle, seconds: float, count: int = 1
) -> None:
    """Each worker sends as fast as its limiter lets it; a heap of moments takes the place of threads."""
    now, moments = [0.0], list[tuple[float, int]]()
    delays = dict[int, float]()
    workers = [make(lambda: now[0]) for make in limiters]

    for number, worker in enumerate(workers):
        worker._wait = lambda _, delay, number=number: delays.__setitem__(number, delay)
        heapq.heappush(moments, (number * 1e-6, number))
    waiting = set[int]()
    while moments:
        now[0], number = heapq.heappop(moments)
        if now[0] >= seconds:
            continue
        if number in waiting:
            waiting.discard(number)
            oracle.send(count, now[0])
            heapq.heappush(moments, (now[0] + 0.001, number))  # what a call to SES takes at least
            continue
        delays[number] = 0.0
        workers[number].acquire(count)
        waiting.add(number)
        heapq.heappush(moments, (now[0] + delays[number], number))


def known(found: Standing) -> Account:
    account = Account(None, lambda: found, clock=lambda: NOW, start=lambda run: run())
    account._known = account._looked_at = None
    return account
