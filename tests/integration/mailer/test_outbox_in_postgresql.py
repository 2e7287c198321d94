"""The outbox in PostgreSQL: asynchronous connections, notifications, several relays, a server that restarts."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db.utils import ConnectionHandler
from psycopg.rows import dict_row
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from mailer import (
    ConfigurationError,
    IdempotencyConflict,
    Mailer,
    Message,
    OutboxRelay,
    RetryPolicy,
    SqlStores,
    StoreError,
)
from mailer.results import RecipientResult, Status
from mailer.stores.memory import MemoryIdempotency, MemorySuppressions
from mailer.stores.outbox import NewMail
from mailer.stores.sql.url import Location
from mailer.testing import Outbox
from tests.postgresql import PostgreSQL, running
from tests.unit.mailer.stack_outputs import outputs
from tests.waiting import PATIENCE, eventually, moment

pytestmark = pytest.mark.integration
NUMBERS = count()
HELLO = Message(subject="Hello", text="Hello", to="ada@example.com")
# Seconds between two looks of a relay: only a notification can wake it in time.
NEVER = 3600.0


@pytest.fixture
def url(postgresql: PostgreSQL) -> str:
    """A schema of the test's own."""
    return f"{postgresql.url}?schema=queue_{next(NUMBERS)}"


@pytest.fixture
def make() -> Iterator[Callable[..., Mailer]]:
    with ExitStack() as opened:

        def mailer(url: str, transport: Any) -> Mailer:
            parts = {"suppressions": MemorySuppressions(), "idempotency": MemoryIdempotency(), "store": ""}
            stores = opened.enter_context(SqlStores(url, keys=()))
            at_once = RetryPolicy(attempts=1)
            given: dict[str, Any] = {"transport": transport, "retries": at_once, "outbox": stores, **parts}
            return opened.enter_context(Mailer(outputs(), **given))

        yield mailer


@pytest.fixture
def sent() -> Outbox:
    return Outbox()


@pytest.fixture
def mailer(make: Callable[..., Mailer], url: str, sent: Outbox) -> Mailer:
    return make(url, sent)


def plain(url: str) -> str:
    """What libpq takes."""
    return Location.parse(url).url.set(drivername="postgresql").render_as_string(hide_password=False)


async def by_async_session(mailer: Mailer, url: str, *, commits: bool) -> None:
    engine = create_async_engine(Location.parse(url).url)
    async with AsyncSession(engine) as session:
        await mailer.aenqueue(HELLO, connection=session)
        await (session.commit() if commits else session.rollback())
    await engine.dispose()


async def by_async_connection(mailer: Mailer, url: str, *, commits: bool) -> None:
    engine = create_async_engine(Location.parse(url).url)
    async with engine.connect() as connection:
        await mailer.aenqueue(HELLO, connection=connection)
        await (connection.commit() if commits else connection.rollback())
    await engine.dispose()


async def by_async_psycopg(mailer: Mailer, url: str, *, commits: bool) -> None:
    async with await psycopg.AsyncConnection.connect(plain(url)) as connection:
        first = await mailer.aenqueue(HELLO, connection=connection, idempotency_key="k")
        assert (await mailer.aenqueue(HELLO, connection=connection, idempotency_key="k")).id == first.id
        await (connection.commit() if commits else connection.rollback())


async def by_psycopg(mailer: Mailer, url: str, *, commits: bool) -> None:
    connect: Any = psycopg.connect
    with connect(plain(url), row_factory=dict_row) as connection:
        first = mailer.enqueue(HELLO, connection=connection, idempotency_key="k")
        assert mailer.enqueue(HELLO, connection=connection, idempotency_key="k").id == first.id
        with pytest.raises(IdempotencyConflict):
            mailer.enqueue(HELLO, subject="Another", connection=connection, idempotency_key="k")
        connection.commit() if commits else connection.rollback()


async def by_session(mailer: Mailer, url: str, *, commits: bool) -> None:
    engine = create_engine(Location.parse(url).url)
    with Session(engine) as session:
        mailer.enqueue(HELLO, connection=session)
        session.commit() if commits else session.rollback()
    engine.dispose()


async def by_its_own(mailer: Mailer, url: str, *, commits: bool) -> None:
    if commits:
        await mailer.aenqueue(HELLO, connection=None)


WAYS = (by_async_session, by_async_connection, by_async_psycopg, by_psycopg, by_session, by_its_own)


