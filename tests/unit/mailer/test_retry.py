"""When a message is handed over again, and when it must not be."""

import pytest

from mailer.errors import OutcomeUnknown, QuotaExceeded, Refused, Throttled, TransportError, Unreachable
from mailer.sending.retry import RetryPolicy, next_delay, retrying

POLICY = RetryPolicy(attempts=4, first_delay=1.0, max_delay=3.0, budget=10.0)


@pytest.mark.parametrize(
    ("error", "attempt", "elapsed", "jitter", "delay"),
    [
        (Throttled("."), 1, 0.0, 1.0, 1.0),
        (Throttled("."), 2, 0.0, 1.0, 2.0),
        (Throttled("."), 3, 0.0, 1.0, 3.0),
        (Throttled("."), 3, 0.0, 0.5, 1.5),
        (Unreachable("."), 1, 0.0, 1.0, 1.0),
        (Throttled("."), 4, 0.0, 1.0, None),
        (Throttled("."), 1, 9.5, 1.0, None),
        (Throttled("."), 1, 9.5, 0.5, 0.5),
        (OutcomeUnknown("."), 1, 0.0, 1.0, None),
        (QuotaExceeded("."), 1, 0.0, 1.0, None),
        (Refused("."), 1, 0.0, 1.0, None),
    ],
)
def test_backoff_doubles_within_attempts_and_budget(
    error: TransportError, attempt: int, elapsed: float, jitter: float, delay: float | None
):
    assert next_delay(error, POLICY, attempt=attempt, elapsed=elapsed, jitter=jitter) == delay


class World:
    """A clock that only sleeping and attempts move."""

    def __init__(self, *outcomes: TransportError | str, takes: float = 0.0) -> None:
        self.outcomes, self.takes, self.now, self.attempts = list(outcomes), takes, 0.0, 0

    def attempt(self) -> str:
        self.attempts += 1
        self.now += self.takes
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, TransportError):
            raise outcome
        return outcome

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def run(self) -> str:
        return retrying(self.attempt, POLICY, clock=lambda: self.now, sleep=self.sleep)


def test_retry_ends_with_the_first_success():
    world = World(Throttled("."), Unreachable("."), "sent")
    assert world.run() == "sent"
    assert world.attempts == 3


def test_the_last_error_is_raised_when_the_attempts_are_used_up():
    world = World(*(Throttled(str(n)) for n in range(9)))
    with pytest.raises(Throttled, match="3"):
        world.run()
    assert world.attempts == POLICY.attempts
    assert world.now <= 6.0


def test_no_attempt_begins_after_the_budget():
    world = World(*(Unreachable(".") for _ in range(9)), takes=6.0)
    with pytest.raises(Unreachable):
        world.run()
    assert world.attempts == 2
