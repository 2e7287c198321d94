"""The processes: an application that writes mails in its transactions, and a relay that is killed sooner or later."""

import os
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

from mailer import (
    Limits,
    Mailer,
    Message,
    OutboxPolicy,
    OutboxRelay,
    RetryPolicy,
    SesTransport,
    SqlStores,
    StackOutputs,
)
from mailer.stores.base import utcnow
from mailer.stores.memory import MemoryIdempotency, MemorySuppressions
from mailer.stores.sql.url import Location
from tests.outbox_schedule.schedule import Schedule

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

POLICY = OutboxPolicy(lease=timedelta(seconds=3), give_up_after=timedelta(days=3650))


def address(number: int) -> str:
    return f"reader-{number}@example.org"


def opened(url: str, offset: timedelta) -> SqlStores:
    """The stores, whose clock is ahead."""
    return SqlStores(url, keys=(), clock=lambda: utcnow() + offset)


def mailer(outputs: StackOutputs, stores: SqlStores) -> Mailer:
    return Mailer(
        outputs,
        transport=SesTransport(outputs, limits=Limits(connect=1.0, attempt=1.0)),
        suppressions=MemorySuppressions(),
        idempotency=MemoryIdempotency(),
        retries=RetryPolicy(attempts=2, first_delay=0.01, budget=2.0),
        message_log=stores.messages,
        outbox=stores,
        store="",
    )


def write(schedule: Schedule, numbers: range, outputs: StackOutputs, url: str, offset: timedelta) -> None:
    """The application: an order and its mail, in one transaction, which may be rolled back."""
    with opened(url, offset) as stores, mailer(outputs, stores) as mail:
        engine = create_engine(Location.parse(url).url)
        for number in numbers:
            chance = schedule.chance("write", number)
            message = Message(subject="Hello", text="Hello", to=address(number), tags={"n": str(number)})
            with engine.connect() as connection:
                connection.execute(text("INSERT INTO orders (number) VALUES (:number)"), {"number": number})
                mail.enqueue(message, connection=connection, priority=chance.randrange(3))
                if chance.random() < schedule.rolled_back:
                    connection.rollback()
                else:
                    connection.commit()
        engine.dispose()


def start_relay(schedule: Schedule, outputs: StackOutputs, url: str, offset: timedelta) -> "ForkServerProcess":
    """Start a relay.

    Its process is not forked from this one: a connection of SQLite must not be carried across a fork, because the child
    would believe that it holds locks (https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_).
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=relay, args=(schedule, outputs, url, offset, dict(os.environ)), daemon=True)
    process.start()
    return process


def relay(schedule: Schedule, outputs: StackOutputs, url: str, offset: timedelta, environment: dict[str, str]) -> None:
    """Send until the process is killed."""
    os.environ.update(environment)
    stores = opened(url, offset)
    policy = replace(POLICY, unknown=schedule.unknown)
    OutboxRelay(mailer(outputs, stores), policy, threads=schedule.threads, poll=0.1).run()
