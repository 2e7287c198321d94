"""The facts about mailboxes that bounce for now, in a SQL database. Addresses are known by their look-up values alone.

Rows of a key that was given up are not found any more, and expire: what is forgotten is that a mailbox bounced.
"""

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from mailer.address import address_key
from mailer.stores.base import in_utc, utcnow
from mailer.stores.soft_bounces import KEPT, Mailbox
from mailer.stores.sql.database import insert_into

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from mailer.stores.sql.database import Database


class SqlSoftBounces:
    """A `mailer.stores.soft_bounces.SoftBounceStore` in a database. Arguments as for `SqlSuppressions`."""

    def __init__(self, database: "Database", *, clock: "Callable[[], datetime]" = utcnow) -> None:
        self._database, self._clock = database, clock
        self._table, self._keyring = database.tables.soft_bounces, database.keyring

    def get(self, address: str) -> Mailbox:
        """See `SoftBounceStore.get`."""
        lookups = self._keyring.lookups(address_key(address))
        with self._database.read("read soft bounces from") as connection:
            return _merged(connection.execute(select(self._table).where(self._table.c.lookup.in_(lookups))))

    def merge(self, address: str, seen: Mailbox) -> Mailbox:
        """See `SoftBounceStore.merge`. The row is inserted first: what is not there cannot be locked."""
        (lookup, *others), columns = self._keyring.lookups(address_key(address)), self._table.c
        now = in_utc(self._clock())
        with self._database.write("write soft bounces to") as connection:
            insert = insert_into(self._table, connection).on_conflict_do_nothing()
            connection.execute(insert.values(lookup=lookup, bounces="[]", expires_at=now + KEPT))
            chosen = select(self._table).where(columns.lookup.in_([lookup, *others])).order_by(columns.lookup)
            merged = _merged(connection.execute(chosen.with_for_update())).merged(seen).since(now - KEPT)
            values = {
                "delivered_at": merged.delivered_at,
                "bounces": merged.bounces_json(),
                "expires_at": now + KEPT,
            }
            connection.execute(update(self._table).where(columns.lookup == lookup).values(values))
            connection.execute(delete(self._table).where(columns.lookup.in_(others)))
        return merged

    def erase(self, connection: "Connection", address: str) -> int:
        """Delete the facts about an address; return how many rows there were."""
        lookups = self._keyring.lookups(address)
        return connection.execute(delete(self._table).where(self._table.c.lookup.in_(lookups))).rowcount


def _merged(rows: "Iterable[Row[tuple[object, ...]]]") -> Mailbox:
    found = Mailbox()
    for row in rows:
        found = found.merged(Mailbox.read(row.delivered_at, row.bounces))
    return found
