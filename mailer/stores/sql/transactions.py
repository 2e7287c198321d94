"""Writes to the outbox within the application's own transaction: the mail leaves only if that transaction commits.

Takes a SQLAlchemy `Session` or `Connection`, their asynchronous forms, a connection of psycopg or `sqlite3`, and
Django's `django.db.connection`. Nothing is committed here, and errors of the application's connection keep their class.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, select

from mailer.errors import ConfigurationError, IdempotencyConflict, StoreError
from mailer.stores.sql.application_connection import (
    BY_CURSOR,
    CONNECTIONS,
    connection_of,
    database_of,
    kind_of,
    placeholder,
    safe_errors,
    written,
)
from mailer.stores.sql.database import insert_into
from mailer.stores.sql.url import POSTGRESQL, SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

    from mailer.stores.outbox import NewMail
    from mailer.stores.sql.outbox import SqlOutbox


@dataclass(frozen=True, slots=True)
class Written:
    """A mail that is in the outbox.

    Attributes:
        id: Its id; with an idempotency key that was used before, that of the earlier mail.
        replayed: Whether it was there before.
    """

    id: str
    replayed: bool = False


def write(outbox: "SqlOutbox", mail: "NewMail", connection: object | None) -> Written:
    """Write a mail by the application's connection; None: in a transaction of its own, which is committed.

    Raises:
        ConfigurationError: The connection is of no kind that is supported.
        IdempotencyConflict: The key was used for another mail.
        StoreError: Without a connection: the database cannot be reached.
    """
    if connection is None:
        with outbox.database.write("write a mail to") as own:
            return _by_sqlalchemy(outbox, mail, own)
    kind = kind_of(connection)
    _prepare(outbox)
    if kind == "sqlalchemy":
        return _in_sync(outbox, mail, connection)
    if kind in BY_CURSOR:
        cursor = cast("Any", connection).cursor()
        return write_by_cursor(outbox, mail, cursor, database=database_of(kind, connection), named=kind == "sqlite3")
    hint = "Use `await mailer.aenqueue(...)`." if kind.startswith("async ") else CONNECTIONS
    raise ConfigurationError(f"enqueue cannot write by a {type(connection).__qualname__}.", hint=hint)


async def awrite(outbox: "SqlOutbox", mail: "NewMail", connection: object | None) -> Written:
    """As `write`, for asynchronous connections, too. Others block the event loop for their statements."""
    from asyncio import to_thread

    kind, given = "" if connection is None else kind_of(connection), cast("Any", connection)
    await to_thread(_prepare, outbox)
    if kind == "async sqlalchemy":
        return cast("Written", await given.run_sync(partial(_in_sync, outbox, mail)))
    if kind == "async psycopg":
        return await _awrite_by_cursor(outbox, mail, given.cursor())
    if connection is None:
        return await to_thread(write, outbox, mail, None)
    return write(outbox, mail, connection)


def _in_sync(outbox: "SqlOutbox", mail: "NewMail", given: object) -> Written:
    return _by_sqlalchemy(outbox, mail, connection_of(given))


def write_by_cursor(
    outbox: "SqlOutbox", mail: "NewMail", cursor: Any, *, database: str, named: bool = False
) -> Written:
    """Write by a cursor of the DB-API (PEP 249), and close it.

    Args:
        outbox: Where the table is.
        mail: The mail.
        cursor: A new cursor of the application's connection.
        database: `sqlite` or `postgresql`.
        named: Whether it takes parameters as `:name` and not as `%(name)s`.
    """
    statements = _Statements.of(outbox, mail, database, named=named)
    try:
        with safe_errors():
            cursor.execute(*statements.insert)
            if not cursor.rowcount:
                cursor.execute(*statements.earlier)
                return _earlier(mail, cursor.fetchone())
            if statements.notify:
                cursor.execute(*statements.notify)
    finally:
        cursor.close()
    return Written(mail.id)


async def _awrite_by_cursor(outbox: "SqlOutbox", mail: "NewMail", cursor: Any) -> Written:
    statements = _Statements.of(outbox, mail, POSTGRESQL)
    try:
        with safe_errors():
            await cursor.execute(*statements.insert)
            if not cursor.rowcount:
                await cursor.execute(*statements.earlier)
                return _earlier(mail, await cursor.fetchone())
            if statements.notify:
                await cursor.execute(*statements.notify)
    finally:
        await cursor.close()
    return Written(mail.id)


def _by_sqlalchemy(outbox: "SqlOutbox", mail: "NewMail", connection: "Connection") -> Written:
    table, name = outbox.database.tables.outbox, connection.dialect.name
    if name not in {SQLITE, POSTGRESQL}:
        raise ConfigurationError(
            f"The outbox needs PostgreSQL or SQLite; this connection is to {name}.", hint=CONNECTIONS
        )
    insert = insert_into(table, connection).values(outbox.values(mail)).on_conflict_do_nothing(index_elements=["key"])
    with safe_errors():
        if not connection.execute(insert.returning(table.c.id)).first():
            earlier = select(table.c.id, table.c.fingerprint).where(table.c.key == mail.key)
            return _earlier(mail, cast("Any", connection.execute(earlier).first()))
        if _notifies(outbox, mail, name):
            connection.execute(select(func.pg_notify(outbox.database.channel, "")))
    return Written(mail.id)


def _prepare(outbox: "SqlOutbox") -> None:
    """Create the tables. Not in SQLite, where the application may hold the only write lock already."""
    if not outbox.database.is_sqlite:
        outbox.database.prepare()


Statement = tuple[str, dict[str, object]]


@dataclass(frozen=True, slots=True)
class _Statements:
    """What is executed by a cursor, each with its parameters.

    Attributes:
        insert: Writes the row, unless its idempotency key is there.
        earlier: Reads the row with that key.
        notify: Wakes the relays at the commit; None for SQLite, and for a mail that is to be sent later.
    """

    insert: Statement
    earlier: Statement
    notify: Statement | None

    @classmethod
    def of(cls, outbox: "SqlOutbox", mail: "NewMail", database: str, *, named: bool = False) -> "_Statements":
        """The statements for a kind of database and of parameters. Names of tables are checked in the store's URL."""
        table = outbox.database.tables.outbox
        style = placeholder(named=named)
        values = {name: written(value, database) for name, value in outbox.values(mail).items()}
        places, name = ", ".join(map(style.format, values)), table.fullname
        notify: Statement = (
            f"SELECT pg_notify({style.format('channel')}, '')",
            {"channel": outbox.database.channel},
        )
        return cls(
            (f"INSERT INTO {name} ({', '.join(values)}) VALUES ({places}) ON CONFLICT (key) DO NOTHING", values),  # noqa: S608
            (f"SELECT id, fingerprint FROM {name} WHERE key = {style.format('key')}", {"key": mail.key}),  # noqa: S608
            notify if _notifies(outbox, mail, database) else None,
        )


def _notifies(outbox: "SqlOutbox", mail: "NewMail", database: str) -> bool:
    """Whether relays are notified: not of a mail that is to be sent later, which they find by themselves."""
    return database == POSTGRESQL and outbox.database.notify and mail.send_at <= mail.created_at


def _earlier(mail: "NewMail", row: "Iterable[object] | None") -> Written:
    """The mail that has the key. A row may be a tuple or a mapping, as the application has set its connection."""
    if row is None:
        raise StoreError(
            "The idempotency key of a mail was in use and is not any more: another transaction deleted the mail.",
            hint="Run the transaction again.",
        )
    id_, fingerprint = cast("dict[str, object]", row).values() if isinstance(row, dict) else row
    if fingerprint != mail.fingerprint:
        raise IdempotencyConflict(
            f"The idempotency key was used for another mail of the outbox, with the id {id_}.",
            hint="Use one key for one mail: put what differs into the key, such as the order's number.",
        )
    return Written(str(id_), replayed=True)
