"""Retries with exponential backoff and full jitter: when the same message may be sent again.

Not for deciding what an error means; `TransportError.retryable` says so.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mailer.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff for messages that were not accepted.

    Attributes:
        attempts: Maximum number of attempts, including the first.
        first_delay: Maximum delay before the second attempt, in seconds. It doubles for each further attempt.
        max_delay: Maximum delay before any attempt, in seconds.
        budget: Seconds after the start of the first attempt, after which no attempt begins.
    """

    attempts: int = 4
    first_delay: float = 0.5
    max_delay: float = 8.0
    budget: float = 20.0


def next_delay(
    error: TransportError, policy: RetryPolicy, *, attempt: int, elapsed: float, jitter: float
) -> float | None:
    """Seconds to wait before the next attempt; None when there must not be one.

    Args:
        error: What the last attempt ended with.
        policy: How often and how long.
        attempt: The number of attempts made.
        elapsed: Seconds since the first began.
        jitter: 0 to 1: "full jitter", so that senders who were throttled together do not come back together.

    Example:
        >>> from mailer.errors import OutcomeUnknown, Throttled
        >>> next_delay(Throttled("too fast"), RetryPolicy(), attempt=2, elapsed=0.4, jitter=1.0)
        1.0
        >>> next_delay(OutcomeUnknown("no answer"), RetryPolicy(), attempt=1, elapsed=15.0, jitter=1.0) is None
        True
    """
    delay = jitter * min(policy.max_delay, policy.first_delay * 2 ** (attempt - 1))
    if not error.retryable or attempt >= policy.attempts or elapsed + delay > policy.budget:
        return None
    return delay


def retrying(
    attempt_once: "Callable[[], _Result]",
    policy: RetryPolicy,
    *,
    clock: "Callable[[], float]" = time.monotonic,
    sleep: "Callable[[float], None]" = time.sleep,
) -> _Result:
    """Attempt until it succeeds or must not be attempted again; then the last error is raised."""
    start, attempt = clock(), 0
    while True:  # ends: `next_delay` gives None after `policy.attempts`
        attempt += 1
        try:
            return attempt_once()
        except TransportError as error:
            from random import random  # loads hashlib and OpenSSL, which `from mailer import Mailer` need not

            jitter = random()  # noqa: S311 - spreads load, guards nothing
            delay = next_delay(error, policy, attempt=attempt, elapsed=clock() - start, jitter=jitter)
            if delay is None:
                raise
        sleep(delay)
