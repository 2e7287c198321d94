"""The stores in Django's database: part of its transactions, seen by its tools, harmless to what the page does."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.db import connections, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from mailer import ConfigurationError, Message, SqlStores, Status, StoreError, Suppression
from mailer.django import EmailBackend, get_mailer, process
from mailer.django.config import Config, config
from mailer.django.models import Suppression as Row
from mailer.django.store import django_stores
from mailer.secret_keys import new_key
from tests.django_project import APPS
from tests.django_project import database as other_database

if TYPE_CHECKING:
    from tests.postgresql import PostgreSQL

ADA = "ada@example.com"


@pytest.fixture(params=["sqlite", "postgresql"])
def alias(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the tables, on a disk or a server."""
    values: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "db.sqlite3"}
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        server.execute("DROP SCHEMA IF EXISTS of_store CASCADE")
        server.execute("CREATE SCHEMA of_store")
        values = server.of_django("of_store")
    with other_database("other", **values):
        yield "other"


@pytest.fixture
def stores(alias: str) -> SqlStores:
    return django_stores(alias, log_days=30)


def listed(stores: SqlStores) -> list[str]:
    return [one.address for one in stores.suppressions.iterate()]


def test_store_writes_are_rolled_back_with_the_request(stores: SqlStores, alias: str):
    with transaction.atomic(alias):
        stores.suppressions.put(Suppression(ADA, "bounce"))
        assert listed(stores) == [ADA]
        transaction.set_rollback(True, alias)
    assert listed(stores) == []
    with transaction.atomic(alias):
        stores.suppressions.put(Suppression(ADA, "bounce"))
    assert listed(stores) == [ADA]


def test_stores_and_models_see_the_same_rows(stores: SqlStores, alias: str):
    stores.suppressions.put(Suppression(ADA, "bounce"))
    row = Row.objects.using(alias).get()
    assert (row.lookup, row.address, row.reason) == (stores.lookups(ADA)[0], ADA, "bounce")
    assert row.created_at == stores.suppressions.get_many([ADA])[ADA].created_at


def test_failing_statement_does_not_break_the_page(stores: SqlStores, alias: str):
    with connections[alias].cursor() as cursor:
        cursor.execute("ALTER TABLE mailstack_suppressions RENAME TO hidden")
    with transaction.atomic(alias):
        for call in (lambda: stores.suppressions.get_many([ADA]), lambda: stores.suppressions.remove(ADA)):
            with pytest.raises(StoreError, match=r"Run manage\.py migrate\."):
                call()
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)


def test_broken_transaction_is_a_store_error(stores: SqlStores, alias: str):
    with transaction.atomic(alias):
        transaction.set_rollback(True, alias)
        with pytest.raises(StoreError, match="Could not read suppressions"):
            stores.suppressions.get_many([ADA])


def test_django_sees_the_statements(stores: SqlStores, alias: str):
    listed(stores)
    with CaptureQueriesContext(connections[alias]) as captured:
        stores.suppressions.get_many([ADA])
    assert ["mailstack_suppressions" in query["sql"] for query in captured.captured_queries] == [True]


def test_connection_is_left_as_it_was(stores: SqlStores, alias: str):
    stores.suppressions.put(Suppression(ADA, "bounce"))
    raw = connections[alias].connection
    stores.suppressions.get_many([ADA])
    stores.close()
    assert connections[alias].connection is raw
    assert (connections[alias].in_atomic_block, connections[alias].get_autocommit()) == (False, True)


def test_write_on_a_new_connection_keeps_its_mode(tmp_path: Path):
    file = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "db.sqlite3"}
    for mode in (None, "EXCLUSIVE"):
        with other_database("other", **file, OPTIONS={"transaction_mode": mode}):
            stores = django_stores("other", log_days=0)
            connections["other"].close()
            stores.suppressions.put(Suppression(ADA, "bounce"))
            assert vars(connections["other"])["transaction_mode"] == mode


def test_missing_key_is_an_error(alias: str, monkeypatch: pytest.MonkeyPatch):
    first, second = new_key(), new_key()
    monkeypatch.setenv("MAILSTACK_STORE_KEYS", first)
    django_stores(alias, log_days=0).suppressions.put(Suppression(ADA, "bounce"))
    assert ADA not in str(Row.objects.using(alias).values_list("address"))
    monkeypatch.setenv("MAILSTACK_STORE_KEYS", second)
    with pytest.raises(StoreError, match="keys that are missing"):
        django_stores(alias, log_days=0).suppressions.get_many([ADA])
    monkeypatch.setenv("MAILSTACK_STORE_KEYS", f"{second},{first}")
    assert listed(django_stores(alias, log_days=0)) == [ADA]


