"""The sending rate and the daily quota of an account, as arithmetic. Values in, values out; not for waiting.

SES counts recipients, not messages, and its own bucket goes into debt: at one recipient a second a message to five is
accepted, and then nothing for five seconds. https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas.html
"""

import math
from dataclasses import dataclass, replace

# How far senders may run ahead of the rate, in seconds of it: a short pause of a worker is made up for. SES allows
# short bursts and does not say how long ones.
BURST = 0.1
# A lease of the shared rate is at most so long, in seconds of it: workers take turns, and none waits long for its turn.
LONGEST_LEASE = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The time line of a rate: when the next recipient may be handed over.

    Attributes:
        rate: Recipients a second.
        free_at: When what was reserved is over, in seconds.
    """

    rate: float
    free_at: float = 0.0

    def reserve(self, count: int, now: float) -> "tuple[Pace, float]":
        """Reserve the next place for a message to so many recipients: the pace after it, and the seconds to wait.

        The wait does not depend on the number of recipients, as SES's bucket goes into debt: a message to more
        recipients than the rate is never held back for ever, and the next one pays for it.

        Example:
            >>> pace, wait = Pace(rate=2).reserve(10, now=100.0)
            >>> wait, pace.reserve(1, now=100.0)[1]
            (0.0, 4.9)
        """
        if math.isinf(self.rate):
            return self, 0.0
        start = max(self.free_at, now - BURST)
        return replace(self, free_at=start + count / self.rate), max(0.0, round(start - now, 9))

    def held_back(self, now: float, seconds: float) -> "Pace":
        """The pace after SES said that it was exceeded: nothing more for so many seconds."""
        return replace(self, free_at=max(self.free_at, now + seconds))


@dataclass(frozen=True, slots=True)
class Lease:
    """A part of the account's time line that one worker has for itself.

    Attributes:
        start: When it begins, in seconds since 1970.
        end: When it ends.
        used: Seconds of it that are taken.
    """

    start: float
    end: float
    used: float = 0.0

    def take(self, seconds: float, now: float) -> "tuple[Lease, float] | None":
        """Take so many seconds: the lease after it, and the seconds to wait; None if it has no place left."""
        place = max(self.start + self.used, now - BURST)
        if place + seconds > self.end + 1e-9:
            return None
        return replace(self, used=place + seconds - self.start), max(0.0, round(place - now, 9))


def next_length(last: Lease | None, asked: float, now: float) -> float:
    """How many seconds of the rate to lease: twice the last lease while the demand goes on, else what is asked for.

    One write for each lease, not for each message: a busy worker leases up to a second at once, and one that sends now
    and then wastes nothing of what others could use.

    Example:
        >>> next_length(None, 0.1, now=0.0), next_length(Lease(0.0, 0.4, used=0.4), 0.1, now=0.5)
        (0.1, 0.8)
    """
    goes_on = last is not None and last.used >= (last.end - last.start) / 2 and now <= last.end + LONGEST_LEASE
    doubled = 2 * (last.end - last.start) if last is not None and goes_on else 0.0
    return max(asked, min(doubled, LONGEST_LEASE))
