"""The databases that the contract suite runs over. Each creates empty stores that tell the time by a clock."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from mailer.django.store import DjangoDatabase
from mailer.secret_keys import new_key
from mailer.stores.base import EventStore, RevisableSuppressions
from mailer.stores.counters import DayCounters
from mailer.stores.dynamodb.counters import DynamoDBDayCounters
from mailer.stores.dynamodb.events import DynamoDBEvents
from mailer.stores.dynamodb.idempotency import DynamoDBIdempotency
from mailer.stores.dynamodb.messages import DynamoDBMessageLog
from mailer.stores.dynamodb.rate import DynamoDBRate
from mailer.stores.dynamodb.soft_bounces import DynamoDBSoftBounces
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.stores.dynamodb.table import dynamodb_api
from mailer.stores.dynamodb.tokens import DynamoDBTokens
from mailer.stores.idempotency import IdempotencyStore
from mailer.stores.memory import MemoryEvents, MemoryIdempotency, MemorySoftBounces, MemorySuppressions
from mailer.stores.memory_counters import MemoryDayCounters
from mailer.stores.memory_messages import MemoryMessageLog
from mailer.stores.memory_tokens import MemoryTokens
from mailer.stores.messages import MessageLog
from mailer.stores.rate import RateStore
from mailer.stores.soft_bounces import SoftBounceStore
from mailer.stores.sql.counters import SqlDayCounters
from mailer.stores.sql.database import EngineDatabase
from mailer.stores.sql.encryption import Keyring
from mailer.stores.sql.events import SqlEvents
from mailer.stores.sql.idempotency import SqlIdempotency
from mailer.stores.sql.messages import SqlMessageLog
from mailer.stores.sql.rate import SqlRate
from mailer.stores.sql.soft_bounces import SqlSoftBounces
from mailer.stores.sql.stores import SqlStores
from mailer.stores.sql.suppressions import SqlSuppressions
from mailer.stores.sql.tokens import SqlTokens
from mailer.stores.tokens import TokenStore
from mailer.wire.client import WireApi
from mailstack_localcloud import LocalCloud
from tests.contract.message_log import DAYS
from tests.contract.suppression_store import Clock
from tests.django_project import database, set_up
from tests.integration.tables import new_table
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgresql import PostgreSQL


set_up()


class MemoryBackend:
    """Stores of one process. `seeds` of `FeedbackDisorder`: as many as the speed of the store allows."""

    seeds = range(40)

    def suppressions(self, clock: Clock) -> RevisableSuppressions:
        return MemorySuppressions(clock)

    def events(self, clock: Clock) -> EventStore:
        return MemoryEvents(clock)

    def soft_bounces(self, clock: Clock) -> SoftBounceStore:
        return MemorySoftBounces(clock)

    def idempotency(self, clock: Clock) -> IdempotencyStore:
        return MemoryIdempotency(clock)

    def messages(self, clock: Clock) -> MessageLog:
        return MemoryMessageLog(DAYS, clock=clock)

    def counters(self, clock: Clock) -> DayCounters:
        return MemoryDayCounters(clock)

    def tokens(self) -> TokenStore:
        return MemoryTokens()


class _InTables:
    """Stores in the tables of one database."""

    def __init__(self, database: EngineDatabase | DjangoDatabase, opened: ExitStack) -> None:
        self._database, self._opened = database, opened

    def suppressions(self, clock: Clock) -> SqlSuppressions:
        self._empty("suppressions", "history")
        return SqlSuppressions(self._database, clock=clock)

    def events(self, clock: Clock) -> SqlEvents:
        self._empty("events")
        return SqlEvents(self._database, clock=clock)

    def soft_bounces(self, clock: Clock) -> SoftBounceStore:
        self._empty("soft_bounces")
        return SqlSoftBounces(self._database, clock=clock)

    def idempotency(self, clock: Clock) -> IdempotencyStore:
        self._empty("idempotency")
        return SqlIdempotency(self._database, clock=clock)

    def counters(self, clock: Clock) -> DayCounters:
        self._empty("counters")
        return SqlDayCounters(self._database, clock=clock)

    def rate(self) -> RateStore:
        self._empty("rate")
        return SqlRate(self._database)

    def tokens(self) -> TokenStore:
        self._empty("tokens", "token_events", "token_limits")
        return SqlTokens(self._database)

    def close(self) -> None:
        self._opened.close()

    def _empty(self, *tables: str) -> None:
        with self._database.write("empty") as connection:
            for name in tables:
                connection.execute(getattr(self._database.tables, name).delete())


class SqlBackend(_InTables):
    """One database with the same tables for all tests of a module; each store begins with empty ones."""

    seeds = range(6)

    def __init__(self, stores: SqlStores) -> None:
        assert isinstance(stores._database, EngineDatabase)
        self._engine, self._numbers = stores._database, count()
        super().__init__(stores._database, ExitStack())

    def messages(self, clock: Clock) -> MessageLog:
        """With tables of its own: the contract compares two logs."""
        location = replace(self._engine.place, prefix=f"log{next(self._numbers)}_")
        database = self._opened.enter_context(closing(EngineDatabase(location, self._engine.keyring)))
        return SqlMessageLog(database, DAYS, clock=clock)


class DynamoDBBackend:
    """A new table in the local cloud for each store."""

    seeds = range(6)

    def __init__(self, cloud: LocalCloud, client: DynamoDBClient | WireApi) -> None:
        self._tables, self._client = cloud.client("dynamodb"), client

    def suppressions(self, clock: Clock) -> DynamoDBSuppressions:
        return DynamoDBSuppressions(new_table(self._tables), self._client, clock=clock)

    def events(self, clock: Clock) -> DynamoDBEvents:
        return DynamoDBEvents(new_table(self._tables), self._client, clock=clock)

    def soft_bounces(self, clock: Clock) -> SoftBounceStore:
        return DynamoDBSoftBounces(new_table(self._tables), self._client, clock=clock)

    def idempotency(self, clock: Clock) -> IdempotencyStore:
        return DynamoDBIdempotency(new_table(self._tables), self._client, clock=clock)

    def counters(self, clock: Clock) -> DayCounters:
        return DynamoDBDayCounters(new_table(self._tables), self._client, clock=clock)

    def rate(self) -> RateStore:
        return DynamoDBRate(new_table(self._tables), self._client)

    def messages(self, clock: Clock) -> MessageLog:
        return DynamoDBMessageLog(new_table(self._tables), self._client, days=DAYS, clock=clock)

    def tokens(self) -> TokenStore:
        return DynamoDBTokens(new_table(self._tables), self._client)


_ALIASES = count()


class ThreadsOfTests(DjangoDatabase):
    """Takes the threads of a test for those of the library, which Django does not know."""

    def _is_own_thread(self) -> bool:
        return threading.current_thread() is not threading.main_thread()


class DjangoBackend(_InTables):
    """Django's own connections to databases with Django's migrations; as `SqlBackend`."""

    seeds = range(2)

    def __init__(self, open_: Callable[[str], AbstractContextManager[None]]) -> None:
        self._open, self._keyring = open_, Keyring.parse((new_key(), new_key()))
        self._opened = ExitStack()
        super().__init__(self._new(), self._opened)

    def messages(self, clock: Clock) -> MessageLog:
        """In a database of its own: the contract compares two logs."""
        return SqlMessageLog(self._new(), DAYS, clock=clock)

    def _new(self) -> DjangoDatabase:
        alias = f"contract{next(_ALIASES)}"
        self._opened.enter_context(self._open(alias))
        return ThreadsOfTests(alias, self._keyring, log_days=DAYS)


SharedBackend = SqlBackend | DjangoBackend | DynamoDBBackend
Backend = MemoryBackend | SharedBackend
Maker = Callable[[pytest.FixtureRequest], Iterator[Backend]]


def in_memory(_: pytest.FixtureRequest) -> Iterator[Backend]:
    yield MemoryBackend()


def in_sqlite(request: pytest.FixtureRequest, keys: tuple[str, ...] = ()) -> Iterator[Backend]:
    folder: Path = request.getfixturevalue("tmp_path_factory").mktemp("sqlite")
    with SqlStores(f"sqlite:///{folder}/mail.db", keys=keys) as stores, closing(SqlBackend(stores)) as backend:
        yield backend


def in_encrypted_sqlite(request: pytest.FixtureRequest) -> Iterator[Backend]:
    yield from in_sqlite(request, (new_key(), new_key()))


def in_postgresql(request: pytest.FixtureRequest) -> Iterator[Backend]:
    server: PostgreSQL = request.getfixturevalue("postgresql")
    url = f"{server.url}?schema=contract&prefix=m_"
    with SqlStores(url, keys=()) as stores, closing(SqlBackend(stores)) as backend:
        yield backend


def in_django_sqlite(request: pytest.FixtureRequest) -> Iterator[Backend]:
    folder: Path = request.getfixturevalue("tmp_path_factory").mktemp("django")

    def opened(alias: str) -> AbstractContextManager[None]:
        options = {"timeout": PATIENCE, "init_command": "PRAGMA synchronous=OFF"}
        return database(alias, ENGINE="django.db.backends.sqlite3", NAME=folder / alias, OPTIONS=options)

    with closing(DjangoBackend(opened)) as backend:
        yield backend


def in_django_postgresql(request: pytest.FixtureRequest) -> Iterator[Backend]:
    server: PostgreSQL = request.getfixturevalue("postgresql")

    def opened(alias: str) -> AbstractContextManager[None]:
        server.execute(f"CREATE SCHEMA {alias}")
        return database(alias, **server.of_django(alias))

    with closing(DjangoBackend(opened)) as backend:
        yield backend


def in_dynamodb(request: pytest.FixtureRequest, *, boto3: bool = False) -> Iterator[Backend]:
    cloud: LocalCloud = request.getfixturevalue("shared_cloud")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment().items():
            patch.setenv(name, value)
        yield DynamoDBBackend(cloud, cloud.client("dynamodb") if boto3 else dynamodb_api(cloud.region))


def in_dynamodb_by_boto3(request: pytest.FixtureRequest) -> Iterator[Backend]:
    yield from in_dynamodb(request, boto3=True)


IN_LOCAL_CLOUD = pytest.mark.integration
# Those that several processes can share.
SHARED_BACKENDS = (
    pytest.param(in_sqlite, id="sqlite"),
    pytest.param(in_encrypted_sqlite, id="sqlite-encrypted"),
    pytest.param(in_postgresql, id="postgresql"),
    pytest.param(in_django_sqlite, id="django-sqlite"),
    pytest.param(in_django_postgresql, id="django-postgresql"),
    pytest.param(in_dynamodb, id="dynamodb", marks=IN_LOCAL_CLOUD),
    pytest.param(in_dynamodb_by_boto3, id="dynamodb-boto3", marks=IN_LOCAL_CLOUD),
)
BACKENDS = (pytest.param(in_memory, id="memory"), *SHARED_BACKENDS)
