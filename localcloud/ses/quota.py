"""How much may be sent: the rate in recipients a second and the quota in recipients a day."""

import time
from collections import deque

from localcloud.ses.rules import is_simulator
from localcloud.ses.state import Account

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
SANDBOX_A_DAY, SANDBOX_A_SECOND = 200.0, 1.0
UNLIMITED = -1
TOO_FAST = "Maximum sending rate exceeded."
TOO_MANY = "Daily message quota exceeded."
_MINUTES_A_DAY = 24 * 60


def limits(account: Account) -> tuple[float, float]:
    """(recipients in 24 hours, recipients a second) in force."""
    if account.production_access:
        return account.max_24_hour_send, account.max_send_rate
    return SANDBOX_A_DAY, SANDBOX_A_SECOND


class Meter:
    """What was sent, measured.

    The rate is a token bucket of one second that may go into debt: a mail to 50 is let through at a rate of 14, as SES
    lets short bursts through, and those after it wait. Mail to the simulator counts for the rate, not for the quota.
    """

    def __init__(self) -> None:
        self._tokens = 0.0
        self._refilled_at = float("-inf")
        self._minutes: deque[tuple[int, int]] = deque(maxlen=_MINUTES_A_DAY + 1)
        self._day = 0

    def sent_last_24_hours(self) -> int:
        """Recipients, without the simulator's."""
        self._forget()
        return self._day

    def minutes(self) -> list[tuple[int, int]]:
        """Recipients by minute (since the epoch) in the last 24 hours."""
        self._forget()
        return list(self._minutes)

    def restore(self, minutes: list[tuple[int, int]]) -> None:
        """Take over what another meter measured."""
        self._minutes.extend(minutes)
        self._day = sum(count for _, count in self._minutes)

    def refusal(self, account: Account, recipients: list[str]) -> str:
        """Why SES would not take a mail to these recipients now; empty if it would."""
        a_day, a_second = limits(account)
        now = time.monotonic()
        self._tokens = min(a_second, self._tokens + min(now - self._refilled_at, 1.0) * a_second)
        self._refilled_at = now
        if a_second != UNLIMITED and self._tokens < min(1.0, a_second):
            return TOO_FAST
        over = self.sent_last_24_hours() + _counted(recipients) > a_day
        return TOO_MANY if over and a_day != UNLIMITED else ""

    def add(self, recipients: list[str]) -> None:
        """Count an accepted mail."""
        self._tokens -= len(recipients)
        counted, minute = _counted(recipients), int(time.time() // 60)
        self._day += counted
        if self._minutes and self._minutes[-1][0] == minute:
            counted += self._minutes.pop()[1]
        self._minutes.append((minute, counted))

    def _forget(self) -> None:
        oldest = int(time.time() // 60) - _MINUTES_A_DAY
        while self._minutes and self._minutes[0][0] <= oldest:
            self._day -= self._minutes.popleft()[1]


def _counted(recipients: list[str]) -> int:
    return len([recipient for recipient in recipients if not is_simulator(recipient)])
