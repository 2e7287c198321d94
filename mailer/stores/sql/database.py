"""What the SQL stores share: connections, transactions, and what an error means."""

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import create_engine, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mailer.errors import ConfigurationError, StoreError
from mailer.install import install_command
from mailer.redaction import raise_masked, redact
from mailer.stores.sql.encryption import VARIABLE
from mailer.stores.sql.migrate import is_current, upgrade
from mailer.stores.sql.tables import Tables
from mailer.stores.sql.url import BUSY_SECONDS, SQLITE
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextlib import AbstractContextManager

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection, Engine
    from sqlalchemy.pool import Pool

    from mailer.stores.sql.encryption import Keyring
    from mailer.stores.sql.url import Location

# Connections that stay open, that may be opened besides, and the seconds a thread waits for one.
KEPT, FURTHER, WAIT_SECONDS = 5, 15, 10
# A connection is not used for longer, in seconds: a failover may have moved the server.
AGE = 600
_READ = "mailstack_read"


class Database(Protocol):
    """Where the tables of the stores are. Threads may share it.

    Attributes:
        tables: The tables.
        keyring: What encrypts addresses.
        log_days: How long the message log is kept; 0 for none.
        is_sqlite: Whether it is SQLite; else it is PostgreSQL.
        channel: The channel of PostgreSQL's NOTIFY that wakes the relays of the outbox.
        notify: Whether writers wake the relays.
        shown: Its name without a password, for people.
    """

    tables: Tables
    keyring: "Keyring"
    log_days: int
    is_sqlite: bool
    channel: str
    notify: bool
    shown: str

    @property
    def place(self) -> "Location | None":
        """Where further connections can be opened; None if the connections are another library's."""
        ...

    def prepare(self) -> None:
        """See that the tables are there."""
        ...

    def read(self, doing: str) -> "AbstractContextManager[Connection]":
        """A connection that only reads. `doing` completes "Could not … the database"."""
        ...

    def write(self, doing: str) -> "AbstractContextManager[Connection]":
        """A connection in a transaction, which is committed at the end and rolled back by an error."""
        ...

    def migrate(self) -> None:
        """Create the tables, or update them to this version of the library."""
        ...

    def close(self) -> None:
        """Close the connections. Later calls open new ones."""
        ...


class EngineDatabase:
    """A `Database` with connections of its own. A forked process gets connections of its own, too."""

    def __init__(self, place: "Location", keyring: "Keyring") -> None:
        self.place = place
        self.keyring, self.log_days = keyring, place.log_days
        self.is_sqlite, self.channel, self.notify = place.is_sqlite, place.channel, place.notify
        self.shown = place.shown
        self.tables = Tables.create(place.prefix, place.schema)
        self._engine = _engine(place)
        self._lock = Lock()
        self._ready = False
        self._inherited: list[Pool] = []
        belongs_to_process(self)

    @contextmanager
    def read(self, doing: str) -> "Generator[Connection]":
        """See `Database`."""
        self.prepare()
        with self._translated(doing), self._reading() as connection:
            yield connection

    @contextmanager
    def write(self, doing: str) -> "Generator[Connection]":
        """See `Database`."""
        self.prepare()
        with self._translated(doing), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> "Generator[Connection]":
        with self._engine.connect() as connection:
            mode = {_READ: True} if self.place.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
            yield connection.execution_options(**mode)

    def migrate(self) -> None:
        """Create the tables, or update them to this version of the library. One process at a time does it."""
        self.place.create_file()
        with self._translated("migrate"), self._engine.begin() as connection:
            upgrade(connection, self.place.prefix, self.place.schema)

    def close(self) -> None:
        """Close the connections. Later calls open new ones."""
        self._engine.dispose()

    def after_fork(self) -> None:
        """Leave the parent's connections alone: a close in the child would end its sessions."""
        self._inherited.append(self._engine.pool)
        self._engine.dispose(close=False)
        self._lock = Lock()

    def prepare(self) -> None:
        """See that the tables are there, and create them unless the URL says otherwise. Done before the first use."""
        if self._ready:
            return
        with self._lock:
            if self._ready:
                return
            self.place.create_file()
            with self._translated("open"), self._reading() as connection:
                current = is_current(connection, self.place.prefix, self.place.schema)
            if not current and not self.place.migrate:
                words = f"The tables in {self.place.shown} are missing or out of date, and its URL says migrate=no."
                raise StoreError(words, hint="Run `mailer store migrate` as a user who may create tables.")
            if not current:
                self.migrate()
            self._check_keys()
            self._ready = True

    def _check_keys(self) -> None:
        with self._translated("read the key ids of"), self._reading() as connection:
            is_new = is_new_key(connection, self.tables.keys, self.keyring, self.place.shown)
        if is_new:
            with self._translated("write a key id to"), self._engine.begin() as connection:
                record_key(connection, self.tables.keys, self.keyring)

    @contextmanager
    def _translated(self, doing: str) -> "Generator[None]":
        try:
            yield
        except SQLAlchemyError as error:
            # The driver's error: SQLAlchemy's own text has the statement.
            theirs = error.orig if isinstance(error, DBAPIError) and error.orig else error
            cause = redact(str(theirs)).strip()
            ours = f"Could not {doing} {self.place.shown}: {cause}"
            raise_masked(StoreError(ours, hint=hint_for(cause)), theirs)


