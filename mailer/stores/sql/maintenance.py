"""What keeps the tables small and the keys fresh: clean-up, key rotation, erasure."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import and_, delete, func, or_, select

from mailer.address import address_key
from mailer.errors import ConfigurationError
from mailer.stores.base import REMEMBERED, in_utc
from mailer.stores.sql.encryption import VARIABLE
from mailer.stores.tokens import AUDIT, KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.engine import Connection, Row

    from mailer.stores.sql.database import Database
    from mailer.stores.sql.suppressions import SqlSuppressions

    Rewrite = Callable[[Connection, Row[tuple[object, ...]]], None]

# Rows of one transaction, so that other writers do not wait for long.
BATCH = 500
HISTORY = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a key rotation did.

    Attributes:
        rewritten: Rows that are encrypted with the current key now.
        hashes: Erased addresses whose hash still needs an old key, because the address is not known any more.
        keys: The ids of the keys that the store still needs; all others can be deleted.
    """

    rewritten: int
    hashes: int
    keys: tuple[str, ...]


def clean_up(database: "Database", now: "datetime", history: timedelta, log: timedelta) -> dict[str, int]:
    """Delete what has expired, a batch a transaction; return how many rows of each table were deleted."""
    tables, now = database.tables, in_utc(now)
    suppressions = tables.suppressions.c
    ended = or_(suppressions.reason.is_(None), suppressions.expires_at <= now)
    forgotten = or_(suppressions.removed_at.is_(None), suppressions.removed_at <= now - REMEMBERED)
    expired: dict[str, tuple[Table, ColumnElement[bool]]] = {
        "suppressions": (tables.suppressions, and_(ended, forgotten)),
        "history": (tables.history, tables.history.c.at <= now - history),
        "events": (tables.events, tables.events.c.expires_at <= now),
        "idempotency": (tables.idempotency, tables.idempotency.c.expires_at <= now),
        "messages": (tables.messages, tables.messages.c.sent_at <= now - log),
        "tags": (tables.tags, tables.tags.c.sent_at <= now - log),
        **expired_tokens(database, now),
        "soft_bounces": (tables.soft_bounces, tables.soft_bounces.c.expires_at <= now),
        "counters": (tables.counters, tables.counters.c.expires_at <= now),
    }
    return {name: delete_batches(database, table, condition) for name, (table, condition) in expired.items()}


def expired_tokens(database: "Database", now: "datetime") -> "dict[str, tuple[Table, ColumnElement[bool]]]":
    """The tables of verification tokens, and which of their rows are not needed any more."""
    tables, now = database.tables, in_utc(now)
    return {
        "tokens": (tables.tokens, tables.tokens.c.expires_at <= now - KEPT),
        "token_limits": (tables.token_limits, tables.token_limits.c.expires_at <= now),
        "token_events": (tables.token_events, tables.token_events.c.at <= now - AUDIT),
    }


def delete_batches(database: "Database", table: "Table", condition: "ColumnElement[bool]") -> int:
    """Delete the rows that match, a batch a transaction; return how many there were."""
    key, deleted = list(table.primary_key), 0
    while True:  # ends: each turn deletes rows, and new ones have not expired
        with database.write("clean up") as connection:
            rows = connection.execute(select(*key).where(condition).limit(BATCH)).all()
            for row in rows:
                here = and_(*(column == value for column, value in zip(key, row, strict=True)))
                # The condition again: another process may have written the row since.
                deleted += connection.execute(delete(table).where(here, condition)).rowcount
        if len(rows) < BATCH:
            return deleted


class Erasable(Protocol):
    """A part of a store that names people."""

    def erase(self, connection: "Connection", key: str, /) -> int:
        """Remove what names a person; return how many rows were changed or deleted."""
        ...


def erase(database: "Database", parts: "Iterable[Erasable]", address: str) -> int:
    """Remove what names a person, and keep the keyed hash; return how many rows were changed or deleted.

    Raises:
        ConfigurationError: The store has no key: a plain hash of an address can be reversed by guessing.
    """
    if not database.keyring.keys:
        hint = f"Set {VARIABLE} (`mailer store new-key`) and run `mailer store rotate`; then erase."
        raise ConfigurationError("Erasure needs a key: a hash without one can be reversed by guessing.", hint=hint)
    key = address_key(address)
    with database.write("erase an address in") as connection:
        return sum(part.erase(connection, key) for part in parts)


def rotate(database: "Database", suppressions: "SqlSuppressions", rewrites: "Mapping[Table, Rewrite]") -> Rotation:
    """Encrypt all rows with the current key, a batch a transaction. May be interrupted and started again.

    Args:
        database: Where the rows are.
        suppressions: The suppression list.
        rewrites: What writes a row of each other table that has encrypted columns again.
    """

    def again(connection: "Connection", row: "Row[tuple[object, ...]]") -> None:
        suppressions.rewrite(connection, suppressions.row_address(row), row.scope)

    tables = database.tables
    rewritten = _rewrite(database, tables.suppressions, again, tables.suppressions.c.address.is_not(None))
    rewritten += sum(_rewrite(database, table, write) for table, write in rewrites.items())
    with database.write("rotate the keys of") as connection:
        needed = {
            key_id
            for table in (tables.suppressions, *rewrites)
            for key_id in connection.execute(select(table.c.key_id).distinct()).scalars()
        } | {database.keyring.current}
        connection.execute(delete(tables.keys).where(tables.keys.c.key_id.not_in(needed)))
        stale = select(func.count()).where(tables.suppressions.c.key_id != database.keyring.current)
        hashes = connection.execute(stale).scalar_one()
    return Rotation(rewritten, hashes, tuple(sorted(needed - {""})))


def _rewrite(
    database: "Database",
    table: "Table",
    write: "Rewrite",
    *conditions: "ColumnElement[bool]",
) -> int:
    query = select(table).where(table.c.key_id != database.keyring.current, *conditions).limit(BATCH)
    rewritten = 0
    while True:  # ends: what is written again does not match any more
        with database.write("rotate the keys of") as connection:
            rows = connection.execute(query.with_for_update(skip_locked=True)).all()
            for row in rows:
                write(connection, row)
        rewritten += len(rows)
        if not rows:
            return rewritten
