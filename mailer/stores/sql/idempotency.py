"""Idempotency keys in a SQL database."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from mailer.stores.base import in_utc, utcnow
from mailer.stores.idempotency import IdempotencyRecord
from mailer.stores.sql.database import insert_into

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.engine import Row

    from mailer.stores.sql.database import Database


class SqlIdempotency:
    """A `mailer.stores.idempotency.IdempotencyStore` in a database. Arguments as for `SqlSuppressions`."""

    def __init__(self, database: "Database", *, clock: "Callable[[], datetime]" = utcnow) -> None:
        self._database, self._clock = database, clock
        self._table = database.tables.idempotency

    def begin(self, record: IdempotencyRecord) -> IdempotencyRecord | None:
        """See `IdempotencyStore.begin`. A refused write locks the row that is there, so the next statement finds it."""
        columns, values = self._table.c, asdict(record)
        with self._database.write("write an idempotency key to") as connection:
            write = insert_into(self._table, connection).values(values)
            unless = columns.expires_at <= in_utc(self._clock())
            write = write.on_conflict_do_update(index_elements=["key"], set_=values, where=unless)
            if connection.execute(write.returning(columns.key)).one_or_none():
                return None
            row = connection.execute(select(self._table).where(columns.key == record.key)).one()
        there = _record(row)
        return None if there.id == record.id else there

    def complete(self, record: IdempotencyRecord) -> None:
        """See `IdempotencyStore.complete`."""
        columns = self._table.c
        own = (columns.key == record.key, columns.id == record.id)
        with self._database.write("write the result of an idempotency key to") as connection:
            connection.execute(update(self._table).where(*own).values(asdict(record)))

    def release(self, record: IdempotencyRecord) -> None:
        """See `IdempotencyStore.release`."""
        columns = self._table.c
        with self._database.write("release an idempotency key in") as connection:
            connection.execute(delete(self._table).where(columns.key == record.key, columns.id == record.id))

    def get(self, key: str) -> IdempotencyRecord | None:
        """See `IdempotencyStore.get`."""
        columns = self._table.c
        query = select(self._table).where(columns.key == key, columns.expires_at > in_utc(self._clock()))
        with self._database.read("read an idempotency key from") as connection:
            row = connection.execute(query).one_or_none()
        return _record(row) if row else None


def _record(row: "Row[tuple[object, ...]]") -> IdempotencyRecord:
    return IdempotencyRecord(row.key, row.fingerprint, row.id, row.busy_until, row.expires_at, row.results)
