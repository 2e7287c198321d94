"""The message log in a SQL database."""

import json
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, delete, exists, func, or_, select, tuple_

from mailer.address import address_key
from mailer.stores.base import in_utc, utcnow
from mailer.stores.messages import (
    CATEGORISED,
    FOUND,
    MAX_COUNTS,
    Counts,
    EntryCount,
    LogEntry,
    for_recipient,
    timeline,
)
from mailer.stores.sql.database import insert_into, storable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.engine import Connection, Row

    from mailer.stores.messages import Position
    from mailer.stores.sql.database import Database

DAYS = 30
_TEXTS = ("kind", "id", "message_id", "configuration_set", "template", "category", "code")


class SqlMessageLog:
    """A `mailer.stores.messages.MessageLog` in a database. `SqlStores` creates it.

    Args:
        database: Where the tables are.
        days: How long entries are kept.
        clock: The time now, with a zone.
    """

    def __init__(self, database: "Database", days: int = DAYS, *, clock: "Callable[[], datetime]" = utcnow) -> None:
        self._database, self._days, self._clock = database, days, clock
        self._table, self._tags, self._keyring = database.tables.messages, database.tables.tags, database.keyring
        self._events = database.tables.events

    @property
    def days(self) -> int:
        """See `MessageLog`."""
        return self._days

    def add(self, entries: "Iterable[LogEntry]") -> None:
        """See `MessageLog`. In the order of the keys, so that two writers of the same entries cannot deadlock."""
        ordered = sorted(entries, key=lambda entry: (entry.ref, entry.key))
        if not ordered:
            return
        with self._database.write("write the message log to") as connection:
            for entry in ordered:
                insert = insert_into(self._table, connection).values(self._values(entry))
                values = {name: insert.excluded[name] for name in self._values(entry)}
                earlier = insert.excluded.at < self._table.c.at
                write = insert.on_conflict_do_update(index_elements=["ref", "key"], set_=values, where=earlier)
                connection.execute(write)
                self._add_tags(connection, entry)

    def of_message(self, id_: str) -> list[LogEntry]:
        """See `MessageLog`."""
        columns = self._table.c
        other = select(columns.ref).where(columns.message_id == id_, columns.is_indexed)
        with self._database.read("read the message log of") as connection:
            rows = connection.execute(self._kept(or_(columns.ref == id_, columns.ref.in_(other)))).all()
        return timeline(map(self.entry, rows))

    def of_recipient(self, address: str, *, since: "datetime", limit: int = FOUND) -> list[list[LogEntry]]:
        """See `MessageLog`."""
        key, columns = address_key(address), self._table.c
        newest = func.max(columns.sent_at)
        chosen = select(columns.ref).where(
            columns.lookup.in_(self._keyring.lookups(key)), columns.is_indexed, columns.sent_at >= in_utc(since)
        )
        return for_recipient(
            self._found(chosen.group_by(columns.ref).order_by(newest.desc(), columns.ref.desc()), limit), key
        )

    def of_tag(self, name: str, value: str, *, since: "datetime", limit: int = FOUND) -> list[list[LogEntry]]:
        """See `MessageLog`."""
        tags = self._tags.c
        chosen = select(tags.ref).where(tags.name == name, tags.value == value, tags.sent_at >= in_utc(since))
        return self._found(chosen.order_by(tags.sent_at.desc(), tags.ref.desc()), limit)

    def counts(self, *, since: "datetime", until: "datetime") -> Counts:
        """See `MessageLog`. The database counts."""
        since, until, columns = in_utc(since), in_utc(until), self._table.c
        first = since.replace(hour=0, minute=0, second=0, microsecond=0)
        # A case of comparisons, because the databases have no function in common that takes the day of a time.
        starts = [first + timedelta(days=number) for number in range(1, (until - first).days + 1)]
        day = case(*((columns.at < start, number) for number, start in enumerate(starts)), else_=len(starts))
        alike = select(
            day.label("day"),
            columns.kind,
            columns.configuration_set,
            columns.template,
            case((columns.kind.in_(CATEGORISED), columns.category), else_="").label("category"),
        ).where(
            self._is_kept(columns.at >= since, columns.at < until),
            or_(columns.kind.not_in(CATEGORISED), self._is_real()),
        )
        rows = alike.subquery().c
        query = select(*rows, func.count()).group_by(*rows).limit(MAX_COUNTS + 1)
        with self._database.read("count the message log of") as connection:
            found = connection.execute(query).all()
        counts = [EntryCount((first + timedelta(days=number)).date(), *others) for number, *others in found]
        return Counts(counts[:MAX_COUNTS], complete=len(found) <= MAX_COUNTS)

    def newest(
        self, kinds: "Collection[str]", *, since: "datetime", after: "Position | None" = None, limit: int = FOUND
    ) -> list[LogEntry]:
        """See `MessageLog`."""
        columns = self._table.c
        order = (columns.at, columns.ref, columns.key)
        wanted = self._kept(and_(columns.kind.in_(kinds), columns.at >= in_utc(since), self._is_real()))
        if after:
            wanted = wanted.where(tuple_(*order) < tuple_(*after, types=[column.type for column in order]))
        newest = wanted.order_by(*(column.desc() for column in order)).limit(limit)
        with self._database.read("list the message log of") as connection:
            return [self.entry(row) for row in connection.execute(newest)]

    def _is_real(self) -> "ColumnElement[bool]":
        """Not a bounce or complaint of the mailbox simulator: the record of the event says so, under the same key."""
        events = self._events.c
        return ~exists().where(events.key == self._table.c.key, events.simulator)

    def erase(self, connection: "Connection", address: str) -> int:
        """Delete the entries of an address; return how many there were."""
        condition = self._table.c.lookup.in_(self._keyring.lookups(address))
        return connection.execute(delete(self._table).where(condition)).rowcount

    def rewrite(self, connection: "Connection", row: "Row[tuple[object, ...]]") -> None:
        """Write an entry again, with the current key."""
        here = (self._table.c.ref == row.ref, self._table.c.key == row.key)
        connection.execute(self._table.update().where(*here).values(self._values(self.entry(row))))

    def _found(self, chosen: "Select[str]", limit: int) -> list[list[LogEntry]]:
        with self._database.read("search the message log of") as connection:
            refs = list(connection.execute(chosen.limit(limit)).scalars())
            rows = connection.execute(self._kept(self._table.c.ref.in_(refs))).all()
        messages: defaultdict[str, list[LogEntry]] = defaultdict(list)
        for row in rows:
            messages[row.ref].append(self.entry(row))
        return [timeline(messages[ref]) for ref in refs if ref in messages]

    def _kept(self, condition: "ColumnElement[bool]") -> "Select[tuple[object, ...]]":
        return select(self._table).where(self._is_kept(condition))

    def _is_kept(self, *conditions: "ColumnElement[bool]") -> "ColumnElement[bool]":
        return and_(*conditions, self._table.c.sent_at > in_utc(self._clock()) - timedelta(days=self._days))

    def _add_tags(self, connection: "Connection", entry: LogEntry) -> None:
        if not entry.is_indexed:
            return
        for name, value in entry.searchable_tags:
            insert = insert_into(self._tags, connection).on_conflict_do_nothing()
            connection.execute(
                insert.values(ref=entry.ref, name=storable(name), value=storable(value), sent_at=entry.sent_at)
            )

    def _values(self, entry: LogEntry) -> dict[str, object]:
        lookup = self._keyring.lookups(entry.recipient)[0]
        return {
            "ref": entry.ref,
            "key": entry.key,
            "key_id": self._keyring.current,
            "lookup": lookup,
            "recipient": self._keyring.seal(storable(entry.recipient), _about(entry.ref, entry.key, "recipient")),
            "words": self._keyring.seal(storable(entry.words), _about(entry.ref, entry.key, "words")),
            "at": entry.at,
            "sent_at": entry.sent_at,
            "tags": json.dumps(entry.tags),
            "is_indexed": entry.is_indexed,
            **{name: storable(getattr(entry, name)) for name in _TEXTS},
        }

    def entry(self, row: "Row[tuple[object, ...]]") -> LogEntry:
        """The entry in a row."""
        opened = {
            name: self._keyring.open(getattr(row, name), row.key_id, _about(row.ref, row.key, name))
            for name in ("recipient", "words")
        }
        return LogEntry(
            key=row.key,
            at=row.at,
            sent_at=row.sent_at,
            tags=tuple((str(name), str(value)) for name, value in json.loads(row.tags)),
            **opened,
            **{name: getattr(row, name) for name in _TEXTS},
        )


def _about(ref: str, key: str, column: str) -> str:
    return f"messages {ref} {key} {column}"
