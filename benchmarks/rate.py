"""How processes that share the account's rate keep it: the part of the rate that is used, and what SES refuses.

Processes of a new stack begin at the same moment, when nobody knows the rate yet, and send as fast as they may. The
local cloud keeps the rate as SES does, and is the one that counts: what it refused from the first mail on, and what it
accepted after the first seconds, in which processes that share two cores begin one after the other. The account's rate
is shared in a store on the same machine.
"""

import argparse
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any

from benchmarks.measure import Server, show
from mailer import Mailer, Message, RateLimit, StackOutputs
from mailer.testing import Ses
from mailstack_localcloud import LocalCloud
from tests.postgresql import running

_MAIL = Message(subject="Hello", text="Hello", to="ada@example.com")
# Mails that the local cloud keeps; and the most that one process sends at the same time.
_KEPT, _THREADS = 10_000, 4
# Seconds from the first mail until mails are counted.
_START = 10.0
_STORES = ("dynamodb", "postgresql", "sqlite")
_EXAMPLES = """
examples:
  python -m benchmarks.rate
  python -m benchmarks.rate --store dynamodb --processes 16 --rate 100
  python -m benchmarks.rate --json
"""


def send(outputs: StackOutputs, store: str) -> None:
    """One of the processes: send from now on, until it is ended."""
    limit = RateLimit(shared=True, max_wait=3600.0)
    with Mailer(outputs, rate=limit, store=store or None) as mailer:

        def loop(_: int) -> None:
            while True:  # until the process is ended
                mailer.send(_MAIL)

        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(loop, range(_THREADS)))


@contextmanager
def database(name: str) -> Generator[str]:
    """The address of an empty store; empty for the stack's table."""
    if name == "postgresql":
        with running(("unix_socket_directories=", "max_connections=400")) as server:
            yield server.url
    elif name == "sqlite":
        with TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder, 'mail.db')}"
    else:
        yield ""


def measure(cloud: LocalCloud, store: str, processes: int, rate: float, seconds: float) -> dict[str, float]:
    """What the local cloud counts while so many processes send."""
    cloud.reset()
    outputs = Ses(cloud).outputs
    cloud.control("PUT", "account", {"max_send_rate": rate, "max_24_hour_send": 1e9})
    command = [sys.executable, "-m", "benchmarks.rate", "--send", outputs.to_json()]
    with database(store) as url, ExitStack() as stack:
        if url:
            Mailer(outputs, store=url).close()
        started = (Server([*command, "--url", url], cloud.environment(), tells_errors=True) for _ in range(processes))
        workers = [stack.enter_context(worker) for worker in started]
        for worker in workers:
            worker.first_line()
        for worker in workers:
            worker.write_line("send")
        while not cloud.control("GET", "messages", {"limit": 1})["messages"]:
            sleep(0.1)
        sleep(_START + seconds)
    times = [moment(mail) for mail in cloud.control("GET", "messages", {"limit": _KEPT})["messages"]]
    accepted = sum(0 <= at - min(times) - _START < seconds for at in times)
    refused = sum(one["times"] for one in cloud.control("GET", "refusals")["refusals"])
    return {"used %": 100 * accepted / (rate * seconds), "accepted": float(accepted), "refused": float(refused)}


def moment(mail: dict[str, Any]) -> float:
    """When SES accepted it, in seconds since 1970."""
    return datetime.fromisoformat(mail["accepted_at"]).timestamp()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rate",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4, 16], help="how many (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=50.0, help="recipients a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each row (default: %(default)s)")
    parser.add_argument("--store", choices=_STORES, default="postgresql", help="what they share (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON line a table")
    parser.add_argument("--send", help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.send:
        print("ready", flush=True)
        sys.stdin.readline()
        send(StackOutputs.from_json(given.send, source="--send"), given.url)
        return
    if not 0 < given.rate * (_START + given.seconds) < 0.9 * _KEPT:
        parser.error(f"--rate or --seconds is too large: the local cloud keeps {_KEPT:,} mails.")
    with LocalCloud.start() as cloud:
        rows = {
            f"{count} process{'es' * (count > 1)}": measure(cloud, given.store, count, given.rate, given.seconds)
            for count in given.processes
        }
    show(f"{given.rate:g} recipients a second, shared in {given.store}", rows, as_json=given.json)


if __name__ == "__main__":
    main()
