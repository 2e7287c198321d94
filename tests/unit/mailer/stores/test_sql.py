"""What is particular to SQL stores. Promises of every store: tests/contract/test_stores.py."""

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from mailer import Mailer, Message
from mailer.errors import ConfigurationError, StoreError
from mailer.install import install_command
from mailer.secret_keys import new_key
from mailer.stores.base import REMEMBERED, Suppression
from mailer.stores.counters import COUNTERS_KEPT
from mailer.stores.soft_bounces import KEPT, Mailbox
from mailer.stores.sql import database as database_module
from mailer.stores.sql.migrate import HEAD, SCRIPTS
from mailer.stores.sql.stores import SqlStores
from mailer.stores.sql.url import Location
from mailer.stores.tokens import Limit
from tests.contract.event_store import EVENT
from tests.contract.idempotency_store import RECORD
from tests.contract.message_log import HISTORY
from tests.contract.suppression_store import ADA, NOW, Clock, suppression
from tests.contract.token_store import TOKEN
from tests.waiting import PATIENCE

KEY, OTHER = new_key(), new_key()
Make = Callable[..., SqlStores]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Opens the same file again, with other keys."""
    with ExitStack() as opened:

        def stores(*keys: str, clock: Clock | None = None, query: str = "") -> SqlStores:
            url = f"sqlite:///{tmp_path}/mail.db{query}"
            return opened.enter_context(SqlStores(url, keys=keys, clock=clock or Clock()))

        yield stores


def content(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "cannot be read"),
        ("mysql://mail:hidden@host/mail", "'mysql'"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:///mail.db?schema=mail", "no schemas"),
        ("sqlite:///mail.db?prefix=a-b", "not a name"),
        ("postgresql://host/mail?schema=Mail;", "not a name"),
        ("postgresql://host/mail?migrate=perhaps", "not yes or no"),
        ("postgresql://host/mail?notify=1", "not yes or no"),
        ("postgresql://host/mail?log_days=many", "not a number"),
    ],
)
def test_wrong_url_is_a_configuration_error(url: str, said: str):
    with pytest.raises(ConfigurationError, match=said) as raised:
        SqlStores(url, keys=())
    assert raised.value.hint
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_scheme_of_postgresql_means_psycopg_3(scheme: str):
    place = Location.parse(f"{scheme}://mail@host/mail?schema=a&prefix=b_&migrate=no&sslmode=require")
    assert (place.url.drivername, place.schema, place.prefix, place.migrate) == ("postgresql+psycopg", "a", "b_", False)
    assert dict(place.url.query) == {"sslmode": "require"}


def test_migrations_create_the_tables_that_are_declared(make: Make):
    stores = make()
    stores.migrate()
    database = stores._database
    with database.write("compare") as connection:
        options = {"version_table": "mailstack_schema_version"}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), database.tables.metadata)
    assert differences == []


def test_head_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_migration_is_left_to_the_command_by_url(make: Make):
    with pytest.raises(StoreError, match="migrate=no") as raised:
        make(query="?migrate=no").suppressions.get_many([ADA])
    assert "mailer store migrate" in raised.value.hint
    make().migrate()
    assert make(query="?migrate=no").suppressions.get_many([ADA]) == {}


def test_newer_tables_are_used_as_they_are(make: Make, tmp_path: Path):
    make().migrate()
    with sqlite3.connect(tmp_path / "mail.db") as connection:
        connection.execute("UPDATE mailstack_schema_version SET version_num = '9999'")
    connection.close()
    assert make().suppressions.put(suppression())


def test_concurrent_first_uses_migrate_once(make: Make):
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(
            lambda number: make().suppressions.put(suppression(address=f"u{number}@example.org")), range(8)
        )
    assert all(found)
    assert len(list(make().suppressions.iterate())) == 8


def test_two_prefixes_do_not_share_tables(make: Make):
    make(query="?prefix=shop_").suppressions.put(suppression())
    assert make().suppressions.get_many([ADA]) == {}


def test_file_is_readable_by_its_owner_alone(make: Make, tmp_path: Path):
    make().suppressions.put(suppression())
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_file_that_cannot_be_created_is_a_configuration_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        SqlStores(f"sqlite:///{tmp_path}/file/mail.db", keys=()).suppressions.get_many([ADA])


def test_file_that_is_no_database_is_a_store_error(make: Make, tmp_path: Path):
    (tmp_path / "mail.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="not a database") as raised:
        make().suppressions.get_many([ADA])
    assert "restore a backup" in raised.value.hint


def test_write_waits_for_another_process(make: Make, tmp_path: Path):
    stores = make()
    stores.migrate()
    holder = sqlite3.connect(tmp_path / "mail.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    writer = ThreadPoolExecutor(1).submit(stores.suppressions.put, suppression())
    assert stores.suppressions.get_many([ADA]) == {}  # readers do not wait
    holder.execute("COMMIT")
    assert writer.result(PATIENCE)
    holder.close()


def test_lock_that_is_held_too_long_is_a_store_error(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make().migrate()
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0)
    stores = make()
    holder = sqlite3.connect(tmp_path / "mail.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="database is locked") as raised:
        stores.suppressions.put(suppression())
    assert "end it" in raised.value.hint
    holder.execute("COMMIT")
    holder.close()
    assert stores.suppressions.put(suppression())


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_forked_child_has_connections_of_its_own(make: Make):
    stores = make()
    stores.suppressions.put(suppression())
    database: Any = stores._database
    before = database._engine.pool
    child = os.fork()
    if not child:
        own = database._engine.pool is not before
        works = bool(stores.suppressions.get_many([ADA])) and bool(
            stores.suppressions.put(suppression(address="child@example.org"))
        )
        os._exit(0 if own and works else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert set(stores.suppressions.get_many([ADA, "child@example.org"])) == {ADA, "child@example.org"}


def test_threads_never_weaken_a_suppression(make: Make):
    store, start = make().suppressions, threading.Barrier(8)
    rows = [replace(suppression("complaint"), feedback_id=f"f{number}") for number in range(7)] + [
        suppression("manual")
    ]

    def put(row: Suppression) -> None:
        start.wait()
        store.put(row)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, rows))
    assert store.get_many([ADA])[ADA] == suppression("manual")


def test_errors_show_no_address_and_no_statement(make: Make, tmp_path: Path):
    stores = make()
    stores.migrate()
    with sqlite3.connect(tmp_path / "mail.db") as connection:
        connection.execute("DROP TABLE mailstack_suppressions")
    connection.close()
    with pytest.raises(StoreError) as raised:
        stores.suppressions.put(suppression())
    shown = f"{raised.value} {raised.value.__cause__!r}"
    assert "no such table" in shown
    assert "ada" not in shown.replace(str(tmp_path), "")
    assert "INSERT" not in shown
    assert raised.value.__context__ is None


def test_history_shows_actor_time_and_reason(make: Make):
    clock = Clock()
    store = make(clock=clock).suppressions
    store.put(replace(suppression("complaint"), actor=""))
    clock.now = NOW + timedelta(hours=1)
    store.remove(ADA, actor="support", why="asked by telephone")
    added, removed = store.history("Ada@Example.org")
    assert (added.action, added.at, added.reason, added.feedback_id) == ("added", NOW, "complaint", "feedback-1")
    assert (removed.action, removed.at, removed.actor, removed.detail) == (
        "removed",
        clock.now,
        "support",
        "asked by telephone",
    )
    assert ADA not in repr(added)


def test_removal_of_nothing_leaves_no_history(make: Make):
    store = make().suppressions
    store.remove(ADA)
    store.put(suppression())  # it happened before the removal
    assert store.history(ADA) == []


def test_encrypted_store_holds_no_address_and_no_detail(make: Make, tmp_path: Path):
    with make(KEY) as stores:
        stores.suppressions.put(replace(suppression(), detail="said the server"))
        stores.suppressions.remove(ADA, why="said the owner")
        stores.events.record(replace(EVENT, detail="said the event"))
    stored = content(tmp_path).lower()
    assert [word for word in (b"ada@", b"said the") if word in stored] == []
    with make() as plain, pytest.raises(StoreError, match="keys that are missing") as raised:
        plain.suppressions.get_many([ADA])
    assert "MAILSTACK_STORE_KEYS" in raised.value.hint


@pytest.mark.parametrize("column", ["address", "detail"])
def test_value_moved_to_another_row_is_refused(make: Make, tmp_path: Path, column: str):
    with make(KEY) as stores:
        for address in (ADA, "bob@example.org"):
            stores.suppressions.put(suppression(address=address))
    with sqlite3.connect(tmp_path / "mail.db") as connection:
        connection.row_factory = sqlite3.Row
        value = connection.execute("SELECT * FROM mailstack_suppressions").fetchone()[column]
        connection.execute(f"UPDATE mailstack_suppressions SET {column} = ?", [value])  # noqa: S608 - a name of the test
    connection.close()
    with pytest.raises(StoreError, match="authentication"):
        list(make(KEY).suppressions.iterate())


@pytest.mark.parametrize("before", [(), (KEY,)], ids=["plain", "encrypted"])
def test_rotation_encrypts_every_row_with_the_current_key(make: Make, tmp_path: Path, before: tuple[str, ...]):
    with make(*before) as old:
        old.suppressions.put(suppression())
        old.suppressions.put(suppression(address="bob@example.org"))
        old.suppressions.remove("bob@example.org")
        old.events.record(EVENT)
    with make(OTHER, *before) as both:
        assert both.suppressions.get_many([ADA]) == {ADA: suppression()}
        done = both.rotate()
        assert (done.rewritten, done.hashes, len(done.keys)) == (6, 0, 1)
        assert both.rotate().rewritten == 0
    with make(OTHER) as new:
        assert new.suppressions.get_many([ADA]) == {ADA: suppression()}
        assert not new.suppressions.put(suppression(address="bob@example.org"))
        assert len(new.suppressions.history("bob@example.org")) == 2
        assert new.events.get(EVENT.key) == EVENT
    assert b"ada@" not in content(tmp_path)


def test_row_of_an_old_key_is_merged_when_it_is_written(make: Make):
    make(KEY).suppressions.put(suppression("complaint"))
    store = make(OTHER, KEY).suppressions
    assert not store.put(suppression("bounce", day=2))
    assert list(store.iterate()) == [suppression("complaint")]
    assert store.remove(ADA)
    assert list(store.iterate()) == []


@pytest.mark.parametrize("text", ["", "short", "c2hvcnQ=", "!" * 44])
def test_key_of_the_wrong_form_is_refused(text: str):
    with pytest.raises(ConfigurationError, match="32 bytes in base64") as raised:
        SqlStores("sqlite:///mail.db", keys=[text])
    assert not text or text not in str(raised.value)


def test_keys_come_from_the_environment(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("MAILSTACK_STORE_KEYS", f"{OTHER},{KEY}")
    with SqlStores(f"sqlite:///{tmp_path}/mail.db") as stores:
        stores.suppressions.put(suppression())
    assert make(OTHER).suppressions.get_many([ADA]) == {ADA: suppression()}


def test_erased_address_is_still_suppressed_by_its_hash(make: Make, tmp_path: Path):
    with make(KEY) as stores:
        stores.suppressions.put(suppression("complaint"))
        stores.suppressions.put(replace(suppression("unsubscribe"), scope="stream:news"))
        assert stores.erase("Ada@Example.org") == 4
        assert stores.erase(ADA) == 0
        found = stores.suppressions.get_many([ADA])[ADA]
        assert (found.reason, found.detail, found.message_id) == ("complaint", "", "")
        assert stores.suppressions.get_many([ADA], ["stream:news"])
        assert list(stores.suppressions.iterate()) == []
        assert stores.suppressions.history(ADA) == []


def test_later_event_does_not_restore_an_erased_address(make: Make):
    with make(KEY) as stores:
        stores.suppressions.put(suppression("bounce"))
        stores.erase(ADA)
        assert stores.suppressions.put(suppression("complaint"))
        assert stores.suppressions.get_many([ADA])[ADA].reason == "complaint"
        assert list(stores.suppressions.iterate()) == []
        assert stores.suppressions.history(ADA) == []


def test_erased_hash_of_an_old_key_is_reported(make: Make):
    with make(KEY) as stores:
        stores.suppressions.put(suppression())
        stores.erase(ADA)
    with make(OTHER, KEY) as stores:
        done = stores.rotate()
        assert (done.hashes, len(done.keys)) == (1, 2)
        assert stores.suppressions.get_many([ADA])


def test_erasure_without_a_key_is_refused(make: Make):
    with pytest.raises(ConfigurationError, match="reversed by guessing"):
        make().erase(ADA)


def test_clean_up_deletes_what_has_expired_only(make: Make):
    clock = Clock()
    stores = make(clock=clock)
    for address in ("bob@example.org", "eve@example.org"):
        stores.suppressions.remove(address)
    stores.suppressions.put(Suppression("eve@example.org", "manual", created_at=NOW + timedelta(1), scope="stream:a"))
    stores.suppressions.put(Suppression("tom@example.org", "manual", created_at=NOW, expires_at=NOW + timedelta(1)))
    stores.events.record(EVENT)
    stores.idempotency.begin(RECORD)
    stores.tokens.put(TOKEN)
    stores.tokens.take("key", Limit(5), NOW)
    stores.soft_bounces.merge("bob@example.org", Mailbox(delivered_at=NOW))
    stores.counters.put(NOW.date(), [])
    assert set(stores.clean_up().values()) == {0}
    clock.now = NOW + REMEMBERED
    assert stores.clean_up() == {
        "suppressions": 3,
        "history": 0,
        "events": 1,
        "idempotency": 1,
        "messages": 0,
        "tags": 0,
        "tokens": 1,
        "token_limits": 1,
        "token_events": 1,
        "soft_bounces": 0,
        "counters": 0,
    }
    assert [row.address for row in stores.suppressions.iterate()] == ["eve@example.org"]
    assert stores.clean_up(history=timedelta(days=1))["history"] == 2
    clock.now = NOW + KEPT
    assert stores.clean_up()["soft_bounces"] == 1
    clock.now = NOW + COUNTERS_KEPT
    assert stores.clean_up()["counters"] == 1


def test_erasure_and_rotation_reach_soft_bounces(make: Make):
    seen, bob = Mailbox(delivered_at=NOW), "bob@example.org"
    make(KEY).soft_bounces.merge(bob, seen)
    rotated = make(OTHER, KEY)
    assert rotated.soft_bounces.get(bob) == seen
    rotated.soft_bounces.merge(bob, Mailbox())
    assert rotated.rotate().keys != ()
    current = make(OTHER)
    assert current.soft_bounces.get(bob) == seen
    assert current.erase(bob) == 1
    assert current.soft_bounces.get(bob) == Mailbox()


def test_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(ConfigurationError) as raised:
        SqlStores("postgresql://mail@127.0.0.1/mail", keys=())
    assert raised.value.hint == install_command("postgresql")


def test_text_that_postgresql_refuses_is_stored_without_it(make: Make):
    row = replace(suppression(), detail="a\0b\ud800")
    store = make().suppressions
    assert store.put(row)
    assert store.get_many([ADA])[ADA].detail == "ab?"


def test_message_log_is_encrypted_rotated_erased_and_cleaned_up(make: Make, tmp_path: Path):
    clock, history = Clock(), [replace(entry, key=f"event-{number}") for number, entry in enumerate(HISTORY)]
    with make(KEY, query="?log_days=30") as stores:
        assert stores.messages
        stores.messages.add(history)
    assert [word for word in (b"ada@", b"550 5.1.1") if word in content(tmp_path)] == []
    stores = make(OTHER, KEY, query="?log_days=30", clock=clock)
    assert stores.messages
    assert set(stores.messages.of_message(HISTORY[0].id)) == set(history)
    assert stores.rotate().rewritten == len(HISTORY)
    assert stores.messages.of_recipient(ADA, since=NOW)
    stores.erase(ADA)
    assert stores.messages.of_recipient(ADA, since=NOW) == []
    assert {entry.recipient for entry in stores.messages.of_message(HISTORY[0].id)} == {"bob@example.org"}
    clock.now = NOW + timedelta(days=30)
    deleted = stores.clean_up()
    assert (deleted["messages"], deleted["tags"]) == (2, 3)


def test_tokens_are_encrypted_rotated_and_erased(make: Make, tmp_path: Path):
    with make(KEY) as stores:
        stores.tokens.put(TOKEN)
    assert [word for word in (b"ada@", TOKEN.account.encode()) if word in content(tmp_path)] == []
    stores = make(OTHER, KEY)
    assert stores.rotate().rewritten == 2
    assert len(stores.rotate().keys) == 1
    assert stores.tokens.get(TOKEN.id) == TOKEN
    assert [one.address for one in stores.tokens.events(since=NOW)] == [ADA]
    assert stores.erase(ADA) == 2
    assert stores.tokens.get(TOKEN.id) is None
    assert list(stores.tokens.events(since=NOW)) == []


def test_audit_of_many_pages_is_read_to_its_end(make: Make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailer.stores.sql.tokens._PAGE", 3)
    tokens = make().tokens
    for number in range(10):
        tokens.put(replace(TOKEN, id=f"{number:064x}", serial=f"{number:032x}"))
    assert [one.serial for one in tokens.events(since=NOW)] == [f"{number:032x}" for number in reversed(range(10))]


def test_message_log_is_off_by_default(make: Make):
    assert make().messages is None


def test_environment_names_the_store_of_stacks_only(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_STORE", f"sqlite:///{tmp_path}/mail.db")
    make().suppressions.put(suppression())
    message = Message(subject="Hello", text="Hello", to=ADA)
    with Mailer.local(tmp_path / "mails", console=False) as local:
        assert local.send(message).ok
        with Mailer(local.outputs, transport=local._pipeline.transport) as mailer:
            assert [str(one.status) for one in mailer.send(message)] == ["suppressed"]


def test_store_of_the_environment_serves_mail_without_stack(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MAILSTACK_STORE", f"sqlite:///{tmp_path}/mail.db")
    make().suppressions.put(suppression())
    with (
        Mailer.local(tmp_path / "mails", console=False) as local,
        Mailer.over(local._pipeline.transport, sender="shop@example.com") as mailer,
    ):
        assert [str(one.status) for one in mailer.send(Message(subject="Hello", text="Hello", to=ADA))] == [
            "suppressed"
        ]
