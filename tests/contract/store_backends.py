"""The databases that the contract suite runs over. Each creates empty stores that tell the time by a clock."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from mailer.stores.base import EventStore, SuppressionStore
from mailer.stores.dynamodb.events import DynamoDBEvents
from mailer.stores.dynamodb.idempotency import DynamoDBIdempotency
from mailer.stores.dynamodb.messages import DynamoDBMessageLog
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.stores.dynamodb.table import dynamodb_api
from mailer.stores.idempotency import IdempotencyStore
from mailer.stores.memory import MemoryEvents, MemoryIdempotency, MemorySuppressions
from mailer.stores.memory_messages import MemoryMessageLog
from mailer.stores.messages import MessageLog
from mailer.stores.sql.database import Database
from mailer.stores.sql.encryption import new_key
from mailer.stores.sql.events import SqlEvents
from mailer.stores.sql.idempotency import SqlIdempotency
from mailer.stores.sql.messages import SqlMessageLog
from mailer.stores.sql.stores import SqlStores
from mailer.stores.sql.suppressions import SqlSuppressions
from mailer.wire.client import WireApi
from mailstack_localcloud import LocalCloud
from tests.contract.message_log import DAYS
from tests.contract.suppression_store import Clock
from tests.integration.tables import new_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgresql import PostgreSQL


class MemoryBackend:
    """Stores of one process. `seeds` of `FeedbackDisorder`: as many as the speed of the store allows."""

    seeds = range(40)

    def suppressions(self, clock: Clock) -> SuppressionStore:
        return MemorySuppressions(clock)

    def events(self, clock: Clock) -> EventStore:
        return MemoryEvents(clock)

    def idempotency(self, clock: Clock) -> IdempotencyStore:
        return MemoryIdempotency(clock)

    def messages(self, clock: Clock) -> MessageLog:
        return MemoryMessageLog(DAYS, clock=clock)


class SqlBackend:
    """One database with the same tables for all tests of a module; each store begins with empty ones."""

    seeds = range(6)

    def __init__(self, stores: SqlStores) -> None:
        self._database = stores._database
        self._numbers, self._opened = count(), ExitStack()

    def suppressions(self, clock: Clock) -> SqlSuppressions:
        self._empty("suppressions", "history")
        return SqlSuppressions(self._database, clock=clock)

    def events(self, clock: Clock) -> SqlEvents:
        self._empty("events")
        return SqlEvents(self._database, clock=clock)

    def idempotency(self, clock: Clock) -> IdempotencyStore:
        self._empty("idempotency")
        return SqlIdempotency(self._database, clock=clock)

    def messages(self, clock: Clock) -> MessageLog:
        """With tables of its own: the contract compares two logs."""
        location = replace(self._database.place, prefix=f"log{next(self._numbers)}_")
        database = self._opened.enter_context(closing(Database(location, self._database.keyring)))
        return SqlMessageLog(database, DAYS, clock=clock)

    def close(self) -> None:
        self._opened.close()

    def _empty(self, *tables: str) -> None:
        with self._database.write("empty") as connection:
            for name in tables:
                connection.execute(getattr(self._database.tables, name).delete())


class DynamoDBBackend:
    """A new table in the local cloud for each store."""

    seeds = range(6)

    def __init__(self, cloud: LocalCloud, client: DynamoDBClient | WireApi) -> None:
        self._tables, self._client = cloud.client("dynamodb"), client

    def suppressions(self, clock: Clock) -> DynamoDBSuppressions:
        return DynamoDBSuppressions(new_table(self._tables), self._client, clock=clock)

    def events(self, clock: Clock) -> DynamoDBEvents:
        return DynamoDBEvents(new_table(self._tables), self._client, clock=clock)

    def idempotency(self, clock: Clock) -> IdempotencyStore:
        return DynamoDBIdempotency(new_table(self._tables), self._client, clock=clock)

    def messages(self, clock: Clock) -> MessageLog:
        return DynamoDBMessageLog(new_table(self._tables), self._client, days=DAYS, clock=clock)


Backend = MemoryBackend | SqlBackend | DynamoDBBackend
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


def in_dynamodb(request: pytest.FixtureRequest, *, boto3: bool = False) -> Iterator[Backend]:
    cloud: LocalCloud = request.getfixturevalue("shared_cloud")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment().items():
            patch.setenv(name, value)
        yield DynamoDBBackend(cloud, cloud.client("dynamodb") if boto3 else dynamodb_api(cloud.region))


def in_dynamodb_by_boto3(request: pytest.FixtureRequest) -> Iterator[Backend]:
    yield from in_dynamodb(request, boto3=True)


IN_LOCAL_CLOUD = pytest.mark.integration
BACKENDS = (
    pytest.param(in_memory, id="memory"),
    pytest.param(in_sqlite, id="sqlite"),
    pytest.param(in_encrypted_sqlite, id="sqlite-encrypted"),
    pytest.param(in_postgresql, id="postgresql"),
    pytest.param(in_dynamodb, id="dynamodb", marks=IN_LOCAL_CLOUD),
    pytest.param(in_dynamodb_by_boto3, id="dynamodb-boto3", marks=IN_LOCAL_CLOUD),
)
