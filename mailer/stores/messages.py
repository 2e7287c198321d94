"""What a message log keeps and promises: what became of each mail for each recipient, without the mail's content.

Standard library only, because the feedback Lambda writes it.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol

from mailer.address import address_key, mask
from mailer.message_id import TEMPLATE_TAG
from mailer.stores.base import in_utc

# The kind of an entry that the sender wrote; the other kinds are SES's event types.
ATTEMPT = "Attempt"
# A delivery follows the Send event of the same message, so only the latter writes what a search finds: that costs one
# write for most mails instead of two for each way to search.
_FOLLOWS_SEND = "Delivery"
# Messages that a search returns by default.
FOUND = 50
# Different rows that a count returns at most: days, streams, templates and kinds of bounce, multiplied.
MAX_COUNTS = 20_000
# Events whose category says what a report must know; the category of a delivery is a server's address.
CATEGORISED = ("Bounce", "Complaint")
# https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html (mailbox simulator)
SIMULATOR = "@simulator.amazonses.com"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LogEntry:
    """One event of one message for one recipient.

    Attributes:
        key: The same for every delivery of the same event.
        kind: SES's event type, such as `Bounce`; `Attempt` for what the sender recorded.
        recipient: The bare address in lower case; empty if the event names nobody.
        at: When it happened, with a time zone. Stored in UTC.
        sent_at: When the message was handed over; the same in all its entries.
        id: `SendResult.id`; empty for a message that another program sent.
        message_id: SES's id; empty if SES did not accept the message.
        configuration_set: The configuration set of its stream.
        template: The name of its template; empty without one.
        tags: Its tags, without those of SES and this library.
        category: SES's class of the event: `Permanent General`, a type of delay or complaint; the status of an attempt.
        code: The enhanced status code of the report, such as `5.1.1` (RFC 3463).
        words: What the remote server or SES said; contains no address.
    """

    key: str
    kind: str
    recipient: str
    at: datetime
    sent_at: datetime
    id: str = ""
    message_id: str = ""
    configuration_set: str = ""
    template: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    category: str = ""
    code: str = ""
    words: str = ""

    def __post_init__(self) -> None:
        if not self.ref:
            raise ValueError("An entry of the message log needs the id of a message.")
        object.__setattr__(self, "at", in_utc(self.at))
        object.__setattr__(self, "sent_at", in_utc(self.sent_at))
        object.__setattr__(self, "recipient", address_key(self.recipient))

    def __repr__(self) -> str:
        return f"<LogEntry {self.kind} of {self.ref} for {mask(self.recipient)}>"

    @property
    def ref(self) -> str:
        """What the log keeps the message under: the id of this library, or that of SES."""
        return self.id or self.message_id

    @property
    def is_indexed(self) -> bool:
        """Whether the message can be found by what this entry says: its recipient, its tags and SES's id."""
        return self.kind != _FOLLOWS_SEND

    @property
    def searchable_tags(self) -> tuple[tuple[str, str], ...]:
        """The tags that the message can be found by, its template among them."""
        return (*self.tags, (TEMPLATE_TAG, self.template)) if self.template else self.tags

    def expires_at(self, days: int) -> datetime:
        """When it may be forgotten. All entries of a message are forgotten together."""
        return self.sent_at + timedelta(days=days)


class EntryCount(NamedTuple):
    """How many entries of one day are alike: one recipient of one event counts once.

    Attributes:
        day: The day in UTC on which the events happened.
        kind: See `LogEntry`.
        configuration_set: See `LogEntry`.
        template: See `LogEntry`.
        category: See `LogEntry`; empty unless the kind is one of `CATEGORISED`.
        entries: How many.
    """

    day: date
    kind: str
    configuration_set: str
    template: str
    category: str
    entries: int


