"""What is particular to PostgreSQL: outages, forks, rights, and a mailer that needs no DynamoDB."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest

from mailer import Mailer, Message
from mailer.errors import StoreError
from mailer.feedback.events import parse
from mailer.feedback.processor import Processor
from mailer.stores.base import Suppression
from mailer.stores.sql.stores import SqlStores
from mailer.stores.sql.url import Location
from tests.contract.suppression_store import ADA, NOW, Clock, suppression
from tests.postgresql import PostgreSQL, running
from tests.unit.mailer.feedback.payloads import bounced, changed, mail_to

pytestmark = pytest.mark.integration
NUMBERS = count()


@pytest.fixture
def url(postgresql: PostgreSQL) -> str:
    """A schema of the test's own."""
    return f"{postgresql.url}?schema=test_{next(NUMBERS)}"


@pytest.fixture
def stores(url: str) -> Iterator[SqlStores]:
    with SqlStores(url, keys=(), clock=Clock()) as opened:
        yield opened


def test_server_that_stops_is_a_store_error_and_then_works_again():
    with running() as server, SqlStores(server.url, keys=()) as stores:
        assert stores.suppressions.put(suppression())
        server.stop()
        for _ in range(2):
            with pytest.raises(StoreError, match=r"on 127\.0\.0\.1") as raised:
                stores.suppressions.get_many([ADA])
            assert "Check that PostgreSQL runs" in raised.value.hint
        with pytest.raises(StoreError):
            stores.suppressions.put(suppression("complaint"))
        server.start()
        assert stores.suppressions.get_many([ADA]) == {ADA: suppression()}
        assert stores.suppressions.put(suppression("complaint"))


def test_connection_lost_within_a_transaction_writes_nothing(postgresql: PostgreSQL, stores: SqlStores):
    stores.suppressions.put(suppression())

    def interrupted() -> None:
        with stores._database.write("write to") as connection:
            connection.execute(stores._database.tables.suppressions.delete())
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            postgresql.execute(f"SELECT pg_terminate_backend({pid})")
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(StoreError, match="terminat") as raised:
        interrupted()
    assert raised.value.hint
    assert stores.suppressions.get_many([ADA])


def test_wrong_password_is_named_without_showing_it(postgresql: PostgreSQL):
    place = Location.parse(postgresql.url)
    url = place.url.set(password="hidden-word").render_as_string(hide_password=False)
    with SqlStores(url, keys=()) as stores, pytest.raises(StoreError, match="password authentication") as raised:
        stores.suppressions.get_many([ADA])
    assert "hidden-word" not in f"{raised.value}{raised.value.__cause__}"
    assert "Check the user" in raised.value.hint


def test_user_without_rights_needs_a_migration_by_the_owner(postgresql: PostgreSQL, url: str, stores: SqlStores):
    stores.migrate()
    schema = url.rpartition("=")[2]
    postgresql.execute(f"CREATE ROLE reader_{schema} LOGIN PASSWORD 'reader'")
    limited = Location.parse(url).url.set(username=f"reader_{schema}", password="reader").render_as_string(False)
    query = f"?schema={schema}&migrate=no"
    with SqlStores(limited + query, keys=()) as stranger, pytest.raises(StoreError, match="permission denied"):
        stranger.suppressions.get_many([ADA])
    postgresql.execute(f"GRANT USAGE ON SCHEMA {schema} TO reader_{schema}")
    postgresql.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader_{schema}")
    with SqlStores(limited + query, keys=()) as reader:
        assert reader.suppressions.get_many([ADA]) == {}
        with pytest.raises(StoreError, match="permission denied") as raised:
            reader.suppressions.put(suppression())
    assert "Grant the user" in raised.value.hint


