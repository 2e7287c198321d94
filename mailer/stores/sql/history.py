"""The history of suppressions in a SQL database: what was done, when, by whom and why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import delete, insert, select

from mailer.redaction import mask
from mailer.stores.sql.database import storable

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from mailer.stores.base import Suppression
    from mailer.stores.sql.database import Database

Action = Literal["added", "removed"]


@dataclass(frozen=True, slots=True, repr=False)
class Change:
    """One change of a suppression.

    Attributes:
        address: The bare address.
        scope: See `Suppression`.
        at: When it was made.
        action: `added` or `removed`.
        reason: The reason of the suppression that was added or removed.
        detail: The evidence of an addition, or why it was removed.
        actor: Who made it; empty for SES.
        message_id: The SES id of the message.
        feedback_id: The SES id of the bounce or complaint.
    """

    address: str
    scope: str
    at: "datetime"
    action: "Action"
    reason: str
    detail: str = ""
    actor: str = ""
    message_id: str = ""
    feedback_id: str = ""

    @classmethod
    def of(cls, action: "Action", row: "Suppression", at: "datetime") -> "Change":
        """The change that a suppression is."""
        ids = row.message_id, row.feedback_id
        return cls(row.address, row.scope, at, action, row.reason, row.detail, row.actor, *ids)

    def __repr__(self) -> str:
        return f"<Change {mask(self.address)}: {self.action} ({self.reason}) at {self.at:%Y-%m-%d %H:%M}>"


class Changes:
    """The table of changes."""

    def __init__(self, database: "Database") -> None:
        self._database, self._table, self._keyring = database, database.tables.history, database.keyring

    def add(self, connection: "Connection", change: Change) -> None:
        """Record a change in the transaction that makes it."""
        connection.execute(insert(self._table).values(self._values(change)))

    def of(self, address: str) -> list[Change]:
        """The changes of an address, oldest first."""
        query = select(self._table).where(self._table.c.lookup.in_(self._keyring.lookups(address)))
        with self._database.read("read the history of suppressions from") as connection:
            return [self.change(row) for row in connection.execute(query.order_by(self._table.c.at, self._table.c.id))]

    def erase(self, connection: "Connection", address: str) -> int:
        """Delete the changes of an address; return how many there were."""
        condition = self._table.c.lookup.in_(self._keyring.lookups(address))
        return connection.execute(delete(self._table).where(condition)).rowcount

    def rewrite(self, connection: "Connection", row: "Row[tuple[object, ...]]") -> None:
        """Write a change again, with the current key."""
        here = self._table.c.id == row.id
        connection.execute(self._table.update().where(here).values(self._values(self.change(row))))

    def change(self, row: "Row[tuple[object, ...]]") -> Change:
        """The change in a row."""
        opened = {
            name: self._keyring.open(getattr(row, name), row.key_id, _about(row.lookup, name))
            for name in ("address", "detail")
        }
        return Change(
            opened["address"],
            row.scope,
            row.at,
            row.action,
            row.reason,
            opened["detail"],
            row.actor,
            row.message_id,
            row.feedback_id,
        )

    def _values(self, change: Change) -> dict[str, object]:
        lookup = self._keyring.lookups(change.address)[0]
        return {
            "lookup": lookup,
            "key_id": self._keyring.current,
            "address": self._keyring.seal(storable(change.address), _about(lookup, "address")),
            "detail": self._keyring.seal(storable(change.detail), _about(lookup, "detail")),
            "scope": change.scope,
            "at": change.at,
            "action": change.action,
            "reason": change.reason,
            "actor": storable(change.actor),
            "message_id": storable(change.message_id),
            "feedback_id": storable(change.feedback_id),
        }


def _about(lookup: str, column: str) -> str:
    return f"history {lookup} {column}"