def is_new_key(connection: "Connection", table: "Table", keyring: "Keyring", shown: str) -> bool:
    """Whether the current key has encrypted no row of a database yet.

    Raises:
        StoreError: A key is missing: addresses would not be found, and mail would be sent to them.
    """
    there = set(connection.execute(select(table.c.key_id)).scalars())
    mine = [key.id for key in keyring.keys]
    if missing := sorted(there - set(mine)):
        words = f"Rows in {shown} are encrypted with keys that are missing: {', '.join(missing)}."
        raise StoreError(words, hint=f"Add them to {VARIABLE}, behind the current key.")
    return bool(mine) and mine[0] not in there


def record_key(connection: "Connection", table: "Table", keyring: "Keyring") -> None:
    """Record that the current key encrypts rows."""
    connection.execute(insert_into(table, connection).on_conflict_do_nothing().values(key_id=keyring.current))


def insert_into(table: "Table", connection: "Connection") -> "postgresql.Insert | sqlite.Insert":
    """An INSERT that can say what to do on conflict."""
    return sqlite.insert(table) if connection.dialect.name == SQLITE else postgresql.insert(table)


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot keep: NUL and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


# What to do next, by a part of what the driver says.
_HINTS = {
    "database is locked": f"Another process wrote for over {BUSY_SECONDS} seconds: end it, or use PostgreSQL.",
    "password authentication": "Check the user and the password in the store's URL.",
    "does not exist": "Create the database, role or schema, or run `mailer store migrate` for the tables.",
    "no such table": "Run `mailer store migrate`.",
    "no such column": "Run `mailer store migrate`.",
    "permission denied": "Grant the user SELECT, INSERT, UPDATE and DELETE on the tables; docs/guides/stores.md.",
    "readonly database": "Give this user write access to the file and its folder.",
    "not a database": "The file is not a SQLite database, or is damaged: name another one or restore a backup.",
    "disk": "Free space on the database's disk.",
    "statement timeout": "The database is overloaded or blocked: look for long transactions.",
    "lock timeout": "Another transaction holds the row: look for long transactions.",
    "too many clients": "Raise max_connections, or put a connection pooler in front of PostgreSQL.",
    "QueuePool": "All connections of this process are in use: look for slow statements.",
    "connect": "Check that PostgreSQL runs, and the host and port in the store's URL; then try again.",
}


def hint_for(cause: str) -> str:
    """What to do next after an error of a database."""
    return next((hint for part, hint in _HINTS.items() if part in cause), "This may be temporary: try again later.")


def _engine(place: "Location") -> "Engine":
    try:
        engine = create_engine(
            place.url,
            connect_args=place.connect_args(),
            hide_parameters=True,  # they are addresses
            pool_pre_ping=not place.is_sqlite,
            pool_recycle=AGE,
            pool_size=KEPT,
            max_overflow=FURTHER,
            pool_timeout=WAIT_SECONDS,
        )
    except ModuleNotFoundError as error:
        words = f"The driver of PostgreSQL is not installed: {error.name}."
        raise ConfigurationError(words, hint=install_command("postgresql")) from error
    if engine.dialect.name == SQLITE:
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: object, _: object) -> None:
    """Leave transactions to `_begin_sqlite`: Python's module would begin them late, as readers.

    https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#pysqlite-serializable
    """
    import sqlite3

    assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - what the dialect connects with
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    # Readers do not wait for a writer: https://www.sqlite.org/wal.html
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    # What is deleted is overwritten: https://www.sqlite.org/pragma.html#pragma_secure_delete
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _begin_sqlite(connection: "Connection") -> None:
    """Take the write lock at the start: a transaction that began as a reader fails at once if another one writes."""
    reads = connection.get_execution_options().get(_READ, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
