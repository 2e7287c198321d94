"""What a store keeps of a mailbox that bounces for now: when mail was delivered, and on which days it bounced.

Facts only, which are merged, so that neither order nor repetition matters. `mailer.feedback.soft_bounces` decides what
follows from them. Standard library only.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, cast

# How long facts are kept. They have no weight long before.
KEPT = timedelta(days=180)


@dataclass(frozen=True, slots=True, order=True)
class SoftBounce:
    """The last soft bounce of a day (UTC).

    Attributes:
        at: When it happened.
        category: SES's class of it, such as `Transient MailboxFull`.
        code: The enhanced status code, such as `4.2.2`.
    """

    at: datetime
    category: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The facts about a mailbox.

    Attributes:
        delivered_at: When its server last accepted a mail; None if that is not known.
        bounces: At most one soft bounce a day, the oldest first.
    """

    delivered_at: datetime | None = None
    bounces: tuple[SoftBounce, ...] = ()

    def merged(self, other: "Mailbox") -> "Mailbox":
        """The facts of both. The result does not depend on the order in which facts are merged.

        Example:
            >>> monday = datetime(2026, 3, 2, 9, tzinfo=UTC)
            >>> one, two = (Mailbox(bounces=(SoftBounce(monday + timedelta(hours=hour)),)) for hour in (0, 3))
            >>> one.merged(two) == two.merged(one) == two
            True
        """
        deliveries = [one.delivered_at for one in (self, other) if one.delivered_at]
        days = {bounce.at.date(): bounce for bounce in sorted((*self.bounces, *other.bounces))}
        return Mailbox(max(deliveries, default=None), tuple(days.values()))

    def since(self, moment: datetime) -> "Mailbox":
        """Without the bounces before a moment."""
        return Mailbox(self.delivered_at, tuple(one for one in self.bounces if one.at >= moment))

    def bounces_json(self) -> str:
        """The bounces as a database keeps them."""
        return json.dumps([[one.at.isoformat(), one.category, one.code] for one in self.bounces])

    @classmethod
    def read(cls, delivered_at: datetime | None, bounces: str) -> "Mailbox":
        """The facts in a database; what cannot be read is left out."""
        try:
            found: object = json.loads(bounces or "[]")
            rows = cast("list[list[str]]", found if isinstance(found, list) else [])
            read = tuple(SoftBounce(datetime.fromisoformat(at).astimezone(UTC), *rest) for at, *rest in rows)
        except (ValueError, TypeError):
            read = ()
        return cls(delivered_at, read)


class SoftBounceStore(Protocol):
    """The facts about mailboxes. Every method raises `StoreError`."""

    def merge(self, address: str, seen: Mailbox) -> Mailbox:
        """Add facts, atomically, and return all of them. Bounces older than `KEPT` are forgotten."""
        ...

    def get(self, address: str) -> Mailbox:
        """All facts; empty ones for an address that nothing is known of."""
        ...