@pytest.mark.parametrize("write", WAYS)
def test_mail_is_sent_after_the_commit_by_any_connection(mailer: Mailer, url: str, sent: Outbox, write: Any):
    with OutboxRelay(mailer, poll=NEVER):
        asyncio.run(write(mailer, url, commits=False))
        asyncio.run(write(mailer, url, commits=True))
        eventually(lambda: len(sent) == 1, "no notification arrives")
    assert [mail.status for mail in mailer.outbox.find()] == ["sent"]


@pytest.mark.filterwarnings("ignore:Accessing the database during app initialization:RuntimeWarning")
def test_mail_is_sent_after_the_commit_of_django(mailer: Mailer, url: str, sent: Outbox):
    if not settings.configured:
        settings.configure()
    place = Location.parse(url).url
    given = {"NAME": place.database, "USER": place.username, "PASSWORD": place.password, "HOST": place.host}
    engine = {"ENGINE": "django.db.backends.postgresql", "PORT": place.port}
    connection = ConnectionHandler({"default": {**engine, **given}})["default"]
    with OutboxRelay(mailer, poll=NEVER):
        connection.set_autocommit(autocommit=False)
        mailer.enqueue(HELLO, connection=connection)
        connection.rollback()
        first = mailer.enqueue(HELLO, connection=connection, idempotency_key="k")
        assert mailer.enqueue(HELLO, connection=connection, idempotency_key="k").id == first.id
        connection.commit()
        connection.close()
        eventually(lambda: len(sent) == 1, "no notification arrives")
    assert [mail.id for mail in mailer.outbox.find()] == [first.id]


def test_mail_is_cancelled_with_the_commit_of_psycopg(mailer: Mailer, url: str):
    id_ = mailer.enqueue(HELLO, connection=None).id
    with psycopg.connect(plain(url)) as connection:
        assert mailer.outbox.cancel(id_, connection=connection) == 1
        connection.rollback()
        assert _statuses(mailer) == ["pending"]
        assert mailer.outbox.cancel(id_, connection=connection) == 1
    assert _statuses(mailer) == ["cancelled"]


def test_asynchronous_connection_needs_the_asynchronous_call(mailer: Mailer, url: str):
    async def write() -> None:
        async with await psycopg.AsyncConnection.connect(plain(url)) as connection:
            with pytest.raises(ConfigurationError, match="AsyncConnection") as raised:
                mailer.enqueue(HELLO, connection=connection)
            assert "await mailer.aenqueue" in raised.value.hint

    asyncio.run(write())


def test_relay_is_not_woken_before_the_commit(mailer: Mailer, url: str, sent: Outbox):
    mailer.outbox.database.prepare()
    with OutboxRelay(mailer, poll=0.05), psycopg.connect(plain(url)) as connection:
        mailer.enqueue(HELLO, connection=connection)
        moment()
        assert not sent
        connection.commit()
        eventually(lambda: len(sent) == 1, "nothing is sent")


def test_key_of_a_transaction_under_way_is_waited_for(mailer: Mailer, url: str):
    mailer.outbox.database.prepare()
    with psycopg.connect(plain(url)) as connection, ThreadPoolExecutor(1) as pool:
        first = mailer.enqueue(HELLO, connection=connection, idempotency_key="order-1")
        second = pool.submit(mailer.enqueue, HELLO, connection=None, idempotency_key="order-1")
        moment()
        assert not second.done()
        connection.commit()
        result = second.result(PATIENCE)
    assert (result.id, result.replayed) == (first.id, True)


def test_four_relays_send_every_mail_once(make: Callable[..., Mailer], url: str, sent: Outbox):
    mailers = [make(url, sent) for _ in range(4)]
    ids = {mailers[0].enqueue(HELLO, subject=f"Mail {number}", connection=None).id for number in range(200)}
    with ExitStack() as running_relays:
        for mailer in mailers:
            running_relays.enter_context(OutboxRelay(mailer, threads=4))
        eventually(lambda: len(sent) >= len(ids), "not everything is sent")
    assert sorted(message.subject for message in sent) == sorted(f"Mail {number}" for number in range(200))
    found = mailers[0].outbox.find(limit=999)
    assert {mail.id for mail in found if mail.status == "sent"} == ids


class Watching:
    """A service that looks at the database while it is asked."""

    def __init__(self, server: PostgreSQL) -> None:
        self.server, self.open = server, list[object]()

    def send(self, message: Message) -> tuple[RecipientResult, ...]:
        query = "SELECT state FROM pg_stat_activity WHERE application_name = 'mailstack' AND xact_start IS NOT NULL"
        self.open += self.server.execute(query)
        return tuple(RecipientResult(address, Status.SENT, "1") for address in message.recipients)


