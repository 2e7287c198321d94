"""Processed events in a SQL database."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from mailer.stores.base import ProcessedEvent, in_utc, utcnow
from mailer.stores.sql.database import insert_into, storable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from mailer.stores.sql.database import Database


class SqlEvents:
    """A `mailer.stores.base.EventStore` in a database. Arguments as for `SqlSuppressions`."""

    def __init__(self, database: "Database", *, clock: "Callable[[], datetime]" = utcnow) -> None:
        self._database, self._clock = database, clock
        self._table, self._keyring = database.tables.events, database.keyring

    def get(self, key: str) -> ProcessedEvent | None:
        """See `EventStore.get`."""
        columns = self._table.c
        query = select(self._table).where(columns.key == key, columns.expires_at > in_utc(self._clock()))
        with self._database.read("read an event from") as connection:
            row = connection.execute(query).one_or_none()
        return self._event(row) if row else None

    def record(self, event: ProcessedEvent) -> bool:
        """See `EventStore.record`. One statement: of several at once, the database lets one write."""
        values = self._values(event)
        with self._database.write("record an event in") as connection:
            insert = insert_into(self._table, connection).values(values)
            write = insert.on_conflict_do_update(
                index_elements=["key"], set_=values, where=self._table.c.expires_at <= in_utc(self._clock())
            )
            return connection.execute(write.returning(self._table.c.key)).one_or_none() is not None

    def rewrite(self, connection: "Connection", row: "Row[tuple[object, ...]]") -> None:
        """Write an event again, with the current key."""
        here = self._table.c.key == row.key
        connection.execute(self._table.update().where(here).values(self._values(self._event(row))))

    def _values(self, event: ProcessedEvent) -> dict[str, object]:
        values = {name: storable(value) if isinstance(value, str) else value for name, value in asdict(event).items()}
        values["detail"] = self._keyring.seal(storable(event.detail), _about(event.key))
        return {**values, "key_id": self._keyring.current}

    def _event(self, row: "Row[tuple[object, ...]]") -> ProcessedEvent:
        return ProcessedEvent(
            key=row.key,
            kind=row.kind,
            outcome=row.outcome,
            detail=self._keyring.open(row.detail, row.key_id, _about(row.key)),
            recipient=row.recipient,
            message_id=row.message_id,
            simulator=row.simulator,
            occurred_at=row.occurred_at,
            expires_at=row.expires_at,
            counts_as=row.counts_as,
        )


def _about(key: str) -> str:
    return f"events {key} detail"
