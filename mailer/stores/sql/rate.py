"""The shared sending rate in a SQL database: one row for the time line, one for the account's standing."""

from typing import TYPE_CHECKING

from sqlalchemy import case, or_, select

from mailer.stores.base import in_utc
from mailer.stores.rate import FRESH, Standing
from mailer.stores.sql.database import insert_into

if TYPE_CHECKING:
    from datetime import datetime

    from mailer.stores.sql.database import Database

# Rows of their own: a lease does not wait for a worker that writes the standing.
STANDING, TIME_LINE = "standing", "timeline"


class SqlRate:
    """A `mailer.stores.rate.RateStore` in a database."""

    def __init__(self, database: "Database") -> None:
        self._database, self._table = database, database.tables.rate

    def standing(self) -> Standing | None:
        """See `RateStore.standing`."""
        columns = self._table.c
        query = select(self._table).where(columns.name == STANDING, columns.at.is_not(None))
        with self._database.read("read the sending rate from") as connection:
            row = connection.execute(query).one_or_none()
        return Standing(row.max_rate, row.max_day, row.sent_day, row.at) if row else None

    def claim_refresh(self, now: "datetime") -> bool:
        """See `RateStore.claim_refresh`. One statement: the write of the first worker refuses the others."""
        columns = self._table.c
        now = in_utc(now)
        unless = or_(columns.claimed_at.is_(None), columns.claimed_at <= now - FRESH)
        with self._database.write("claim the account's standing in") as connection:
            write = insert_into(self._table, connection).values(name=STANDING, claimed_at=now)
            write = write.on_conflict_do_update(index_elements=["name"], set_={"claimed_at": now}, where=unless)
            return connection.execute(write.returning(columns.name)).one_or_none() is not None

    def write_standing(self, standing: Standing) -> None:
        """See `RateStore.write_standing`."""
        values = {
            "max_rate": standing.max_rate,
            "max_day": standing.max_day,
            "sent_day": standing.sent_day,
            "at": in_utc(standing.at),
        }
        with self._database.write("write the account's standing to") as connection:
            write = insert_into(self._table, connection).values(name=STANDING, **values)
            connection.execute(write.on_conflict_do_update(index_elements=["name"], set_=values))

    def lease(self, seconds: float, now: float) -> float:
        """See `RateStore.lease`. One statement, which locks the row: leases queue up and never overlap."""
        columns = self._table.c
        end = case((columns.free_at >= now, columns.free_at + seconds), else_=now + seconds)
        with self._database.write("lease a part of the sending rate from") as connection:
            write = insert_into(self._table, connection).values(name=TIME_LINE, free_at=now + seconds)
            write = write.on_conflict_do_update(index_elements=["name"], set_={"free_at": end})
            return float(connection.execute(write.returning(columns.free_at)).scalar_one()) - seconds