def test_no_transaction_is_open_while_a_mail_is_sent(make: Callable[..., Mailer]):
    with running() as server:
        service = Watching(server)
        mailer = make(server.url, service)
        mailer.enqueue(HELLO, connection=None)
        # Without the threads beside it, whose statements would be seen, too.
        (claim,) = mailer.outbox.claim("relay", ["0" * 32], OutboxRelay(mailer)._policy.lease)
        OutboxRelay(mailer)._send(claim)
        mailer.close()
        assert service.open == []


class Holding:
    """A service that answers when it is let to."""

    def __init__(self) -> None:
        self.asked, self.answer = Event(), Event()
        self.sent: list[str] = []

    def send(self, message: Message) -> tuple[RecipientResult, ...]:
        self.asked.set()
        assert self.answer.wait(PATIENCE)
        self.sent.append(message.subject)
        return tuple(RecipientResult(address, Status.SENT, "1") for address in message.recipients)


def test_relay_goes_on_after_the_server_restarted(make: Callable[..., Mailer], monkeypatch: pytest.MonkeyPatch):
    """Even the outcome of the mail that it was sending is recorded."""
    monkeypatch.setattr("mailer.outbox.relay._PAUSE", 0.1)
    monkeypatch.setattr("mailer.outbox.relay._TRIES", 10_000)
    monkeypatch.setattr("mailer.stores.sql.wakeup._PAUSE", 0.1)
    with running() as server:
        service = Holding()
        mailer = make(server.url, service)
        mailer.enqueue(HELLO, connection=None)
        with OutboxRelay(mailer, poll=NEVER):
            assert service.asked.wait(PATIENCE)
            server.stop()
            service.answer.set()
            eventually(lambda: service.sent, "the mail is not sent")
            server.start()
            eventually(lambda: _statuses(mailer) == ["sent"], "the outcome is not recorded")
            mailer.enqueue(HELLO, subject="Again", connection=None)
            eventually(lambda: service.sent == ["Hello", "Again"], "no notification arrives after the restart")
        mailer.close()


def mail() -> NewMail:
    now = datetime.now(UTC)
    return NewMail(id="1", payload="{}", recipients=(), stream="transactional", created_at=now, send_at=now)


def _statuses(mailer: Mailer) -> list[str]:
    return [str(mail.status) for mail in mailer.outbox.find()]


def test_claims_use_the_index_of_what_is_due(mailer: Mailer, url: str):
    mailer.outbox.database.prepare()
    engine, table = create_engine(Location.parse(url).url), mailer.outbox.database.tables.outbox
    row = mailer.outbox.values(mail())
    rows = [{**row, "id": str(number), "status": "sent"} for number in range(5_000)]
    due = "WHERE status = 'pending' AND due_at <= now() ORDER BY rank, due_at, id LIMIT 16 FOR UPDATE SKIP LOCKED"
    with engine.begin() as connection:
        connection.execute(table.insert(), rows)
        connection.execute(text(f"ANALYZE {table.fullname}"))
        plan = connection.execute(text(f"EXPLAIN SELECT * FROM {table.fullname} {due}")).scalars()  # noqa: S608 - ours
        assert "ix_mailstack_outbox_due" in "\n".join(plan)
    engine.dispose()


def test_relay_with_a_wrong_clock_decides_about_no_mail(url: str, monkeypatch: pytest.MonkeyPatch):
    with SqlStores(url, keys=()) as stores:
        assert stores.outbox.lapse(timedelta(0)) == 0
        monkeypatch.setattr("mailer.stores.base.datetime", Ahead)
        for decide in (lambda: stores.outbox.lapse(timedelta(0)), lambda: stores.outbox.undecided(1, timedelta(1))):
            with pytest.raises(StoreError, match=r"differs from the database's by 0:0[12]:") as raised:
                decide()
            assert "Synchronize the clocks" in raised.value.hint


class Ahead(datetime):
    """A clock that is two minutes ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Ahead":
        return super().now(tz) + timedelta(minutes=2)


def test_listener_ends_with_its_relay(mailer: Mailer, postgresql: PostgreSQL, tmp_path: Path):
    with OutboxRelay(mailer):
        query = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        eventually(lambda: postgresql.execute(query), "nothing listens")
    eventually(lambda: not postgresql.execute(query), "something still listens")
