"""The relay as a task of procrastinate, Celery and `django.tasks`."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.beat import Scheduler
from celery.contrib.testing.worker import start_worker
from celery.signals import setup_logging
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from mailer import ConfigurationError, Mailer, Message, SqlStores, celery_relay, procrastinate_relay, wake_django_relay
from mailer.stores.sql.url import Location
from tests.postgresql import PostgreSQL
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration
NUMBERS = count()
HELLO = Message(subject="Hello", text="Hello", to="ada@example.com")


def test_worker_of_procrastinate_sends_what_is_in_the_outbox(postgresql: PostgreSQL, tmp_path: Path):
    schema = f"procrastinate_{next(NUMBERS)}"
    postgresql.execute(f"CREATE SCHEMA {schema}")
    plain = Location.parse(postgresql.url).url.set(drivername="postgresql").render_as_string(hide_password=False)
    options = f"-c search_path={schema}"
    with closing(App(connector=SyncPsycopgConnector(conninfo=plain, kwargs={"options": options}))) as waker:
        waker.open()
        waker.schema_manager.apply_schema()
        url = f"{postgresql.url}?schema={schema}"
        with SqlStores(url, keys=()) as stores, Mailer.local(tmp_path, console=False, outbox=stores) as mailer:
            wake = procrastinate_relay(waker, lambda: mailer, queue="post")
            ids = [mailer.enqueue(HELLO, connection=None).id for _ in range(3)]
            wake()
            wake()  # one waits already
            worker = App(connector=PsycopgConnector(conninfo=plain, kwargs={"options": options}))
            procrastinate_relay(worker, lambda: mailer, queue="post")
            worker.run_worker(queues=["post"], wait=False, install_signal_handlers=False)
            assert {mail.id for mail in mailer.outbox.find(status="sent")} == set(ids)
            jobs = postgresql.execute(f"SELECT status FROM {schema}.procrastinate_jobs WHERE args = '{{}}'")  # noqa: S608
            assert jobs == [("succeeded",)]


@pytest.fixture
def celery() -> Iterator[Celery]:
    """An application of Celery, whose broker is in memory."""

    def keep(**_: object) -> None:
        """Leave the logging of the tests as it is."""

    setup_logging.connect(keep)
    app = Celery("shop", broker=f"memory://{next(NUMBERS)}/", set_as_current=False)
    app.conf.task_default_queue = f"shop-{next(NUMBERS)}"
    yield app
    app.close()
    setup_logging.disconnect(keep)


def worker_of(app: Celery, **options: Any) -> AbstractContextManager[object]:
    """A worker in a thread."""
    start: Any = start_worker
    return start(app, perform_ping_check=False, shutdown_timeout=PATIENCE, **options)


def test_worker_of_celery_sends_what_is_in_the_outbox(celery: Celery, tmp_path: Path):
    with Mailer.local(tmp_path, console=False, outbox=f"sqlite:///{tmp_path}/shop.db") as mailer:
        wake = celery_relay(celery, lambda: mailer)
        ids = {mailer.enqueue(HELLO, connection=None).id for _ in range(3)}
        wake()
        with worker_of(celery):
            eventually(lambda: len(mailer.outbox.find(status="sent")) == 3, "the worker sends nothing")
            ids.add(mailer.enqueue(HELLO, connection=None).id)
            wake()
            eventually(lambda: len(mailer.outbox.find(status="sent")) == 4, "the worker is not woken")
        assert {mail.id for mail in mailer.outbox.find(status="sent")} == ids


def test_beat_of_celery_wakes_the_relay_each_minute(celery: Celery, tmp_path: Path):
    with Mailer.local(tmp_path, console=False, outbox=f"sqlite:///{tmp_path}/shop.db") as mailer:
        celery_relay(celery, lambda: mailer, queue="post")
        scheduler: Any = Scheduler(celery)
        entry = scheduler.schedule["mailstack.outbox"]
        assert (entry.schedule.run_every, entry.options["queue"]) == (timedelta(minutes=1), "post")
        sent = mailer.enqueue(HELLO, connection=None).id
        scheduler.apply_async(entry, advance=False)
        with worker_of(celery, queues=["post"]):
            eventually(lambda: [mail.id for mail in mailer.outbox.find(status="sent")] == [sent], "nothing was sent")


def test_broker_that_is_down_does_not_break_a_page(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with closing(Celery("shop", broker=f"amqp://127.0.0.1:{port}//", set_as_current=False)) as app:
        app.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0}
        celery_relay(app, lambda: Mailer.local(tmp_path))()
    assert "waits in the outbox" in caplog.text


DJANGO = """
import django
from django.conf import settings
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db"}},
    INSTALLED_APPS=["django_tasks"],
    TASKS={"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}},
)
django.setup()
from django.db import connection, transaction
from mailer import Message, wake_django_relay
from shop_mail import mailer

def order(fails):
    with transaction.atomic():
        mailer.enqueue(Message(subject="Hello", text="Hello"), to="ada@example.com", connection=connection)
        wake_django_relay("shop_mail:mailer")
        if fails:
            raise ValueError

try:
    order(fails=True)
except ValueError:
    print("rolled back", [str(mail.status) for mail in mailer.outbox.find()])
order(fails=False)
print("committed", [str(mail.status) for mail in mailer.outbox.find()])
mailer.close()
"""


def test_task_of_django_runs_after_the_commit(tmp_path: Path):
    (tmp_path / "shop_mail.py").write_text(
        "from mailer import Mailer, SqlStores\n"
        "stores = SqlStores('sqlite:///shop.db', keys=())\n"
        "stores.migrate()\n"
        "mailer = Mailer.local('mails', console=False, outbox=stores)\n"
    )
    command = [sys.executable, "-c", DJANGO]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout.splitlines() == ["rolled back []", "committed ['sent']"], done.stderr


@pytest.mark.parametrize("name", ["shop", "shop:", ":mailer", ""])
def test_mailer_of_django_is_named_by_module_and_name(name: str):
    with pytest.raises(ConfigurationError, match="does not name a mailer"):
        wake_django_relay(name)
