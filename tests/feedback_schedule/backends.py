"""The databases that a schedule runs over, each of which can die between any two of its requests."""

import random
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from sqlalchemy import event, func, select

from mailer.stores.base import EventStore, RevisableSuppressions
from mailer.stores.dynamodb.events import DynamoDBEvents
from mailer.stores.dynamodb.messages import DynamoDBMessageLog
from mailer.stores.dynamodb.soft_bounces import DynamoDBSoftBounces
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.stores.dynamodb.table import dynamodb_api
from mailer.stores.messages import MessageLog
from mailer.stores.soft_bounces import SoftBounceStore
from mailer.stores.sql.database import EngineDatabase
from mailer.stores.sql.stores import SqlStores
from mailstack_localcloud import LocalCloud
from tests.integration.tables import new_table

DAYS = 3650
Clock = Callable[[], datetime]


class Crash(BaseException):
    """The process dies where it stands; nothing of the library catches this."""


class Risk:
    """Dies with a chance, while it is armed."""

    def __init__(self, seed: int, chance: float) -> None:
        self._random, self._chance = random.Random(f"crashes {seed}"), chance
        self.armed, self.crashes, self.steps = False, 0, 0

    def __call__(self, *_: object) -> None:
        if self.armed:
            self.steps += 1
            if self._random.random() < self._chance:
                self.crashes += 1
                raise Crash


@dataclass(frozen=True)
class Backend:
    """Empty stores, a way to read the processed events without them, and one to end a dead process's connections."""

    suppressions: RevisableSuppressions
    events: EventStore
    soft_bounces: SoftBounceStore
    messages: MessageLog
    processed: Callable[[], Counter[tuple[str, str]]]
    bury: Callable[[], None] = lambda: None


@contextmanager
def in_sql(url: str, clock: Clock, risk: Risk) -> Generator[Backend]:
    """A SQL database. It dies before and after each statement and each commit; what is not committed is rolled back."""
    joint = "&" if "?" in url else "?"
    with SqlStores(f"{url}{joint}log_days={DAYS}", keys=(), clock=clock) as stores:
        stores.migrate()
        database = stores._database
        assert isinstance(database, EngineDatabase)
        for name in ("before_cursor_execute", "after_cursor_execute"):
            event.listen(database._engine, name, risk)
        columns = database.tables.events.c

        def processed() -> Counter[tuple[str, str]]:
            query = select(columns.kind, columns.counts_as, func.count()).group_by(columns.kind, columns.counts_as)
            with database.read("count") as connection:
                return Counter({(kind, counts_as): count for kind, counts_as, count in connection.execute(query)})

        def bury() -> None:
            database._engine.dispose()

        def mortal(store: object) -> Any:
            return _AfterCommit(store, risk)

        parts = mortal(stores.suppressions), mortal(stores.events), mortal(stores.soft_bounces), mortal(stores.log)
        yield Backend(*parts, processed, bury)


@contextmanager
def in_sqlite(clock: Clock, risk: Risk) -> Generator[Backend]:
    """A SQLite database in memory, where there is such a folder: each of its many commits would wait for the disk."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    place = TemporaryDirectory(dir=memory if memory.is_dir() else None)
    with place as folder, in_sql(f"sqlite:///{folder}/mail.db", clock, risk) as backend:
        yield backend


class _AfterCommit:
    """A store that dies when a call has done its work, before the caller learns of it."""

    def __init__(self, store: object, risk: Risk) -> None:
        self._store, self._risk = store, risk

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            answer = getattr(self._store, name)(*arguments, **named)
            self._risk()
            return answer

        return call


class _Mortal:
    """An API that dies before a request, or before its answer is read."""

    def __init__(self, api: Any, risk: Risk) -> None:
        self._api, self._risk = api, risk

    def call(self, *arguments: Any, **named: Any) -> Any:
        self._risk()
        answer = self._api.call(*arguments, **named)
        self._risk()
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)


@contextmanager
def in_dynamodb(cloud: LocalCloud, clock: Clock, risk: Risk) -> Generator[Backend]:
    """A table in the local cloud."""
    tables = cloud.client("dynamodb")
    table, api = new_table(tables), dynamodb_api(cloud.region)
    mortal = cast("Any", _Mortal(api, risk))

    def processed() -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        pages = tables.get_paginator("scan").paginate(
            TableName=table,
            FilterExpression="begins_with(pk, :event)",
            ExpressionAttributeValues={":event": {"S": "EVENT#"}},
        )
        for page in pages:
            for item in page["Items"]:
                found[item["kind"].get("S", ""), item.get("counts_as", {}).get("S", "")] += 1
        return found

    try:
        yield Backend(
            DynamoDBSuppressions(table, mortal, clock=clock),
            DynamoDBEvents(table, mortal, clock=clock),
            DynamoDBSoftBounces(table, mortal, clock=clock),
            DynamoDBMessageLog(table, mortal, days=DAYS, clock=clock),
            processed,
        )
    finally:
        api.close()
