"""The outbox on PostgreSQL: how long after a commit a mail is handed to the transport, and mails a second.

A writer commits an order and its mail in one transaction, at a steady rate. A relay in a process of its own looks the
recipient up in the suppression list and hands the mail to a transport that notes the time. Both clocks are that of the
machine. The time begins when `commit` is called, so that it includes the commit. PostgreSQL is durable
(`fsync=on`), and on the same machine.
"""

import argparse
import multiprocessing
import statistics
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Lock
from typing import TYPE_CHECKING, cast

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from benchmarks.measure import show
from mailer import Mailer, Message, OutboxRelay, SqlStores
from mailer.results import RecipientResult, Status
from mailer.stores.sql.url import Location
from mailer.testing.outputs import stack_outputs
from tests.postgresql import running

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

DURABLE = ("unix_socket_directories=", "max_connections=60")
_EXAMPLES = """
examples:
  python -m benchmarks.outbox
  python -m benchmarks.outbox --mails 5000 --rate 200
  python -m benchmarks.outbox --json
"""


class Noting:
    """A transport that sends each mail's subject, and the time at which it got it, to another process."""

    def __init__(self, notes: Connection) -> None:
        self._notes, self._lock = notes, Lock()

    def send(self, message: Message) -> tuple[RecipientResult, ...]:
        now = time.monotonic()
        with self._lock:
            self._notes.send((message.subject, now))
        return tuple(RecipientResult(address, Status.SENT, "1") for address in message.recipients)


@dataclass(frozen=True)
class Run:
    """What is measured.

    Attributes:
        url: The database.
        mails: How many.
        rate: How many a second.
        poll: Seconds between two looks of the relay.
    """

    url: str
    mails: int
    rate: float
    poll: float


def relay(url: str, notes: Connection, poll: float) -> None:
    """The relay's process."""
    with SqlStores(url, keys=()) as stores, mailer(url, Noting(notes)) as mail:
        stores.migrate()
        notes.send(("ready", time.monotonic()))
        OutboxRelay(mail, threads=8, poll=poll).run()


def mailer(url: str, transport: object) -> Mailer:
    return Mailer(stack_outputs(), transport=transport, store=url)  # pyright: ignore[reportArgumentType] - one of ours


@contextmanager
def started(url: str, poll: float) -> Generator[Connection]:
    ours, theirs = cast("tuple[Connection, Connection]", multiprocessing.Pipe(duplex=False))
    context = multiprocessing.get_context("spawn")
    process: BaseProcess = context.Process(target=relay, args=(url, theirs, poll))
    process.start()
    try:
        assert ours.recv()[0] == "ready"
        yield ours
    finally:
        process.terminate()
        process.join()


def latencies(run: Run) -> list[float]:
    """Milliseconds from the call of `commit` until the transport got the mail."""
    committed: dict[str, float] = {}
    engine = create_engine(Location.parse(run.url).url)
    with started(run.url, run.poll) as notes, mailer(run.url, object()) as mail:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS orders (number integer)"))
        begin = time.monotonic()
        for number in range(run.mails):
            time.sleep(max(0.0, begin + number / run.rate - time.monotonic()))
            with Session(engine) as session:
                session.execute(text("INSERT INTO orders VALUES (:number)"), {"number": number})
                subject = f"Order {number}"
                mail.enqueue(Message(subject=subject, text="Thank you."), to="ada@example.com", connection=session)
                committed[subject] = time.monotonic()
                session.commit()
        handed = dict(notes.recv() for _ in range(run.mails))
    engine.dispose()
    return [1000 * (handed[subject] - moment) for subject, moment in committed.items()]


def row(found: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(found, n=100)
    return {"p50 ms": statistics.median(found), "p95 ms": cuts[94], "p99 ms": cuts[98], "max ms": max(found)}


def throughput(url: str, mails: int) -> dict[str, float]:
    """Mails a second of one relay that finds so many in the outbox."""
    with mailer(url, object()) as mail:
        for number in range(mails):
            mail.enqueue(Message(subject=f"Order {number}", text="Hi"), to="ada@example.com", connection=None)
    begin = time.monotonic()
    with started(url, 1.0) as notes:
        times = [notes.recv()[1] for _ in range(mails)]
    return {"mails": float(mails), "mails a second": mails / (max(times) - max(min(times), begin))}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.outbox",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--mails", type=int, default=1000, help="mails of each row (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=50.0, help="mails a second (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON line a table")
    given = parser.parse_args()
    if given.mails < 100 or given.rate <= 0:  # below, there is no p99
        parser.error("--mails is 100 or more; --rate is above 0")
    with running(DURABLE) as server:
        rows = {
            "woken by NOTIFY": row(latencies(Run(f"{server.url}?schema=a", given.mails, given.rate, 60.0))),
            "polling, 0.25 s": row(latencies(Run(f"{server.url}?schema=b&notify=no", given.mails, given.rate, 0.25))),
        }
        show(f"Commit to hand-over, {given.rate:g} mails a second", rows, as_json=given.json)
        found = {"one relay, 8 threads": throughput(f"{server.url}?schema=c", given.mails)}
        show("Throughput", found, as_json=given.json)
    sys.exit(0)


if __name__ == "__main__":
    main()
