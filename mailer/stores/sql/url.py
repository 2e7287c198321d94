"""The URL of a store, such as `postgresql://user@host/name?schema=mail` or `sqlite:///mail.db`, and what it may say."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from mailer.errors import ConfigurationError
from mailer.stores.sql.tables import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

SQLITE, POSTGRESQL = "sqlite", "postgresql"
# The driver of each scheme. `postgres` is what hosting companies write.
DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
EXAMPLES = "Write postgresql://user:password@host/name or sqlite:////absolute/path.db."
# Seconds a statement of PostgreSQL may take, and a writer of SQLite waits for another.
STATEMENT_SECONDS, BUSY_SECONDS, CONNECT_SECONDS = 10, 10, 5
# PostgreSQL cuts names after 63 bytes; the longest table and index name have 40 besides the prefix.
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,19}\Z")
_DIGITS = 5
_YES_NO = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Location:
    """Where the tables are, read from a URL.

    Attributes:
        url: What SQLAlchemy connects to.
        schema: The schema of the tables; None for the database's default.
        prefix: The beginning of each table's name.
        migrate: Whether the tables are created and updated when the store is first used.
        log_days: How long the message log is kept; 0 for none.
        notify: Whether a mail in the outbox wakes the relays by NOTIFY.
    """

    url: URL
    schema: str | None = None
    prefix: str = PREFIX
    migrate: bool = True
    log_days: int = 0
    notify: bool = True

    @classmethod
    def parse(cls, text: str) -> "Location":
        """Read a URL. The driver gets what its query holds besides `schema`, `prefix`, `migrate`, `log_days`, `notify`.

        Raises:
            ConfigurationError: It is not the URL of a database that is supported.
        """
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):  # the text may hold a password
            raise ConfigurationError("The store's URL cannot be read.", hint=EXAMPLES) from None
        if url.drivername not in DRIVERS:
            words = f"No store is available for {url.drivername[:40]!r} databases."
            raise ConfigurationError(words, hint=EXAMPLES)
        query = url.query
        place = cls(
            url.set(drivername=DRIVERS[url.drivername]).difference_update_query(
                ("schema", "prefix", "migrate", "log_days", "notify")
            ),
            _name(query, "schema", None),
            _name(query, "prefix", PREFIX) or PREFIX,
            _switch(query, "migrate"),
            _days(query, "log_days"),
            _switch(query, "notify"),
        )
        place._check()
        return place

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite."""
        return self.url.drivername == SQLITE

    @property
    def shown(self) -> str:
        """The place without its password, for errors."""
        if self.is_sqlite:
            return f"the SQLite database {self.url.database}"
        return f"the PostgreSQL database {self.url.database or ''} on {self.url.host or 'the local socket'}"

    @property
    def notifies(self) -> bool:
        """Whether writers notify the relays, which then listen."""
        return self.notify and not self.is_sqlite

    @property
    def channel(self) -> str:
        """The channel of PostgreSQL's NOTIFY that wakes the relays of the outbox."""
        return f"{self.schema + '_' if self.schema else ''}{self.prefix}outbox"

    def connect_args(self) -> dict[str, object]:
        """The driver's arguments, with a time limit for everything that could wait for ever."""
        if self.is_sqlite:
            return {"timeout": BUSY_SECONDS}
        milliseconds = STATEMENT_SECONDS * 1000
        chosen: dict[str, object] = {
            "connect_timeout": CONNECT_SECONDS,
            # For a peer that no longer answers: https://www.postgresql.org/docs/current/libpq-connect.html
            "tcp_user_timeout": milliseconds,
            "application_name": "mailstack",
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds} -c timezone=UTC",
        }
        given = {name: value for name, value in chosen.items() if name not in self.url.query}
        # Prepared statements break behind a pooler that changes the session with each transaction.
        return {**given, "prepare_threshold": None}

    def create_file(self) -> None:
        """Create the file of SQLite, readable by its owner alone: it holds addresses."""
        if self.is_sqlite and self.url.database:
            path = Path(self.url.database)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            except OSError as error:
                words = f"The SQLite database {path} cannot be opened: {error.strerror}."
                raise ConfigurationError(words, hint="Name a file in a folder that this user may write.") from None

    def _check(self) -> None:
        database = self.url.database or ""
        if self.is_sqlite and (not database or database.startswith((":memory:", "file:"))):
            hint = "Name a file: sqlite:///mail.db. For tests, use mailer.testing."
            raise ConfigurationError("A SQLite store needs a file; each connection would see its own data.", hint=hint)
        if self.is_sqlite and self.schema:
            raise ConfigurationError("SQLite has no schemas.", hint="Use prefix=… in the store's URL instead.")


def _switch(query: "Mapping[str, object]", name: str) -> bool:
    value = query.get(name, "yes")
    if value not in _YES_NO:
        raise ConfigurationError(f"{name}={value!r} in the store's URL is not yes or no.", hint=f"Write {name}=no.")
    return _YES_NO[str(value)]


def _days(query: "Mapping[str, object]", name: str) -> int:
    value = query.get(name, "0")
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < _DIGITS):
        raise ConfigurationError(f"{name}={value!r} in the store's URL is not a number.", hint=f"Write {name}=30.")
    return int(value)


def _name(query: "Mapping[str, object]", name: str, default: str | None) -> str | None:
    value = query.get(name, default)
    if value is not None and not (isinstance(value, str) and _NAME.match(value)):
        hint = "Use at most 20 lower-case letters, digits and underscores."
        raise ConfigurationError(f"{name}={value!r} in the store's URL is not a name.", hint=hint)
    return value
