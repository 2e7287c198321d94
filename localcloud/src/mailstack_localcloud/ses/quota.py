"""Sending limits: the rate in recipients a second and the quota in recipients a day."""

import time
from collections import deque

from mailstack_localcloud.ses.state import Account

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
SANDBOX_A_DAY, SANDBOX_A_SECOND = 200.0, 1.0
UNLIMITED = -1
TOO_FAST = "Maximum sending rate exceeded."
TOO_MANY = "Daily message quota exceeded."
RATE_EXCEEDED = "Rate exceeded"
# How often a second an action other than these may be asked for; https://docs.aws.amazon.com/ses/latest/dg/quotas.html
# counts SendBulkEmail among the others.
_SENDS = frozenset({"SendEmail", "SendRawEmail", "SendTemplatedEmail"})
_ACTIONS_A_SECOND = {"BatchGetMetricData": 16.0}
_OTHERS_A_SECOND = 1.0
_MINUTES_A_DAY = 24 * 60


def limits(account: Account) -> tuple[float, float]:
    """(recipients in 24 hours, recipients a second) in force."""
    if account.production_access:
        return account.max_24_hour_send, account.max_send_rate
    return SANDBOX_A_DAY, SANDBOX_A_SECOND


class Meter:
    """Counts what was sent.

    The rate is a token bucket of one second that may go into debt: a mail to 50 is let through at a rate of 14, as SES
    lets short bursts through, and those after it wait. Mail to the simulator counts for the rate, not for the quota.
    """

    def __init__(self) -> None:
        self._tokens = 0.0
        self._refilled_at = float("-inf")
        self._minutes: deque[tuple[int, int]] = deque(maxlen=_MINUTES_A_DAY + 1)
        self._day = 0
        self._asked: dict[str, float] = {}

    def ask(self, account: Account, action: str) -> str:
        """Count a request for an action; why SES would not carry it out now, empty if it would."""
        if not account.limit_other_actions or action in _SENDS:
            return ""
        now, seconds = time.monotonic(), 1 / _ACTIONS_A_SECOND.get(action, _OTHERS_A_SECOND)
        if now - self._asked.get(action, float("-inf")) < seconds:
            return RATE_EXCEEDED
        self._asked[action] = now
        return ""

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

    def take(self, account: Account, recipients: int, counted: int) -> str:
        """Count a mail; why SES would not take it now, empty if it was counted.

        Args:
            account: Whose limits hold.
            recipients: To how many it goes.
            counted: How many of them are not the simulator's.
        """
        a_day, a_second = limits(account)
        if a_second != UNLIMITED and self._refilled(a_second) < min(1.0, a_second):
            return TOO_FAST
        if a_day != UNLIMITED and self.sent_last_24_hours() + counted > a_day:
            return TOO_MANY
        if a_second != UNLIMITED:
            self._tokens -= recipients
        self._add(counted)
        return ""

    def _refilled(self, a_second: float) -> float:
        now = time.monotonic()
        self._tokens = min(a_second, self._tokens + min(now - self._refilled_at, 1.0) * a_second)
        self._refilled_at = now
        return self._tokens

    def _add(self, counted: int) -> None:
        minute = int(time.time() // 60)
        self._day += counted
        if self._minutes and self._minutes[-1][0] == minute:
            counted += self._minutes.pop()[1]
        else:
            self._forget()
        self._minutes.append((minute, counted))

    def _forget(self) -> None:
        oldest = int(time.time() // 60) - _MINUTES_A_DAY
        while self._minutes and self._minutes[0][0] <= oldest:
            self._day -= self._minutes.popleft()[1]
