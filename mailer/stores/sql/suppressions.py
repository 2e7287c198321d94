"""The suppression list in a SQL database."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sqlalchemy import delete, or_, select, tuple_, update

from mailer.address import address_key
from mailer.stores.base import (
    ALL,
    REASONS,
    REMEMBERED,
    PutOutcome,
    Suppression,
    check_scope,
    in_utc,
    strongest,
    utcnow,
)
from mailer.stores.sql.database import insert_into, storable
from mailer.stores.sql.history import Change, Changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection, Row

    from mailer.stores.sql.database import Database

# Look-up values of one statement, and rows of one page.
BATCH, PAGE = 500, 500


@dataclass(frozen=True, slots=True)
class State:
    """What is known of an address in a scope.

    Attributes:
        standing: Its suppression, which may have expired.
        removed_at: When it was last removed.
        is_erased: Whether the address was erased, so that it must not be written again.
    """

    standing: Suppression | None = None
    removed_at: "datetime | None" = None
    is_erased: bool = False


class SqlSuppressions:
    """A `mailer.stores.base.SuppressionStore` in a database. `SqlStores` creates it.

    Args:
        database: Where the tables are.
        clock: The time now, with a zone.
    """

    def __init__(self, database: "Database", *, clock: "Callable[[], datetime]" = utcnow) -> None:
        self._database, self._clock = database, clock
        self._table, self._keyring = database.tables.suppressions, database.keyring
        self._changes = Changes(database)

    def get_many(self, keys: "Iterable[str]", scopes: "Iterable[str]" = ()) -> dict[str, Suppression]:
        """See `SuppressionStore.get_many`."""
        wanted = {lookup: key for key in set(map(address_key, keys)) for lookup in self._keyring.lookups(key)}
        if not wanted:
            return {}
        lookups, found = list(wanted), list[Suppression]()
        with self._database.read("read suppressions from") as connection:
            for start in range(0, len(lookups), BATCH):
                condition = self._table.c.lookup.in_(lookups[start : start + BATCH])
                query = select(self._table).where(condition, self._table.c.scope.in_([ALL, *scopes]), *self._active())
                found += [self.suppression(row, wanted[row.lookup]) for row in connection.execute(query)]
        return strongest(found)

    def put(self, suppression: Suppression) -> PutOutcome:
        """See `SuppressionStore.put`."""
        now = in_utc(self._clock())
        suppression = suppression.known_at(now)
        with self._database.write("write a suppression to") as connection:
            state = self._lock(connection, suppression.address, suppression.scope)
            outcome = _outcome(state, suppression, now)
            kept = State(suppression if outcome else state.standing, state.removed_at, state.is_erased)
            self._write(connection, suppression.address, suppression.scope, kept)
            if outcome and not state.is_erased:
                self._changes.add(connection, Change.of("added", suppression, now))
        return outcome

    def replace(self, suppression: Suppression) -> PutOutcome:
        """See `RevisableSuppressions.replace`."""
        now = in_utc(self._clock())
        row = suppression.known_at(now)
        with self._database.write("write a suppression to") as connection:
            state = self._lock(connection, row.address, row.scope)
            standing, outcome = state.standing, PutOutcome.WRITTEN
            if _is_removed_since(state, row, now):
                outcome = PutOutcome.REMOVED_SINCE
            elif standing and standing.active(now) and standing.actor != row.actor:
                outcome = PutOutcome.OUTRANKED
            kept = State(row if outcome else standing, state.removed_at, state.is_erased)
            self._write(connection, row.address, row.scope, kept)
            if outcome and not state.is_erased:
                self._changes.add(connection, Change.of("added" if row.active(now) else "removed", row, now))
        return outcome

    def removed_at(self, address: str) -> "datetime | None":
        """See `RevisableSuppressions.removed_at`."""
        lookups, columns = self._keyring.lookups(address_key(address)), self._table.c
        query = select(columns.removed_at).where(columns.lookup.in_(lookups), columns.scope == ALL)
        with self._database.read("read a removal from") as connection:
            found = [moment for moment in connection.execute(query).scalars() if moment]
        recent = in_utc(self._clock()) - REMEMBERED
        return max((moment for moment in found if moment > recent), default=None)

    def remove(self, address: str, *, scope: str = ALL, actor: str = "", why: str = "") -> bool:
        """See `SuppressionStore.remove`."""
        check_scope(scope)
        address, now = address_key(address), in_utc(self._clock())
        with self._database.write("remove a suppression from") as connection:
            state = self._lock(connection, address, scope)
            self._write(connection, address, scope, State(None, now, state.is_erased))
            if state.standing and not state.is_erased:
                change = Change(address, scope, now, "removed", state.standing.reason, why, actor)
                self._changes.add(connection, change)
        return state.standing is not None and state.standing.active(now)

    def iterate(self, limit: int = 10_000) -> "Iterator[Suppression]":
        """See `SuppressionStore.iterate`. Erased addresses are left out: only their hashes are known."""
        columns, given = self._table.c, 0
        last: tuple[str, str] | None = None
        while given < limit:  # ends: each page begins where the last one ended
            query = select(self._table).where(columns.address.is_not(None), *self._active())
            if last:
                query = query.where(tuple_(columns.lookup, columns.scope) > last)
            query = query.order_by(columns.lookup, columns.scope).limit(min(PAGE, limit - given))
            with self._database.read("list the suppressions in") as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            last, given = (rows[-1].lookup, rows[-1].scope), given + len(rows)
            yield from map(self.suppression, rows)

    def history(self, address: str) -> list[Change]:
        """What was done to the suppressions of an address, oldest first."""
        return self._changes.of(address_key(address))

    def rewrite(self, connection: "Connection", address: str, scope: str) -> None:
        """Write what is known of an address again, with the current key."""
        self._write(connection, address, scope, self._lock(connection, address, scope))

    def row_address(self, row: "Row[tuple[object, ...]]") -> str:
        """The address of a row that was not erased."""
        return self._keyring.open(row.address, row.key_id, _about(row.lookup, row.scope, "address"))

    def erase(self, connection: "Connection", address: str) -> int:
        """Keep the keyed hash of an address alone; return how many rows held more."""
        columns, lookups = self._table.c, self._keyring.lookups(address)
        found = connection.execute(select(columns.scope, columns.address).where(columns.lookup.in_(lookups))).all()
        for scope in {row.scope for row in found}:
            state = self._lock(connection, address, scope)
            self._write(connection, address, scope, State(state.standing, state.removed_at, is_erased=True))
        return sum(row.address is not None for row in found)

    def _lock(self, connection: "Connection", address: str, scope: str) -> State:
        """What is known of an address. Other writers of the same address wait until the transaction ends.

        The row is inserted first: what is not there cannot be locked.
        """
        lookups, columns = self._keyring.lookups(address), self._table.c
        empty = {"key_id": self._keyring.current, "detail": "", "message_id": "", "feedback_id": "", "actor": ""}
        insert = insert_into(self._table, connection).on_conflict_do_nothing()
        connection.execute(insert.values(lookup=lookups[0], scope=scope, **empty))
        chosen = select(self._table).where(columns.lookup.in_(lookups), columns.scope == scope)
        rows = connection.execute(chosen.order_by(columns.lookup).with_for_update()).all()
        standing = [self.suppression(row, address) for row in rows if row.reason is not None]
        return State(
            max(standing, key=lambda one: one.rank, default=None),
            max((row.removed_at for row in rows if row.removed_at), default=None),
            any(row.address is None and (row.reason or row.removed_at) for row in rows),
        )

    def _write(self, connection: "Connection", address: str, scope: str, state: State) -> None:
        """Write the row under the current key, and delete it under other keys."""
        columns, (lookup, *others) = self._table.c, self._keyring.lookups(address)
        here = (columns.lookup == lookup, columns.scope == scope)
        connection.execute(update(self._table).where(*here).values(self._values(address, lookup, scope, state)))
        connection.execute(delete(self._table).where(columns.lookup.in_(others), columns.scope == scope))

    def _values(self, address: str, lookup: str, scope: str, state: State) -> dict[str, object]:
        row, hidden = state.standing, state.is_erased
        values: dict[str, object] = {
            "key_id": self._keyring.current,
            "address": None if hidden else self._keyring.seal(storable(address), _about(lookup, scope, "address")),
            "reason": row.reason if row else None,
            "created_at": row.created_at if row else None,
            "expires_at": row.expires_at if row else None,
            "removed_at": state.removed_at,
        }
        detail = "" if hidden or not row else storable(row.detail)
        values["detail"] = self._keyring.seal(detail, _about(lookup, scope, "detail"))
        for name in ("message_id", "feedback_id", "actor"):
            values[name] = "" if hidden or not row else storable(cast("str", getattr(row, name)))
        return values

    def suppression(self, row: "Row[tuple[object, ...]]", address: str = "") -> Suppression:
        """The suppression in a row, read leniently: one with an unknown reason, of a newer version, must still hold."""
        return Suppression(
            address=address or self.row_address(row),
            reason=row.reason if row.reason in REASONS else "manual",
            detail=row.detail and self._keyring.open(row.detail, row.key_id, _about(row.lookup, row.scope, "detail")),
            created_at=row.created_at,
            message_id=row.message_id,
            feedback_id=row.feedback_id,
            expires_at=row.expires_at,
            scope=row.scope,
            actor=row.actor,
        )

    def _active(self) -> "tuple[ColumnElement[bool], ...]":
        ends = self._table.c.expires_at
        return self._table.c.reason.is_not(None), or_(ends.is_(None), ends > in_utc(self._clock()))


def _outcome(state: State, suppression: Suppression, now: "datetime") -> PutOutcome:
    if _is_removed_since(state, suppression, now):
        return PutOutcome.REMOVED_SINCE
    if state.standing and not suppression.outranks(state.standing):
        return PutOutcome.OUTRANKED
    return PutOutcome.WRITTEN


def _is_removed_since(state: State, suppression: Suppression, now: "datetime") -> bool:
    removed = state.removed_at
    return bool(removed) and suppression.created_at <= removed and now < removed + REMEMBERED


def _about(lookup: str, scope: str, column: str) -> str:
    return f"suppressions {lookup} {scope} {column}"