def test_processes_that_start_at_once_migrate_once(url: str):
    def use(number: int) -> bool:
        with SqlStores(url, keys=()) as stores:
            return bool(stores.suppressions.put(suppression(address=f"u{number}@example.org")))

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(use, range(6)))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_forked_child_leaves_the_parent_s_connections_alone(stores: SqlStores):
    stores.suppressions.put(suppression())
    child = os.fork()
    if not child:
        found = bool(stores.suppressions.get_many([ADA]))
        stores.close()
        os._exit(0 if found else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert stores.suppressions.get_many([ADA])


def test_concurrent_writers_leave_the_strongest(url: str):
    rows = [replace(suppression("complaint"), feedback_id=f"f{number:02}") for number in range(30)]
    rows.append(suppression("manual"))

    def put(row: Suppression) -> None:
        with SqlStores(url, keys=()) as stores:
            stores.suppressions.put(row)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, rows))
    with SqlStores(url, keys=()) as stores:
        assert stores.suppressions.get_many([ADA]) == {ADA: suppression("manual")}


def test_rotation_and_clean_up_run_beside_writers(url: str):
    from mailer.secret_keys import new_key

    key, other = new_key(), new_key()
    with SqlStores(url, keys=[key]) as old:
        for number in range(20):
            old.suppressions.put(suppression(address=f"u{number}@example.org"))
    with SqlStores(url, keys=[other, key]) as stores, ThreadPoolExecutor(3) as pool:
        rotations = [pool.submit(stores.rotate) for _ in range(2)]
        pool.submit(lambda: [stores.suppressions.remove(f"u{number}@example.org") for number in range(10)]).result()
        for rotation in rotations:
            rotation.result()
        assert stores.clean_up()["suppressions"] == 0
        assert len(stores.rotate().keys) == 1
    with SqlStores(url, keys=[other]) as stores:
        found = stores.suppressions.get_many([f"u{number}@example.org" for number in range(20)])
        assert sorted(found) == sorted(f"u{number}@example.org" for number in range(10, 20))


def test_mailer_needs_no_dynamodb(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Feedback suppresses, the mailer skips the address, a key is spent once."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with SqlStores(url, keys=()) as stores, Mailer.local(tmp_path, console=False, store=url) as mailer:
        message = Message(subject="Hello", text="Hello", to=[ADA, "bob@example.org"])
        assert [one.status.value for one in mailer.send(message)] == ["sent", "sent"]
        payload = changed("bounce", "bounce", bouncedRecipients=bounced(ADA, status="5.1.1"))
        event = parse({**payload, "mail": {**payload["mail"], **mail_to(ADA)}}, NOW + timedelta(seconds=1))
        (outcome,) = Processor(stores.suppressions, stores.events).process(event)
        assert outcome.status == "suppressed"
        assert {one.address.email: one.status.value for one in mailer.send(message)} == {
            ADA: "suppressed",
            "bob@example.org": "sent",
        }
        sent = [mailer.send(message, to="eve@example.org", idempotency_key="order-1") for _ in range(2)]
        assert sent[0].id == sent[1].id


def test_unsubscribe_from_a_stream_stops_that_stream_only(url: str, tmp_path: Path):
    with SqlStores(url, keys=()) as stores, Mailer.local(tmp_path, console=False, store=stores) as mailer:
        stores.suppressions.put(Suppression(ADA, "unsubscribe", scope="stream:marketing"))
        message = Message(subject="Hello", text="Hello", to=ADA)
        assert mailer.send(message, stream="marketing").recipients[0].status.value == "suppressed"
        assert mailer.send(message, stream="transactional").ok


def test_tables_are_where_the_url_says(postgresql: PostgreSQL, url: str):
    with SqlStores(f"{url}&prefix=mail_", keys=()) as stores:
        stores.suppressions.put(suppression())
    found = postgresql.execute(
        f"SELECT tablename FROM pg_tables WHERE schemaname = '{url.rpartition('=')[2]}' ORDER BY 1"  # noqa: S608
    )
    names = [str(name) for (name,) in found]
    assert names == sorted(names)
    assert {"mail_suppressions", "mail_schema_version"} <= set(names)
    assert all(name.startswith("mail_") for name in names)
    with psycopg.connect(postgresql.url) as connection:
        query = f"SELECT address FROM {url.rpartition('=')[2]}.mail_suppressions"  # noqa: S608
        assert connection.execute(query.encode()).fetchall() == [(ADA,)]
