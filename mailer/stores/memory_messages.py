"""The message log in memory, for tests and work without a cloud."""

from threading import RLock
from typing import TYPE_CHECKING

from mailer.address import address_key
from mailer.stores.base import utcnow
from mailer.stores.messages import FOUND, Counts, counted, for_recipient, newest_of, timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from mailer.stores.messages import LogEntry, Position


class MemoryMessageLog:
    """A `mailer.stores.messages.MessageLog`.

    Args:
        days: How long entries are kept.
        clock: The time now, with a zone.
    """

    def __init__(self, days: int = 30, *, clock: "Callable[[], datetime]" = utcnow) -> None:
        self._days, self._clock = days, clock
        self._rows: dict[tuple[str, str], LogEntry] = {}
        self._lock = RLock()

    @property
    def days(self) -> int:
        """See `MessageLog`."""
        return self._days

    def add(self, entries: "Iterable[LogEntry]") -> None:
        """See `MessageLog`."""
        with self._lock:
            for entry in entries:
                known = self._rows.get((entry.ref, entry.key))
                if known is None or entry.at < known.at:
                    self._rows[entry.ref, entry.key] = entry

    def of_message(self, id_: str) -> "list[LogEntry]":
        """See `MessageLog`."""
        rows = self._kept()
        refs = {id_, *(row.ref for row in rows if row.is_indexed and row.message_id == id_)}
        return timeline(row for row in rows if row.ref in refs)

    def of_recipient(self, address: str, *, since: "datetime", limit: int = FOUND) -> "list[list[LogEntry]]":
        """See `MessageLog`."""
        key = address_key(address)
        return for_recipient(self._found(lambda row: row.recipient == key, since, limit), key)

    def of_tag(self, name: str, value: str, *, since: "datetime", limit: int = FOUND) -> "list[list[LogEntry]]":
        """See `MessageLog`."""
        return self._found(lambda row: (name, value) in row.searchable_tags, since, limit)

    def counts(self, *, since: "datetime", until: "datetime") -> Counts:
        """See `MessageLog`."""
        return Counts(counted(self._kept(), since, until), complete=True)

    def newest(
        self, kinds: "Collection[str]", *, since: "datetime", after: "Position | None" = None, limit: int = FOUND
    ) -> "list[LogEntry]":
        """See `MessageLog`."""
        return newest_of(self._kept(), kinds, since, after, limit)

    def _found(self, matches: "Callable[[LogEntry], bool]", since: "datetime", limit: int) -> "list[list[LogEntry]]":
        found = {row.ref: row.sent_at for row in self._kept() if row.is_indexed and matches(row)}
        recent = sorted(((sent, ref) for ref, sent in found.items() if sent >= since), reverse=True)
        return [self.of_message(ref) for _, ref in recent[:limit]]

    def _kept(self) -> "list[LogEntry]":
        now = self._clock()
        with self._lock:
            return [row for row in self._rows.values() if row.expires_at(self._days) > now]
