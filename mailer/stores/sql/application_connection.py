"""The application's own connection, of whatever library: which kind it is, and how values are given to it."""

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from sqlalchemy.exc import StatementError

from mailer.errors import ConfigurationError
from mailer.stores.sql.url import POSTGRESQL, SQLITE

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy.engine import Connection

CONNECTIONS = (
    "Pass a SQLAlchemy Session or Connection (also asynchronous), a psycopg or sqlite3 connection, "
    "django.db.connection, or None for a transaction of its own."
)
# The package that a class of a connection comes from, and how it is used. The first that fits.
_KINDS = (
    ("sqlalchemy.ext.asyncio", "async sqlalchemy"),
    ("sqlalchemy", "sqlalchemy"),
    ("psycopg", "psycopg"),
    ("sqlite3", "sqlite3"),
    ("django", "django"),
)
BY_CURSOR = frozenset({"psycopg", "sqlite3", "django"})


def kind_of(connection: object) -> str:
    """Which of the libraries' connections it is; empty for none."""
    for base in type(connection).__mro__:
        for package, kind in _KINDS:
            if f"{base.__module__}.".startswith(f"{package}."):
                return f"async {kind}" if kind == "psycopg" and base.__name__.startswith("Async") else kind
    return ""


def connection_of(given: object) -> "Connection":
    """The connection of a session's transaction, which begins now if it has not."""
    connection = getattr(given, "connection", None)
    return cast("Connection", connection() if callable(connection) else given)


def database_of(kind: str, connection: object) -> str:
    """The database that a connection with cursors is to: `sqlite` or `postgresql`.

    Raises:
        ConfigurationError: It is to another one.
    """
    if kind != "django":
        return SQLITE if kind == "sqlite3" else POSTGRESQL
    vendor = str(getattr(connection, "vendor", ""))
    if vendor not in {SQLITE, POSTGRESQL}:
        words = f"The outbox needs PostgreSQL or SQLite; this connection is to {vendor or 'something else'}."
        raise ConfigurationError(words, hint="Pass the connection of such a database: django.db.connections['name'].")
    return vendor


def placeholder(*, named: bool) -> str:
    """How a parameter is written, with its name in the place of the braces."""
    return ":{}" if named else "%({})s"


def written(value: object, database: str) -> object:
    """SQLite has no times: the text that SQLAlchemy stores for them."""
    if isinstance(value, datetime) and database == SQLITE:
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return value


@contextmanager
def safe_errors() -> "Generator[None]":
    """Let errors pass without the parameters, which are addresses and codes, and say what may be wrong."""
    try:
        yield
    except StatementError as error:
        error.hide_parameters = True
        _note(error)
        raise
    except Exception as error:
        _note(error)
        raise


def _note(error: Exception) -> None:
    if "outbox" in str(error):
        error.add_note("If the table of the outbox is missing, run `mailer store migrate --store URL`.")
