"""The SQL stores in Django's own database: their statements run on Django's connections, in its transactions.

The tables are those of the models (`mailer.django.models`), which `manage.py migrate` creates.
"""

from contextlib import contextmanager
from functools import cached_property
from threading import current_thread
from typing import TYPE_CHECKING, Any, cast

from django.db import Error, connections, transaction
from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from mailer.errors import ConfigurationError, StoreError
from mailer.redaction import raise_masked, redact
from mailer.sending.threads import THREAD_NAME
from mailer.stores.sql.database import hint_for, is_new_key, record_key
from mailer.stores.sql.encryption import Keyring, keys_from_environment
from mailer.stores.sql.stores import SqlStores
from mailer.stores.sql.tables import Tables
from mailer.stores.sql.url import DRIVERS, Location

if TYPE_CHECKING:
    from collections.abc import Generator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from sqlalchemy.engine import Connection, Engine

# By Django's `vendor`.
_URLS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}
_OPTIONS: dict[str, dict[str, Any]] = {"sqlite": {"paramstyle": "format"}, "postgresql": {"use_native_hstore": False}}
# Django's OPTIONS that are parameters of libpq: https://www.postgresql.org/docs/current/libpq-connect.html
_OF_LIBPQ = frozenset(
    "application_name channel_binding gssencmode keepalives krbsrvname options passfile service sslcert "  # noqa: SIM905
    "sslcertmode sslcrl sslkey sslmode sslrootcert target_session_attrs".split()
)
_MIGRATE = "Run manage.py migrate."
_HINTS = {
    "no such table": _MIGRATE,
    "no such column": _MIGRATE,
    "does not exist": _MIGRATE,
    "database is locked": "In the database's OPTIONS, set 'transaction_mode' to 'IMMEDIATE' and a longer 'timeout'; "
    "or use PostgreSQL.",
}


def django_stores(alias: str, *, log_days: int) -> SqlStores:
    """The stores in one of Django's databases.

    Args:
        alias: The database, as `DATABASES` names it.
        log_days: How long the message log is kept; 0 for none.

    Raises:
        ConfigurationError: It is neither PostgreSQL nor SQLite, or a key is wrong.
    """
    return SqlStores(DjangoDatabase(alias, Keyring.parse(keys_from_environment()), log_days=log_days))


