"""What a store of the shared rate keeps and promises: the account's standing and its time line. No dependencies."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

# How long what is known of the account is used. SES allows one GetAccount a second; the numbers change slowly.
FRESH = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Standing:
    """What SES says of the account's sending, at some time.

    Attributes:
        max_rate: Recipients a second; infinite without a limit.
        max_day: Recipients in 24 hours; infinite without a limit.
        sent_day: Recipients in the last 24 hours.
        at: When SES said so, with a time zone.
    """

    max_rate: float
    max_day: float
    sent_day: float
    at: datetime

    @classmethod
    def of(cls, max_rate: float, max_day: float, sent_day: float, at: datetime) -> "Standing":
        """From the numbers of GetAccount, where -1 means that there is no limit.

        https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendQuota.html
        """
        return cls(_limit(max_rate), _limit(max_day), max(0.0, sent_day), at)

    def is_fresh(self, now: datetime) -> bool:
        """Whether it need not be read again."""
        return now - self.at < FRESH

    def has_room(self, count: int, sent_since: int) -> bool:
        """Whether the quota has room for so many recipients, after those that were sent to since then."""
        return self.sent_day + sent_since + count <= self.max_day


def _limit(number: float) -> float:
    return number if number > 0 and math.isfinite(number) else math.inf


class RateStore(Protocol):
    """What the workers of a stack share. Every method raises `StoreError`."""

    def standing(self) -> Standing | None:
        """What was last known of the account; None if nothing was."""
        ...

    def claim_refresh(self, now: datetime) -> bool:
        """Whether the caller is the one who asks SES now. Of all workers one is, once a minute."""
        ...

    def write_standing(self, standing: Standing) -> None:
        """Write what SES said."""
        ...

    def lease(self, seconds: float, now: float) -> float:
        """Lease the next so many seconds of the account's time line, and return when they begin.

        Leases never overlap, whatever the clocks of the workers say. They begin at `now` or later.
        """
        ...
