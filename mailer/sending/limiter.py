"""Keeps the account's sending rate and daily quota: waits, or says that a message must wait. Not for the arithmetic."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock
from typing import TYPE_CHECKING, Literal

from mailer.errors import ConfigurationError, QuotaExceeded, RateExceeded, StoreError
from mailer.sending.cancellation import CANCELLED
from mailer.sending.rate import Lease, Pace, next_length
from mailer.sending.warm_up import ceiling_at
from mailer.stores.rate import Standing
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from mailer.results import SendResult
    from mailer.sending.account import Account
    from mailer.stack import WarmUp
    from mailer.stores.rate import RateStore

log = logging.getLogger("mailer")
# Seconds without sending after SES said that the rate was exceeded.
PENALTY = 1.0
# Seconds until the store is asked for a lease again that could give none.
_ALONE = 15.0
# Seconds that messages wait at most for the first answer, which takes a tenth of a second where no machine is busy; and
# to the first look whether it is there, and between the last ones, each twice as long as the one before.
FIRST_ANSWER, _SOON, _LATER = 10.0, 0.02, 1.0
OnThrottle = Literal["wait", "raise", "result"]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How a mailer keeps the account's sending rate.

    Attributes:
        shared: Whether all workers of the stack share the rate by leases in the stack's table. Default: each process
            keeps it by itself, which is enough for one process.
        on_throttle: What happens to a message that must wait: `wait`; `result`: it has the status `throttled` at once;
            `raise`: `send` raises `RateExceeded` or `QuotaExceeded`.
        max_wait: Seconds that a message waits at most. If it would take longer, it is throttled at once.
        share: The part of the account's rate and quota that this stack may use, above 0 and up to 1.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    shared: bool = False
    on_throttle: OnThrottle = "wait"
    max_wait: float = 60.0
    share: float = 1.0

    def __post_init__(self) -> None:
        checks = (
            (self.on_throttle not in {"wait", "raise", "result"}, f"on_throttle is {self.on_throttle!r}"),
            (not 0 <= self.max_wait <= 3600, f"max_wait is {self.max_wait}"),  # noqa: PLR2004 - an hour
            (not 0 < self.share <= 1, f"share is {self.share}"),
        )
        for wrong, problem in checks:
            if wrong:
                hint = 'on_throttle is "wait", "raise" or "result"; max_wait 0 to 3600 s; share above 0 and up to 1.'
                raise ConfigurationError(f"RateLimit: {problem}.", hint=hint)


class Limiter:
    """Makes senders wait for their turn. Threads share it; each process has its own.

    Args:
        limit: How.
        account: What is known of the account.
        leases: What workers share; None for the rate of a process by itself.
        warm_up: The plan of a new domain; None without.
        clock: Seconds since 1970.
        wait: Waits for so many seconds, or until the event is set.
    """

    def __init__(
        self,
        limit: RateLimit,
        account: "Account",
        leases: "RateStore | None" = None,
        *,
        warm_up: "WarmUp | None" = None,
        clock: Callable[[], float] = time.time,
        wait: Callable[[Event, float], object] = Event.wait,
    ) -> None:
        self._limit, self._account, self._leases = limit, account, leases
        self._clock, self._wait, self._warm_up = clock, wait, warm_up
        self._lease: Lease | None = None
        self._pace = Pace(rate=float("inf"))
        self._sent, self._sent_from = 0, datetime.fromtimestamp(0, UTC)
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """Leave the parent's lock and lease to the parent."""
        self._lock, self._waiting, self._lease = Lock(), set[Event](), None
        # The message that did not wait for the rate to be known: when it went, and to how many recipients.
        self._first_at, self._first_count = 0.0, 0
        # Until when messages wait for the first answer.
        self._patient_until: float | None = None
        self._alone_until = 0.0

    @property
    def max_wait(self) -> float:
        """Seconds that a message waits at most."""
        return self._limit.max_wait

    def at_once(self, most: int) -> int:
        """To how many recipients one request may go, so that SES's bucket, a second of the rate, has room for it.

        "The number of destinations you can contact in a single call can be limited by your account's maximum sending
        rate": https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html
        """
        standing = self._account.standing() or self._first_answer()
        rate = standing.max_rate * self._limit.share if standing else math.inf
        return most if rate >= 2 * most else max(1, int(rate / 2))

    def checked(self, result: "SendResult") -> "SendResult":
        """The result; with `on_throttle="raise"`, the error of a recipient whose message must wait is raised."""
        if self._limit.on_throttle == "raise":
            for one in result:
                if isinstance(one.error, RateExceeded | QuotaExceeded):
                    raise one.error
        return result

    def acquire(self, count: int) -> None:
        """Wait until a message to so many recipients may be handed over.

        While the account's rate is not known yet, messages wait for SES's answer, for ten seconds at most; the first
        one of a process that keeps the rate by itself does not, as SES's bucket has room for it.

        Raises:
            RateExceeded: It would wait for longer than `max_wait`, or must not wait; or the mailer was closed, or the
                coroutine that waits for the send was cancelled.
            QuotaExceeded: The account's daily quota, or the warm-up plan, has no room for it.
        """
        standing = self._account.standing()
        if standing is None and not self._is_first(count):
            standing = self._first_answer()
        with self._lock:
            delay = self._delay(standing, count)
        if delay > 0:
            self._wait_for(delay)

    def _delay(self, standing: Standing | None, count: int) -> float:
        held_back = self._pace.free_at - self._clock()
        if standing is None:
            self._check_delay(held_back)
            return held_back
        self._check_quota(standing, count)
        rate = standing.max_rate * self._limit.share
        delay = max(self._turn(count, rate), held_back)
        self._sent += count
        return delay

    def _turn(self, count: int, rate: float) -> float:
        """Seconds until the message's turn, by a lease. A process that can have none keeps the rate by itself."""
        now = self._clock()
        if self._leases and rate < math.inf and now >= self._alone_until:
            try:
                return self._leased(count / rate, self._leases)
            except StoreError as error:
                self._alone_until = now + _ALONE
                log.warning("The sending rate is not shared with other processes for %.0f s: %s", _ALONE, error)
        return self._paced(count, rate)

    def _is_first(self, count: int) -> bool:
        """Whether the message goes before the rate is known. The next one pays for it."""
        with self._lock:
            is_first = self._leases is None and not self._first_count and self._patient_until is None
            if is_first:
                self._first_at, self._first_count = self._clock(), count
        return is_first

    def _first_answer(self) -> Standing | None:
        """Wait until SES has said what the rate is; None if it does not say so in time."""
        if self._patient_until is None:
            self._patient_until = self._clock() + FIRST_ANSWER
        standing, pause = self._account.standing(), _SOON
        while standing is None and self._account.is_expected and self._clock() < self._patient_until:
            self._wait_for(pause)
            standing, pause = self._account.standing(), min(2 * pause, _LATER)
        return standing

    def _wait_for(self, seconds: float) -> None:
        ended = CANCELLED.get() or Event()
        self._waiting.add(ended)
        try:
            if self._wait(ended, seconds):
                words = "The mailer was closed, or the send cancelled, while the message waited for the sending rate."
                raise RateExceeded(words, hint="Send it again.")
        finally:
            self._waiting.discard(ended)

    def throttled(self) -> None:
        """SES said that the rate was exceeded: send nothing for a second. Another program may use the account."""
        with self._lock:
            self._pace = self._pace.held_back(self._clock(), PENALTY)
            self._lease = None

    def close(self) -> None:
        """End every wait. A later `acquire` waits again."""
        for ended in tuple(self._waiting):
            ended.set()

    def _check_quota(self, standing: Standing, count: int) -> None:
        if standing.at > self._sent_from:
            self._sent, self._sent_from = 0, standing.at
        allowed = Standing(standing.max_rate, standing.max_day * self._limit.share, standing.sent_day, standing.at)
        if not allowed.has_room(count, self._sent):
            raise QuotaExceeded(
                f"The daily quota of {allowed.max_day:,.0f} recipients is used up.",
                hint="It frees as the mail of the last 24 hours grows older. `aws sesv2 get-account` shows the quota; "
                "ask AWS for a higher one.",
            )
        self._check_warm_up(standing, count)

    def _check_warm_up(self, standing: Standing, count: int) -> None:
        """The plan counts as the quota does: all recipients of the account in the last 24 hours."""
        most = ceiling_at(self._warm_up, self._clock())
        if most is None:
            return
        if not Standing(standing.max_rate, most, standing.sent_day, standing.at).has_room(count, self._sent):
            raise QuotaExceeded(
                f"The warm-up plan allows {most:,} recipients in 24 hours today, and they are used up.",
                hint="Send the rest tomorrow, when the plan allows more. `mailer status` shows the plan; "
                "mailstack:warmUp changes it.",
            )

    def _paced(self, count: int, rate: float) -> float:
        pace = Pace(rate, max(self._pace.free_at, self._first_at + self._first_count / rate))
        after, delay = pace.reserve(count, self._clock())
        self._check_delay(delay)
        self._pace = after
        return delay

    def _leased(self, seconds: float, leases: "RateStore") -> float:
        now = self._clock()
        place = self._lease.take(seconds, now) if self._lease else None
        if place is None:
            length = next_length(self._lease, seconds, now)
            start = leases.lease(length, now)
            self._lease = Lease(start, start + length)
            place = self._lease.take(seconds, now)
            assert place  # noqa: S101 - the lease has this length at least
        lease, delay = place
        self._check_delay(delay)
        self._lease = lease
        return delay

    def _check_delay(self, delay: float) -> None:
        longest = self._limit.max_wait if self._limit.on_throttle == "wait" else 0.0
        if delay > longest:
            raise RateExceeded(
                f"The sending rate is used up: the message would wait for {delay:.1f} s.",
                hint="Send it later or more slowly. RateLimit(max_wait=...) sets how long a message waits.",
            )
