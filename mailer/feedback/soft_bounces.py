"""Soft bounces: when a mailbox that bounces for now gets no mail for a while. A pure function of facts, and its effect.

The function knows only what happened, not in which order events arrive, so late, repeated and reordered events lead to
the same suppression. Guide: docs/guides/feedback.md#soft-bounces.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from mailer.errors import StoreError
from mailer.feedback.wording import cause
from mailer.stores.base import Suppression, utcnow

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mailer.stores.base import RevisableSuppressions
    from mailer.stores.soft_bounces import Mailbox, SoftBounce, SoftBounceStore

# A mailbox counts once a day (https://gnu.org/software/mailman/mailman-admin/node25.html), and what it counted loses
# half of its weight in a fortnight. With these numbers the fourth day in a row reaches the threshold, and so does the
# seventh week in a row; a mailbox that bounces once a month never does.
THRESHOLD, HALF_LIFE = 3.0, timedelta(days=14)
# A mailbox without bounces for so long starts from zero.
WINDOW = timedelta(days=60)
# How long the first suppression lasts, the second in a row, and so on; the last of them from then on.
LENGTHS = (timedelta(days=3), timedelta(days=7), timedelta(days=14), timedelta(days=30))
# Who adds these suppressions: so they differ from SES's and a person's.
ACTOR = "soft bounces"
_ATTEMPTS = 7


@dataclass(frozen=True, slots=True)
class Episode:
    """A time in which a mailbox gets no mail.

    Attributes:
        start: The bounce that reached the threshold.
        end: When mail is tried again.
        number: The first suppression in a row, the second, …
        days: On how many days it bounced since it last worked, as far as is known.
        last: The bounce that reached the threshold.
    """

    start: "datetime"
    end: "datetime"
    number: int
    days: int
    last: "SoftBounce"

    @property
    def words(self) -> str:
        """What a support person can read out."""
        length = (self.end - self.start).days
        said = cause(self.last.category, self.last.code)
        again = f" for the {_ordinal(self.number)} time in a row" if self.number > 1 else ""
        days = "1 day" if self.days == 1 else f"{self.days} days"
        return f"no mail for {length} days{again}: it bounced on {days}, the last time because {said}"


def episode_of(mailbox: "Mailbox", now: "datetime", *, removed_at: "datetime | None" = None) -> Episode | None:
    """The suppression that the facts call for now; None if mail may be sent.

    Args:
        mailbox: The facts.
        now: The time.
        removed_at: When a person last took the address off the list: what was before does not count.

    Example:
        >>> from datetime import UTC, datetime
        >>> from mailer.stores.soft_bounces import Mailbox, SoftBounce
        >>> days = [datetime(2026, 3, day, 9, tzinfo=UTC) for day in (2, 3, 4, 5)]
        >>> full = Mailbox(bounces=tuple(SoftBounce(day, "Transient MailboxFull", "4.2.2") for day in days))
        >>> episode_of(full, days[-1]).words
        'no mail for 3 days: it bounced on 4 days, the last time because the mailbox is full'
    """
    floors = [moment for moment in (mailbox.delivered_at, removed_at) if moment]
    floor = max(floors, default=None)
    found: Episode | None = None
    score, days = 0.0, 0
    last: SoftBounce | None = None
    for bounce in mailbox.bounces:
        if floor and bounce.at <= floor:
            continue
        if found and bounce.at < found.end:  # sent before the suppression began
            continue
        if last and bounce.at - max(last.at, found.end if found else last.at) > WINDOW:
            found, score, days = None, 0.0, 0
        decay = 0.5 ** ((bounce.at - last.at) / HALF_LIFE) if last else 0.0
        score, days, last = score * decay + 1, days + 1, bounce
        if found or score >= THRESHOLD:
            number = found.number + 1 if found else 1
            length = LENGTHS[min(number, len(LENGTHS)) - 1]
            found = Episode(bounce.at, bounce.at + length, number, days, bounce)
    return found if found and found.end > now else None


class SoftBounces:
    """Learns of bounces and deliveries, and keeps each mailbox's suppression as the facts call for it.

    Args:
        store: The facts.
        suppressions: Where addresses are suppressed.
        clock: The time now, with a zone.
    """

    def __init__(
        self,
        store: "SoftBounceStore",
        suppressions: "RevisableSuppressions",
        *,
        clock: "Callable[[], datetime]" = utcnow,
    ) -> None:
        self._store, self._suppressions, self._clock = store, suppressions, clock

    def learn(self, address: str, seen: "Mailbox") -> Episode | None:
        """Add facts; return the suppression that they call for.

        Another worker may learn of the same mailbox meanwhile. A worker that sees other facts at the end than at the
        start decides again, so the last decision is about all of them.

        Raises:
            StoreError: The store failed. Learning the same again completes it.
        """
        facts = self._store.merge(address, seen)
        for _ in range(_ATTEMPTS):
            episode = self._decide(address, facts)
            known, facts = facts, self._store.get(address)
            if known == facts:
                return episode
        raise StoreError("The facts about a mailbox changed during every attempt to use them.", hint="Try again.")

    def _decide(self, address: str, facts: "Mailbox") -> Episode | None:
        if not facts.bounces:  # the mailbox works, as most do
            return None
        removed_at = self._suppressions.removed_at(address)
        episode = episode_of(facts, self._clock(), removed_at=removed_at)
        standing = self._suppressions.get_many([address]).get(address)
        own = standing if standing and standing.actor == ACTOR else None
        if episode:
            wanted = _suppression(address, episode)
            if own != wanted:
                self._suppressions.replace(wanted)
        elif own:  # it began on facts that look different now
            self._suppressions.replace(replace(own, expires_at=own.created_at))
        return episode


def _suppression(address: str, episode: Episode) -> Suppression:
    return Suppression(
        address,
        "bounce",
        detail=f"soft bounces: {episode.words}",
        created_at=episode.start,
        expires_at=episode.end,
        actor=ACTOR,
    )


def _ordinal(number: int) -> str:
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in {11, 12, 13} else "th"
    return f"{number}{suffix}"
