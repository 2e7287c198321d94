"""The warm-up of a new domain: how many recipients each day allows. Pure; `mailer.sending.limiter` keeps it.

Mailbox providers trust a domain by what they have seen of it, and ask for a volume that rises slowly:
https://support.google.com/a/answer/81126 ("Increase sending volume slowly"),
https://senders.yahooinc.com/best-practices/.
"""

import math
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.stack import WarmUp


def ceiling(plan: "WarmUp", day: date) -> int | None:
    """Recipients in 24 hours that a day allows; None after the end of the plan. Before its start it is the first day's.

    Example:
        >>> from mailer.stack import WarmUp
        >>> plan = WarmUp(starts=date(2026, 12, 1), first=200, growth=1.5, target=500)
        >>> [ceiling(plan, date(2026, 12, day)) for day in range(1, 5)]
        [200, 300, 450, None]
    """
    number = max(0, (day - plan.starts).days)
    if number >= length(plan):
        return None
    return int(plan.first * plan.growth**number)


def length(plan: "WarmUp") -> int:
    """How many days the plan has.

    Example:
        >>> from mailer.stack import WarmUp
        >>> length(WarmUp(starts=date(2026, 12, 1), first=200, growth=1.5, target=50_000))
        14
    """
    # A target that is a power of the growth is reached on its day, whatever the logarithms round to.
    return max(0, math.ceil(math.log(plan.target / plan.first, plan.growth) - 1e-9))


def ends(plan: "WarmUp") -> date:
    """The first day without a ceiling."""
    return plan.starts + timedelta(days=length(plan))


def ceiling_at(plan: "WarmUp | None", seconds: float) -> int | None:
    """The ceiling at a time, in seconds since 1970; None without a plan or after its end."""
    return ceiling(plan, datetime.fromtimestamp(seconds, UTC).date()) if plan else None
