"""All stores of one SQL database, created from one URL."""

from datetime import timedelta
from typing import TYPE_CHECKING

from mailer.address import address_key
from mailer.stores.base import utcnow
from mailer.stores.sql.counters import SqlDayCounters
from mailer.stores.sql.database import EngineDatabase
from mailer.stores.sql.encryption import Keyring, keys_from_environment
from mailer.stores.sql.events import SqlEvents
from mailer.stores.sql.history import Changes
from mailer.stores.sql.idempotency import SqlIdempotency
from mailer.stores.sql.maintenance import HISTORY, Rotation, clean_up, erase, rotate
from mailer.stores.sql.messages import DAYS, SqlMessageLog
from mailer.stores.sql.outbox import SqlOutbox
from mailer.stores.sql.rate import SqlRate
from mailer.stores.sql.soft_bounces import SqlSoftBounces
from mailer.stores.sql.suppressions import SqlSuppressions
from mailer.stores.sql.tokens import SqlTokens
from mailer.stores.sql.url import Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from typing import Self

    from mailer.stores.sql.database import Database


class SqlStores:
    """The stores in a database: SQLite for one machine, PostgreSQL for several.

    It connects on first use and creates the tables then; `migrate=no` in the URL leaves that to `mailer store migrate`.
    Threads may share it. A forked process gets connections of its own.

    Args:
        url: `postgresql://user:password@host/name` or `sqlite:///mail.db`. Its query may hold `schema`, `prefix` (of
            the tables; default: `mailstack_`), `migrate=no`, `notify=no`, and `log_days`, which turns the message log
            on. Or a `mailer.stores.sql.database.Database`, which has its keys.
        keys: Keys in base64 that encrypt addresses at rest, the current one first. Default: those in the environment
            variable `MAILSTACK_STORE_KEYS`, with commas between them; without it, nothing is encrypted.
        clock: The time now, with a zone.

    Attributes:
        suppressions: The suppression list.
        events: Processed events.
        idempotency: Idempotency keys.
        soft_bounces: What is known of mailboxes that bounce for now.
        messages: The message log; None without `log_days`.
        log: The same, and what an earlier `log_days` left of it.
        counters: The counts of days that are over.
        rate: The sending rate that workers share.
        outbox: Mails that are to be sent, and what became of them.
        tokens: Verification codes and links.

    Raises:
        ConfigurationError: The URL or a key is wrong, or a package is missing.

    Example:
        >>> from tempfile import mkdtemp
        >>> from mailer import Suppression
        >>> with SqlStores(f"sqlite:///{mkdtemp()}/mail.db") as stores:
        ...     stores.suppressions.put(Suppression("ada@example.com", "manual"))
        ...     list(stores.suppressions.get_many(["Ada@Example.com"]))
        <PutOutcome.WRITTEN: 'written'>
        ['ada@example.com']
    """

    def __init__(
        self,
        url: "str | Database",
        *,
        keys: "Iterable[str] | None" = None,
        clock: "Callable[[], datetime]" = utcnow,
    ) -> None:
        self._database: Database = _opened(url, keys) if isinstance(url, str) else url
        self._clock = clock
        self.suppressions = SqlSuppressions(self._database, clock=clock)
        self.events = SqlEvents(self._database, clock=clock)
        self.idempotency = SqlIdempotency(self._database, clock=clock)
        self.rate = SqlRate(self._database)
        self.soft_bounces = SqlSoftBounces(self._database, clock=clock)
        self._changes = Changes(self._database)
        self.log = SqlMessageLog(self._database, self._database.log_days or DAYS, clock=clock)
        self.messages = self.log if self._database.log_days else None
        self.counters = SqlDayCounters(self._database, clock=clock)
        self.outbox = SqlOutbox(self._database, clock=clock)
        self.tokens = SqlTokens(self._database)

    def lookups(self, address: str) -> "tuple[str, ...]":
        """The values of the column `lookup` that an address may stand under."""
        return self._database.keyring.lookups(address_key(address))

    def migrate(self) -> None:
        """Create the tables, or update them to this version of the library.

        Raises:
            StoreError: The database cannot be reached, or the user may not create tables.
        """
        self._database.migrate()

    def clean_up(self, history: timedelta = HISTORY) -> dict[str, int]:
        """Delete what has expired. Run it once a day.

        Args:
            history: How long the history of suppressions is kept. Default: two years.

        Returns:
            How many rows were deleted, by table.

        Raises:
            StoreError: The database cannot be reached.
        """
        return clean_up(self._database, self._clock(), history, timedelta(days=self.log.days))

    def erase(self, address: str) -> int:
        """Remove one person's data, and mails to them that were not sent. A suppression stays, as a keyed hash.

        Args:
            address: The address of the person.

        Returns:
            How many rows were changed or deleted.

        Raises:
            ConfigurationError: The store has no key.
            StoreError: The database cannot be reached.
        """
        named = (self.suppressions, self._changes, self.log, self.soft_bounces, self.outbox, self.tokens)
        return erase(self._database, named, address)

    def rotate(self) -> Rotation:
        """Encrypt every row with the current key. Old keys must still be given.

        Raises:
            StoreError: The database cannot be reached, or a key is missing.
        """
        tables = self._database.tables
        rewrites = {
            tables.history: self._changes.rewrite,
            tables.events: self.events.rewrite,
            tables.messages: self.log.rewrite,
            tables.outbox: self.outbox.rewrite,
            tables.tokens: self.tokens.rewrite,
            tables.token_events: self.tokens.rewrite_event,
        }
        return rotate(self._database, self.suppressions, rewrites)

    def close(self) -> None:
        """Close the connections. Later calls open new ones."""
        self._database.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _opened(url: str, keys: "Iterable[str] | None") -> EngineDatabase:
    keyring = Keyring.parse(keys_from_environment() if keys is None else keys)
    return EngineDatabase(Location.parse(url), keyring)
