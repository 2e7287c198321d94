"""Counters by day in a SQL database: one row for each day, with its counts as JSON."""

from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import select

from mailer.stores.base import in_utc, utcnow
from mailer.stores.counters import expiry_of, from_json, to_json
from mailer.stores.sql.database import insert_into

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from mailer.stores.messages import EntryCount
    from mailer.stores.sql.database import Database


class SqlDayCounters:
    """A `mailer.stores.counters.DayCounters` in a database. `SqlStores` creates it.

    Args:
        database: Where the table is.
        clock: The time now, with a zone.
    """

    def __init__(self, database: "Database", *, clock: "Callable[[], datetime]" = utcnow) -> None:
        self._database, self._table, self._clock = database, database.tables.counters, clock

    def put(self, day: date, rows: "Iterable[EntryCount]") -> None:
        """See `DayCounters.put`. One statement."""
        values = {"counts": to_json(rows), "expires_at": expiry_of(day)}
        with self._database.write("write counters to") as connection:
            write = insert_into(self._table, connection).values(day=f"{day}", **values)
            connection.execute(write.on_conflict_do_update(index_elements=["day"], set_=values))

    def between(self, first: date, last: date) -> "dict[date, tuple[EntryCount, ...]]":
        """See `DayCounters.between`."""
        columns = self._table.c
        wanted = columns.day.between(f"{first}", f"{last}")
        query = select(columns.day, columns.counts).where(wanted, columns.expires_at > in_utc(self._clock()))
        with self._database.read("read counters from") as connection:
            found = [(date.fromisoformat(day), counts) for day, counts in connection.execute(query)]
        return {day: from_json(day, counts) for day, counts in found}
