"""What is counted, and the rates that AWS judges. Pure; `report.py` reads the stores."""

from collections import defaultdict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from mailer.feedback.policy import NO_OBJECTION, UNTRIED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailer.stores.messages import EntryCount

Key = TypeVar("Key")

_BOUNCES = {"Permanent": "hard_bounces", "Transient": "soft_bounces"}
_EVENTS = {"Send": "sends", "Delivery": "deliveries", "Reject": "rejects"}


class Limit(NamedTuple):
    """Shares at which AWS acts on an account.

    https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html

    Attributes:
        review: AWS places the account under review.
        pause: AWS may pause its sending.
    """

    review: float
    pause: float

    def state(self, share: float | None) -> str:
        """`ok`, `review` or `pause`; `unknown` where nothing was sent.

        Example:
            >>> BOUNCES.state(0.05), COMPLAINTS.state(0.0009), BOUNCES.state(None)
            ('review', 'ok', 'unknown')
        """
        if share is None:
            return "unknown"
        return "pause" if share >= self.pause else "review" if share >= self.review else "ok"


BOUNCES, COMPLAINTS = Limit(0.05, 0.1), Limit(0.001, 0.005)


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many recipients events were about.

    Attributes:
        sends: SES accepted the mail.
        deliveries: The remote server took it.
        hard_bounces: The mailbox refuses mail for good (SES's type `Permanent`).
        soft_bounces: The mail was refused for now, or answered automatically (`Transient`).
        unclear_bounces: SES cannot tell (`Undetermined`).
        not_tried: SES did not send the mail, because the address is on a suppression list. No bounce, no complaint.
        complaints: The recipient marked the mail as spam.
        rejects: SES did not send the mail, because it found a virus.
    """

    sends: int = 0
    deliveries: int = 0
    hard_bounces: int = 0
    soft_bounces: int = 0
    unclear_bounces: int = 0
    not_tried: int = 0
    complaints: int = 0
    rejects: int = 0

    @property
    def bounces(self) -> int:
        """Bounces of all types."""
        return self.hard_bounces + self.soft_bounces + self.unclear_bounces

    @property
    def bounce_rate(self) -> float | None:
        """Hard bounces for each send; None where nothing was sent."""
        return self.hard_bounces / self.sends if self.sends else None

    @property
    def complaint_rate(self) -> float | None:
        """Complaints for each send; None where nothing was sent."""
        return self.complaints / self.sends if self.sends else None

    def __add__(self, other: "Numbers") -> "Numbers":
        return Numbers(*(getattr(self, name) + getattr(other, name) for name in NAMES))


NAMES = tuple(field.name for field in fields(Numbers))


def name_of(kind: str, category: str) -> str | None:
    """Which of `Numbers` an entry counts as; None: it counts as nothing.

    Example:
        >>> name_of("Bounce", "Permanent General"), name_of("Bounce", "Permanent OnAccountSuppressionList")
        ('hard_bounces', 'not_tried')
    """
    if kind == "Bounce":
        bounce_type, _, sub_type = category.partition(" ")
        return "not_tried" if sub_type in UNTRIED else _BOUNCES.get(bounce_type, "unclear_bounces")
    if kind == "Complaint":
        return "not_tried" if category in UNTRIED else None if category in NO_OBJECTION else "complaints"
    return _EVENTS.get(kind)


def sums(rows: "Iterable[EntryCount]", key: "Callable[[EntryCount], Key]") -> dict[Key, Numbers]:
    """The numbers of rows with the same key."""
    found: defaultdict[Key, dict[str, int]] = defaultdict(lambda: dict.fromkeys(NAMES, 0))
    for row in rows:
        if name := name_of(row.kind, row.category):
            found[key(row)][name] += row.entries
    return {one: Numbers(**numbers) for one, numbers in found.items()}