def test_rolled_back_key_is_recorded_later(alias: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_STORE_KEYS", new_key())
    stores = django_stores(alias, log_days=0)
    with transaction.atomic(alias):
        stores.suppressions.put(Suppression(ADA, "bounce"))
        transaction.set_rollback(True, alias)
    stores.suppressions.put(Suppression(ADA, "bounce"))
    monkeypatch.setenv("MAILSTACK_STORE_KEYS", new_key())
    with pytest.raises(StoreError, match="keys that are missing"):
        django_stores(alias, log_days=0).suppressions.get_many([ADA])


def test_other_programs_reach_the_tables_by_a_url(tmp_path: Path):
    file = tmp_path / "db.sqlite3"
    with other_database("other", ENGINE="django.db.backends.sqlite3", NAME=file):
        django_stores("other", log_days=0).suppressions.put(Suppression(ADA, "bounce"))
        with SqlStores(f"sqlite:///{file}?migrate=no") as stores:
            assert listed(stores) == [ADA]
            stores.suppressions.put(Suppression("bob@example.com", "complaint"))
        assert len(listed(django_stores("other", log_days=0))) == 2


def test_migration_is_left_to_django(stores: SqlStores):
    with pytest.raises(ConfigurationError, match=r"manage\.py migrate"):
        stores.migrate()


def test_log_days_turn_the_message_log_on(alias: str):
    assert django_stores(alias, log_days=0).messages is None
    log = django_stores(alias, log_days=7).messages
    assert log
    assert log.days == 7


def test_other_databases_are_refused():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections["default"], "vendor", "oracle")
        with pytest.raises(ConfigurationError, match="which is oracle"):
            django_stores("default", log_days=0)


def test_missing_sqlalchemy_is_an_error(monkeypatch: pytest.MonkeyPatch):
    process.forget_mailer()
    monkeypatch.delitem(sys.modules, "mailer.django.store")
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(ConfigurationError, match="pip install"):
        process.stores_of(Config(store="django"))


@pytest.mark.parametrize("outbox", [False, True])
def test_store_without_the_application_is_an_error(outbox: bool):
    """Its tables are missing, and `manage.py migrate` would not create them."""
    process.forget_mailer()
    apps = [one for one in APPS if one != "mailer.django"]
    given = {"STACK": "test", "STORE": "django", "OUTBOX": outbox}
    with override_settings(INSTALLED_APPS=apps, MAILSTACK=given), pytest.raises(ConfigurationError) as raised:
        EmailBackend().send_messages([EmailMessage("Subject", "Text", None, [ADA])])
    assert "'mailer.django', which has its tables, is not in INSTALLED_APPS" in raised.value.message
    assert raised.value.hint == "Add 'mailer.django' to INSTALLED_APPS, and run manage.py migrate."


def test_application_by_its_configuration_has_the_tables():
    apps = [one.replace("mailer.django", "mailer.django.apps.MailstackConfig") for one in APPS]
    with override_settings(INSTALLED_APPS=apps, MAILSTACK={"STACK": "test", "STORE": "django"}):
        assert config().uses_django_store


@pytest.fixture
def local(database: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The mailer of the process, without AWS, with its stores in Django's database."""
    monkeypatch.setenv("MAILSTACK_OUTPUTS", f"local://{tmp_path}")
    process.forget_mailer()
    with override_settings(MAILSTACK={"STACK": "test", "STORE": "django"}):
        yield
    process.forget_mailer()


@pytest.mark.usefixtures("local")
def test_mail_is_stopped_by_django_s_list():
    process.stores_of(config()).suppressions.put(Suppression(ADA, "bounce"))
    result = get_mailer().send(Message(subject="Subject", text="Text"), to=[ADA, "bob@example.com"])
    assert [one.status for one in result] == [Status.SUPPRESSED, Status.SENT]


@pytest.mark.usefixtures("local")
def test_idempotency_key_in_a_rolled_back_transaction():
    message = Message(subject="Subject", text="Text", to=ADA)
    with transaction.atomic():
        User.objects.create(username="ada")
        get_mailer().send(message, idempotency_key="key")
        transaction.set_rollback(True)
    assert not get_mailer().send(message, idempotency_key="key").replayed
    assert get_mailer().send(message, idempotency_key="key").replayed


def test_threads_of_the_library_leave_no_connection(alias: str, local: None):
    with override_settings(MAILSTACK={"STACK": "test", "STORE": "django", "DATABASE": alias}):
        process.forget_mailer()
        mailer = get_mailer()
        seen: list[object] = []

        async def send() -> None:
            await mailer.asend(Message(subject="Subject", text="Text", to=ADA))
            await mailer._pool.run(lambda: seen.append(connections[alias].connection))

        asyncio.run(send())
        mailer.close()
    assert seen == [None]