class DjangoDatabase:
    """A `mailer.stores.sql.database.Database` over Django's connections.

    Args:
        alias: The database, as `DATABASES` names it.
        keyring: What encrypts addresses.
        log_days: How long the message log is kept; 0 for none.

    Raises:
        ConfigurationError: It is neither PostgreSQL nor SQLite.
    """

    def __init__(self, alias: str, keyring: Keyring, *, log_days: int) -> None:
        vendor = connections[alias].vendor
        if vendor not in _URLS:
            words = f"The stores cannot be in the database {alias!r}, which is {vendor}."
            raise ConfigurationError(words, hint="Use PostgreSQL or SQLite, or leave STORE out of MAILSTACK.")
        self.place = _place(alias, log_days)
        self.keyring, self.log_days, self.tables = keyring, log_days, Tables.create()
        self.is_sqlite, self.channel, self.notify = self.place.is_sqlite, self.place.channel, self.place.notify
        self.shown = f"Django's database {alias!r}"
        self._alias, self._vendor, self._is_checked = alias, vendor, False

    @contextmanager
    def read(self, doing: str) -> "Generator[Connection]":
        """See `Database`."""
        with self._translated(doing), self._released():
            self._check_keys()
            with self._reading() as connection:
                yield connection

    @contextmanager
    def write(self, doing: str) -> "Generator[Connection]":
        """See `Database`. In a transaction of Django's, it is a savepoint."""
        with self._translated(doing), self._released():
            self._check_keys()
            with self._writing() as connection:
                yield connection

    def prepare(self) -> None:
        """See `Database`. The tables are Django's business."""
        with self._translated("open"), self._released():
            self._check_keys()

    def migrate(self) -> None:
        """Refuse: Django migrates.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError("The tables of the stores are in Django's database.", hint=_MIGRATE)

    def close(self) -> None:
        """Leave Django's connections to Django."""

    @contextmanager
    def _reading(self) -> "Generator[Connection]":
        if connections[self._alias].in_atomic_block:
            # An error, such as of a missing table, must not break the transaction that the page is in.
            with transaction.atomic(self._alias), self._engine.connect() as connection:
                yield connection
        else:
            with self._engine.connect() as connection:
                yield connection

    @contextmanager
    def _writing(self) -> "Generator[Connection]":
        with self._immediate(), transaction.atomic(self._alias), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _immediate(self) -> "Generator[None]":
        """Begin with `BEGIN IMMEDIATE` in SQLite, where no transaction is open.

        Two transactions that read first and write then cannot both wait for the other: SQLite refuses one at once,
        whatever `timeout` says. https://www.sqlite.org/lang_transaction.html
        """
        wrapper = cast("Any", connections[self._alias])
        if self._vendor != "sqlite" or wrapper.in_atomic_block:
            yield
            return
        wrapper.ensure_connection()  # which has the mode from OPTIONS
        given, wrapper.transaction_mode = wrapper.transaction_mode, "IMMEDIATE"
        try:
            yield
        finally:
            wrapper.transaction_mode = given

    @cached_property
    def _engine(self) -> "Engine":
        """Writes SQL, and has no connection of its own."""
        return create_engine(
            _URLS[self._vendor],
            creator=self._borrowed,
            poolclass=NullPool,
            hide_parameters=True,  # they are addresses
            **_OPTIONS[self._vendor],
        )

    def _borrowed(self) -> Any:
        wrapper = connections[self._alias]
        wrapper.ensure_connection()
        return _Borrowed(wrapper)

    def _check_keys(self) -> None:
        if self._is_checked:
            return
        with self._reading() as connection:
            is_new = is_new_key(connection, self.tables.keys, self.keyring, self.shown)
        if is_new:
            with self._writing() as connection:
                record_key(connection, self.tables.keys, self.keyring)
        # A transaction that is rolled back takes the key's id with it.
        self._is_checked = not connections[self._alias].in_atomic_block

    @contextmanager
    def _released(self) -> "Generator[None]":
        """Close the connection of a thread that Django does not know: it closes those of requests."""
        try:
            yield
        finally:
            if self._is_own_thread() and not connections[self._alias].in_atomic_block:
                connections[self._alias].close()

    def _is_own_thread(self) -> bool:
        """Whether it is a thread of `asend` or `send_many`."""
        return current_thread().name.startswith(THREAD_NAME)

    @contextmanager
    def _translated(self, doing: str) -> "Generator[None]":
        try:
            yield
        except (Error, SQLAlchemyError) as error:
            cause = redact(str(error)).strip()
            hint = next((hint for part, hint in _HINTS.items() if part in cause), hint_for(cause))
            raise_masked(StoreError(f"Could not {doing} {self.shown}: {cause}", hint=hint), error)


def _place(alias: str, log_days: int) -> Location:
    """Where a database of Django's is, for what needs a connection of its own: the relay that waits for NOTIFY."""
    given: dict[str, Any] = dict(connections[alias].settings_dict)
    options = cast("dict[str, object]", given["OPTIONS"])
    url = URL.create(
        DRIVERS[connections[alias].vendor],
        username=given["USER"] or None,
        password=given["PASSWORD"] or None,
        host=given["HOST"] or None,
        port=int(given["PORT"]) if given["PORT"] else None,
        database=str(given["NAME"]) if given["NAME"] else None,
        query={name: value for name, value in options.items() if isinstance(value, str) and name in _OF_LIBPQ},
    )
    return Location(url, migrate=False, log_days=log_days)


class _Borrowed:
    """A connection of Django's for SQLAlchemy, which must not end Django's transactions, close it or change it."""

    def __init__(self, wrapper: "BaseDatabaseWrapper") -> None:
        self._wrapper = wrapper

    def cursor(self) -> Any:
        """Django's cursor, which Django's tools observe (`assertNumQueries`, debug toolbars)."""
        return self._wrapper.cursor()

    def commit(self) -> None:
        """Leave it to `transaction.atomic`."""

    rollback = close = commit

    def _unchanged(self, *_: object, **__: object) -> None:
        """Add nothing to a connection that is not ours."""

    add_notice_handler = create_function = _unchanged

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapper.connection, name)