class Counts(NamedTuple):
    """What a log counted.

    Attributes:
        rows: The counts, in no order.
        complete: Whether everything was counted. False: the log stopped at a limit, so the numbers are too low.
    """

    rows: Sequence[EntryCount]
    complete: bool


class Position(NamedTuple):
    """Where a list of entries, newest first, goes on: behind this entry."""

    at: datetime
    ref: str
    key: str


class MessageLog(Protocol):
    """What became of each message. Every method raises `StoreError`.

    Entries may be added in any order and more than once; what is found is the same.
    """

    @property
    def days(self) -> int:
        """How long entries are kept, from the time at which the message was sent."""
        ...

    def add(self, entries: Iterable[LogEntry]) -> None:
        """Add entries. Of several with the same key, the earliest is kept."""
        ...

    def of_message(self, id_: str) -> list[LogEntry]:
        """The entries of a message by the id of this library or that of SES, in the order of `timeline`."""
        ...

    def of_recipient(self, address: str, *, since: datetime, limit: int = FOUND) -> list[list[LogEntry]]:
        """The messages that were sent to an address since then, at most `limit`, newest first; only its own entries."""
        ...

    def of_tag(self, name: str, value: str, *, since: datetime, limit: int = FOUND) -> list[list[LogEntry]]:
        """The messages with a tag that were sent since then, at most `limit`, newest first."""
        ...

    def counts(self, *, since: datetime, until: datetime) -> Counts:
        """Entries of events that happened from `since` until before `until`, counted by day.

        Bounces and complaints of the mailbox simulator are not counted, because SES does not count them either.
        """
        ...

    def newest(
        self, kinds: Collection[str], *, since: datetime, after: Position | None = None, limit: int = FOUND
    ) -> list[LogEntry]:
        """Entries of some kinds that happened since then, newest first, without those of the mailbox simulator.

        Args:
            kinds: SES's event types.
            since: The earliest time.
            after: The last entry of the page before.
            limit: The most entries that are returned.
        """
        ...


def timeline(entries: Iterable[LogEntry]) -> list[LogEntry]:
    """Entries in the order in which they happened.

    SES's clocks differ by milliseconds, so a Send event comes first whatever its time says.
    """
    return sorted(entries, key=lambda entry: (entry.kind not in {ATTEMPT, "Send"}, entry.at, entry.kind, entry.key))


def for_recipient(messages: Iterable[Sequence[LogEntry]], address: str) -> list[list[LogEntry]]:
    """The messages with only the entries of an address."""
    key = address_key(address)
    return [[entry for entry in entries if entry.recipient == key] for entries in messages]


def position_of(entry: LogEntry) -> Position:
    """Where the list goes on behind an entry."""
    return Position(entry.at, entry.ref, entry.key)


def counted(entries: Iterable[LogEntry], since: datetime, until: datetime) -> list[EntryCount]:
    """`MessageLog.counts` of entries that are read one by one."""
    found = Counter(
        (
            entry.at.date(),
            entry.kind,
            entry.configuration_set,
            entry.template,
            entry.category if entry.kind in CATEGORISED else "",
        )
        for entry in entries
        if since <= entry.at < until and not (entry.kind in CATEGORISED and entry.recipient.endswith(SIMULATOR))
    )
    return [EntryCount(*alike, count) for alike, count in found.items()]


def newest_of(
    entries: Iterable[LogEntry], kinds: Collection[str], since: datetime, after: Position | None, limit: int
) -> list[LogEntry]:
    """`MessageLog.newest` of entries that are read one by one; holds `limit` of them."""
    return heapq.nlargest(limit, _listed(entries, kinds, since, after), key=position_of)


def _listed(
    entries: Iterable[LogEntry], kinds: Collection[str], since: datetime, after: Position | None
) -> Iterator[LogEntry]:
    for entry in entries:
        is_later = after is None or position_of(entry) < after
        if entry.kind in kinds and entry.at >= since and is_later and not entry.recipient.endswith(SIMULATOR):
            yield entry
