"""`Mailer.enqueue`: a mail leaves only if the application's transaction commits, whatever the connection is."""

import asyncio
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.utils import ConnectionHandler
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from mailer import Brand, ConfigurationError, IdempotencyConflict, InvalidMessage, Mailer, Message, SqlStores, Status
from mailer.catalog import VerificationCode, Welcome
from mailer.testing import Outbox
from tests.contract.suppression_store import NOW, Clock

HELLO = Message(subject="Hello", text="Hello", to="ada@example.com")
CODE = VerificationCode(code="424242")
Drain = Callable[..., int]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """The application's own, with a table of its own."""
    engine = create_engine(f"sqlite:///{tmp_path}/mail.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
    yield engine
    engine.dispose()


def orders(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM orders")).scalar_one()


def test_result_says_queued_and_names_the_mail(mailer: Mailer, sent: Outbox):
    result = mailer.enqueue(HELLO, to=["ada@example.com", "bob@example.com"], connection=None)
    assert [one.status for one in result] == [Status.QUEUED, Status.QUEUED]
    assert result.ok
    assert [mail.id for mail in mailer.outbox.find()] == [result.id]
    assert not sent


def test_mail_leaves_with_the_session_s_commit(mailer: Mailer, engine: Engine, sent: Outbox, drain: Drain):
    with Session(engine) as session:
        session.execute(text("INSERT INTO orders VALUES (1)"))
        mailer.enqueue(HELLO, connection=session)
        assert mailer.outbox.find() == []
        session.commit()
    assert (drain(), len(sent), orders(engine)) == (1, 1, 1)


def test_mail_does_not_leave_if_the_session_rolls_back(mailer: Mailer, engine: Engine, drain: Drain):
    with Session(engine) as session:
        session.execute(text("INSERT INTO orders VALUES (1)"))
        mailer.enqueue(HELLO, connection=session)
        session.rollback()
    assert (drain(), orders(engine)) == (0, 0)


def test_session_without_other_changes_commits_the_mail(mailer: Mailer, engine: Engine, drain: Drain):
    with scoped_session(sessionmaker(engine))() as session, session.begin():
        mailer.enqueue(HELLO, connection=session)
    assert drain() == 1


def test_savepoint_that_rolls_back_takes_its_mail_along(mailer: Mailer, engine: Engine, sent: Outbox, drain: Drain):
    with Session(engine) as session, session.begin():
        mailer.enqueue(HELLO, connection=session)
        with session.begin_nested() as savepoint:
            mailer.enqueue(HELLO, connection=session, subject="No")
            savepoint.rollback()
    assert (drain(), [message.subject for message in sent]) == (1, ["Hello"])


def test_connection_of_sqlalchemy_is_left_to_its_owner(mailer: Mailer, engine: Engine, drain: Drain):
    with engine.connect() as connection:
        mailer.enqueue(HELLO, connection=connection)
        connection.rollback()
        assert drain() == 0
        mailer.enqueue(HELLO, connection=connection)
        connection.commit()
    assert drain() == 1


def test_connection_of_sqlite3_is_left_to_its_owner(mailer: Mailer, tmp_path: Path, sent: Outbox, drain: Drain):
    connection = sqlite3.connect(tmp_path / "mail.db")
    connection.row_factory = sqlite3.Row
    try:
        mailer.enqueue(HELLO, connection=connection)
        connection.rollback()
        assert drain() == 0
        first = mailer.enqueue(HELLO, connection=connection, idempotency_key="order-1")
        assert mailer.enqueue(HELLO, connection=connection, idempotency_key="order-1").id == first.id
        connection.commit()
    finally:
        connection.close()
    assert (drain(), [message.subject for message in sent]) == (1, ["Hello"])


@pytest.mark.filterwarnings("ignore:Accessing the database during app initialization:RuntimeWarning")
def test_connection_of_django_is_left_to_its_owner(mailer: Mailer, tmp_path: Path, drain: Drain):
    if not settings.configured:
        settings.configure()
    handler = ConnectionHandler(
        {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "mail.db")}}
    )
    connection = handler["default"]
    try:
        connection.set_autocommit(autocommit=False)
        mailer.enqueue(HELLO, connection=connection)
        connection.rollback()
        assert drain() == 0
        mailer.enqueue(HELLO, connection=connection, send_at=NOW + timedelta(hours=1))
        mailer.enqueue(HELLO, connection=connection)
        connection.commit()
    finally:
        connection.close()
    assert drain() == 1
    assert [mail.send_at for mail in mailer.outbox.find(status="pending")] == [NOW + timedelta(hours=1)]


class Foreign:
    """A connection of a database that is not supported."""

    vendor = "mysql"


@pytest.mark.parametrize("connection", [Foreign(), "postgresql://", 7])
def test_connection_of_another_kind_is_refused(mailer: Mailer, connection: object):
    with pytest.raises(ConfigurationError, match=f"by a {type(connection).__name__}") as raised:
        mailer.enqueue(HELLO, connection=connection)
    assert "Session or Connection" in raised.value.hint


def test_mailer_without_an_outbox_says_how_to_get_one(sent: Outbox):
    with pytest.raises(ConfigurationError, match="This mailer has no outbox") as raised:
        sent.mailer.enqueue(HELLO, connection=None)
    assert "MAILSTACK_OUTBOX" in raised.value.hint


def test_environment_names_the_outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_OUTBOX", f"sqlite:///{tmp_path}/other.db?prefix=shop_")
    with Mailer.local(tmp_path / "mails", console=False) as mailer:
        assert mailer.enqueue(HELLO, connection=None).ok
        assert mailer.outbox.database.tables.outbox.name == "shop_outbox"


