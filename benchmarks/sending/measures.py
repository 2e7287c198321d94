"""What is measured, over one stub server: a mail, memory, imports, the first mail. Clients take turns in every round,
so that a busy moment of the machine affects them all; only measurements of one round are compared.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

from benchmarks.measure import Server
from benchmarks.sending.clients import BARE, DJANGO_SES, IN_BULK, MAILER, MANY, MANY_BULK, MANY_PERSONAL, SLOW, Content
from benchmarks.sending.stub import BULK_MAILS
from benchmarks.sending.worker import Report, Task

Row = dict[str, float | None]
_WARM, _BASE = 50, 1000
# Mails of a client in a round, where many are sent at once: the first and the last requests are not full.
_FEWEST_MANY = 2000
# Below so many mails, the 99th percentile is the worst of them.
_FEWEST_FOR_P99 = 200
_ASKED = {MAILER: ("BatchGetItem", "SendEmail"), "boto3, with lookup": ("BatchGetItem", "SendEmail")}


@dataclass(frozen=True)
class Size:
    """How much to measure.

    Attributes:
        rounds: How often each measurement is taken.
        messages: Mails of each client in a round.
        mails: Mails after which the memory is read, of every client.
        long: Further mails after which `mailer`'s is read; none where it is not more than `mails`.
    """

    rounds: int
    messages: int
    mails: int
    long: int

    def of(self, client: str) -> int:
        """Mails in a round; fewer where each takes a twentieth of a second and more."""
        return max(self.messages // 40, 2) if client == SLOW else self.messages


class Stub:
    """The server's process."""

    def __init__(self, server: Server) -> None:
        self.url = f"http://127.0.0.1:{server.first_line().strip()}"

    def counts(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.url}/counts", timeout=10) as answer:  # noqa: S310 - http on loopback
            return json.load(answer)


@contextmanager
def stub_server() -> Generator[Stub]:
    with Server([sys.executable, "-m", "benchmarks.sending.stub"], tells_errors=True) as server:
        yield Stub(server)


@contextmanager
def worker(client: str, content: Content, *mode: str) -> Generator[tuple[Server, Row]]:
    """A client that has sent its first mail, and what that took from the start of its process."""
    with Server([sys.executable, "-m", "benchmarks.sending.worker", client, *mode], tells_errors=True) as server:
        cpu = json.loads(server.ask(json.dumps(asdict(content))))
        server.ready()
        yield server, {"CPU ms": cpu * 1000, "wall ms": server.start_seconds * 1000}


def send(server: Server, mails: int, *, timed: bool = False) -> Report:
    return Report(**json.loads(server.ask(json.dumps(asdict(Task(mails, timed))))))


def mails(stub: Stub, clients: Sequence[str], content: Content, size: Size) -> dict[str, Row]:
    """CPU and latency of a mail."""
    cpu, latencies = defaultdict[str, list[float]](list), defaultdict[str, list[list[float]]](list)
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker(name, content))[0] for name in clients}
        for name, server in workers.items():
            send(server, min(_WARM, size.of(name)))
        before = stub.counts()
        for _ in range(size.rounds):
            for name, server in workers.items():
                report = send(server, size.of(name), timed=True)
                cpu[name].append(report.cpu / size.of(name) * 1e6)
                latencies[name].append([seconds * 1e6 for seconds in report.latencies])
        _check_work(before, stub.counts(), clients, size)
    return {name: _mail_row(name, cpu, latencies) for name in clients}


def _mail_row(name: str, cpu: dict[str, list[float]], latencies: dict[str, list[list[float]]]) -> Row:
    taken = [latency for turn in latencies[name] for latency in turn]
    medians = {client: [statistics.median(turn) for turn in latencies[client]] for client in (name, BARE)}
    return {
        "CPU µs": statistics.median(cpu[name]),
        "CPU / boto3": ratio(cpu[name], cpu[BARE]),
        "median µs": statistics.median(taken),
        "p99 µs": statistics.quantiles(taken, n=100)[98] if len(taken) >= _FEWEST_FOR_P99 else None,
        "median / boto3": ratio(medians[name], medians[BARE]),
    }


def ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """The median over rounds of how many times the other's."""
    return statistics.median(value / other for value, other in zip(values, base, strict=True))


def _check_work(before: dict[str, int], after: dict[str, int], clients: Sequence[str], size: Size) -> None:
    """Every mail was sent, and every recipient looked up where that is part of the work."""
    expected = defaultdict[str, int](int)
    for name in clients:
        for operation in _ASKED.get(name, ("SendEmail",)):
            expected[operation] += size.rounds * size.of(name)
    found = {name: after.get(name, 0) - before.get(name, 0) for name in after if name not in {"GetItem", BULK_MAILS}}
    assert {name: number for name, number in found.items() if number} == expected, f"{found} is not {dict(expected)}"


def memory(clients: Sequence[str], content: Content, size: Size) -> dict[str, Row]:
    """Resident memory after a thousand mails, and how much it grew until later ones."""
    return {name: _memory_row(name, content, size) for name in clients if name != SLOW}