def test_missing_table_names_the_command_and_shows_no_parameters(tmp_path: Path, engine: Engine):
    with Mailer.local(tmp_path / "mails", console=False, outbox=f"sqlite:///{tmp_path}/mail.db") as mailer:
        with Session(engine) as session, pytest.raises(OperationalError) as raised:
            mailer.enqueue(CODE, to="ada@example.com", connection=session)
        connection = sqlite3.connect(tmp_path / "mail.db")
        with pytest.raises(sqlite3.OperationalError, match="no such table") as plain:
            mailer.enqueue(CODE, to="ada@example.com", connection=connection)
        connection.close()
    shown = "".join(traceback.format_exception(raised.value))
    assert "mailer store migrate" in shown
    assert "424242" not in shown
    assert "ada@example.com" not in shown.replace('to="ada@example.com"', "")
    assert "mailer store migrate" in plain.value.__notes__[0]


def test_key_that_was_used_for_another_mail_is_a_conflict(mailer: Mailer, engine: Engine):
    first = mailer.enqueue(HELLO, connection=None, idempotency_key="order-1")
    again = mailer.enqueue(HELLO, connection=None, idempotency_key="order-1")
    assert (again.id, again.replayed, first.replayed) == (first.id, True, False)
    with Session(engine) as session, pytest.raises(IdempotencyConflict, match=first.id):
        mailer.enqueue(HELLO, subject="Another", connection=session, idempotency_key="order-1")
    assert len(mailer.outbox.find()) == 1


def test_mail_is_rendered_when_it_is_written(make: Callable[..., Mailer], sent: Outbox, drain: Drain):
    before, after = make(brand=Brand(name="Before")), make(brand=Brand(name="After"))
    welcome = Welcome(name="Ada", dashboard_url="https://example.com/")
    before.enqueue(welcome, to="ada@example.com", connection=None)
    before.enqueue(welcome, to="bob@example.com", connection=None, render="later")
    drain(after)
    assert {str(message.to[0]): message.subject for message in sent} == {
        "ada@example.com": "Welcome to Before",
        "bob@example.com": "Welcome to After",
    }
    assert {message.template_name for message in sent} == {"welcome"}


def test_secret_of_a_mail_that_is_rendered_later_stays_secret(mailer: Mailer, sent: Outbox, drain: Drain):
    mailer.enqueue(CODE, to="ada@example.com", connection=None, render="later", tags={"a": 1}, stream="news")
    drain()
    (message,) = sent
    assert message.secret
    assert "424242" in message.text
    assert (message.tags, message.stream) == ((("a", "1"),), "news")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"send_at": datetime(2026, 3, 3)}, "send_at has no time zone"),  # noqa: DTZ001 - what is tested
        ({"expires_at": NOW}, "the mail would never be sent"),
        ({"send_at": NOW + timedelta(hours=2), "expires_at": NOW + timedelta(hours=1)}, "the mail would never be sent"),
        ({"priority": 101}, "priority is 101"),
        ({"idempotency_key": ""}, "The idempotency key"),
        ({"to": "nobody"}, "has no @"),
        ({"attachments": "a.txt"}, "attachments is of type str"),
    ],
)
def test_wrong_mail_is_refused_before_it_is_written(mailer: Mailer, wrong: dict[str, Any], said: str):
    with pytest.raises(InvalidMessage, match=said):
        mailer.enqueue(HELLO, connection=None, **wrong)
    assert mailer.outbox.find() == []


def test_rendering_is_now_or_later(mailer: Mailer):
    with pytest.raises(ConfigurationError, match="render is 'soon'"):
        mailer.enqueue(HELLO, connection=None, render="soon")  # pyright: ignore[reportArgumentType]


def test_mail_of_the_past_is_sent_at_once(mailer: Mailer, clock: Clock, drain: Drain):
    mailer.enqueue(HELLO, connection=None, send_at=NOW - timedelta(days=400))
    assert mailer.outbox.find()[0].send_at == NOW
    assert drain() == 1


def test_coroutine_writes_by_its_own_transaction(mailer: Mailer, engine: Engine, drain: Drain):
    async def write() -> None:
        await mailer.aenqueue(HELLO, connection=None)
        with Session(engine) as session:
            await mailer.aenqueue(HELLO, connection=session)
            session.commit()

    asyncio.run(write())
    assert drain() == 2


def test_stores_that_were_passed_in_stay_open(stores: SqlStores, tmp_path: Path):
    with Mailer.local(tmp_path / "mails", console=False, outbox=stores) as mailer:
        mailer.enqueue(HELLO, connection=None)
    assert len(stores.outbox.find()) == 1


def test_mail_is_cancelled_with_the_commit(mailer: Mailer, engine: Engine, tmp_path: Path, drain: Drain):
    first, second = (mailer.enqueue(HELLO, connection=None).id for _ in range(2))
    with Session(engine) as session:
        assert mailer.outbox.cancel(first, "unknown", connection=session) == 1
        session.rollback()
        assert mailer.outbox.cancel(first, connection=session) == 1
        session.commit()
    connection = sqlite3.connect(tmp_path / "mail.db")
    assert mailer.outbox.cancel(second, reason="the order was cancelled", connection=connection) == 1
    connection.rollback()
    assert mailer.outbox.cancel(first, second, reason="the order was cancelled", connection=connection) == 1
    connection.commit()
    connection.close()
    assert drain() == 0
    assert {mail.reason for mail in mailer.outbox.find(status="cancelled")} == {"cancelled", "the order was cancelled"}
    assert mailer.outbox.find(second)[0].changed_at == NOW
    assert mailer.outbox.cancel() == 0
    with pytest.raises(ConfigurationError, match="cannot be changed by a int"):
        mailer.outbox.cancel(first, connection=7)