def _memory_row(name: str, content: Content, size: Size) -> Row:
    base = min(_BASE, size.mails)
    with worker(name, content) as (server, _):
        send(server, base)
        megabytes = server.megabytes()
        send(server, size.mails - base)
        row: Row = {f"MB after {base:,}": megabytes, f"growth until {size.mails:,}": server.megabytes() - megabytes}
        if size.long > size.mails:
            further = name == MAILER
            if further:
                send(server, size.long - size.mails)
            row[f"growth until {size.long:,}"] = server.megabytes() - megabytes if further else None
    return row


def many(stub: Stub, content: Content, size: Size) -> dict[str, Row]:
    """CPU of a mail where many are sent at once, and the memory that a long run takes."""
    cpu = defaultdict[str, list[float]](list)
    count = max(size.messages, _FEWEST_MANY)
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker(name, content, "many"))[0] for name in MANY}
        for server in workers.values():
            send(server, _WARM)
        before = stub.counts()
        for _ in range(size.rounds):
            for name, server in workers.items():
                cpu[name].append(send(server, count).cpu / count * 1e6)
        _check_many(before, stub.counts(), size.rounds * count)
    return {
        name: {
            "CPU µs": statistics.median(cpu[name]),
            "CPU / django-ses": ratio(cpu[name], cpu[DJANGO_SES]),
            **_many_growth(name, content, size),
        }
        for name in MANY
    }


def _check_many(before: dict[str, int], after: dict[str, int], each: int) -> None:
    """Every mail was sent, and those that should go in bulk did."""
    singly, in_bulk = (after.get(name, 0) - before.get(name, 0) for name in ("SendEmail", BULK_MAILS))
    assert singly + in_bulk == each * len(MANY), f"{singly} + {in_bulk} mails, not {each * len(MANY)}"
    expected = len(IN_BULK) * each
    assert in_bulk > 0.9 * expected, f"{in_bulk} of {expected} mails went in bulk"


def _many_growth(name: str, content: Content, size: Size) -> Row:
    """From the first mails to the last of a long run, of `mailer` alone."""
    title = f"growth {size.mails:,} to {size.long:,}"
    if size.long <= size.mails:
        return {}
    if name not in {MANY_BULK, MANY_PERSONAL}:
        return {title: None}
    with worker(name, content, "many") as (server, _):
        send(server, size.mails)
        megabytes = server.megabytes()
        send(server, size.long - size.mails)
        return {title: server.megabytes() - megabytes}


def first_mails(clients: Sequence[str], content: Content, size: Size) -> dict[str, Row]:
    """From the start of a process until its first mail is accepted."""
    taken = defaultdict[str, list[Row]](list)
    for _ in range(size.rounds):
        for name in clients:
            with worker(name, content) as (_, row):
                taken[name].append(row)
    kinds = ("CPU ms", "wall ms")
    values = {name: {kind: [row[kind] or 0.0 for row in rows] for kind in kinds} for name, rows in taken.items()}
    return {
        name: {
            **{kind: statistics.median(of[kind]) for kind in kinds},
            "CPU / boto3": ratio(of["CPU ms"], values[BARE]["CPU ms"]),
            "wall / boto3": ratio(of["wall ms"], values[BARE]["wall ms"]),
        }
        for name, of in values.items()
    }


_PYTHON = "python, bare"
IMPORTS = {
    _PYTHON: "pass",
    "import mailer": "import mailer",
    "from mailer import Mailer": "from mailer import Mailer",
    "… and Message, a template": "from mailer import Mailer, Message; from mailer.catalog import Welcome",
    "import boto3": "import boto3",
    "a boto3 SES client": "import boto3; boto3.client('sesv2')",
    "django_ses": "from django.conf import settings; settings.configure(); import django_ses",
    "anymail": "from django.conf import settings; settings.configure(); import anymail.backends.amazon_ses",
}
# Milliseconds over bare Python.
LIMITS = {"import mailer": 15.0, "from mailer import Mailer": 60.0}


def imports(rounds: int) -> dict[str, Row]:
    """What a process that imports and ends takes over one that only ends, in the same round."""
    for program in IMPORTS.values():  # the first one writes bytecode
        _process(program)
    cpu, wall = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for _ in range(rounds):
        for name, program in IMPORTS.items():
            seconds, elapsed = _process(program)
            cpu[name].append(seconds * 1000)
            wall[name].append(elapsed * 1000)
    return {
        name: {
            "CPU ms": statistics.median(cpu[name]),
            "CPU over bare": None if name == _PYTHON else _over(cpu[name], cpu[_PYTHON]),
            "wall over bare": None if name == _PYTHON else _over(wall[name], wall[_PYTHON]),
            "limit": LIMITS.get(name),
        }
        for name in IMPORTS
    }


def _over(values: Sequence[float], base: Sequence[float]) -> float:
    return statistics.median(value - other for value, other in zip(values, base, strict=True))


def _process(program: str) -> tuple[float, float]:
    """CPU and elapsed seconds."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    elapsed, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, elapsed
