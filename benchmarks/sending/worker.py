"""One client in a process of its own, which sends as many mails as it is asked to: `worker NAME`, `worker NAME many`.

Reads the mail (`Content`, one line of JSON), sends it once and prints the CPU seconds that the process has had so far.
Then, for each `Task` that it reads, prints a `Report`.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from benchmarks.sending.clients import CLIENTS, MANY, Content, recipients


@dataclass(frozen=True)
class Task:
    """How many mails to send, and whether to time each: times of a million mails would be memory of their own."""

    mails: int
    timed: bool


@dataclass(frozen=True)
class Report:
    """CPU seconds of all mails, and the seconds that each took where they were timed."""

    cpu: float
    latencies: list[float]


def main() -> None:
    content = Content(**json.loads(sys.stdin.readline()))
    work = _many(sys.argv[1], content) if sys.argv[2:] else _each(sys.argv[1], content)
    work(Task(1, timed=False))
    print(json.dumps(time.process_time()), flush=True)
    for line in sys.stdin:
        cpu = time.process_time()
        latencies = work(Task(**json.loads(line)))
        print(json.dumps(asdict(Report(time.process_time() - cpu, latencies))), flush=True)


def _each(name: str, content: Content) -> Callable[[Task], list[float]]:
    send, recipient = CLIENTS[name](content), recipients()

    def work(task: Task) -> list[float]:
        latencies = list[float]()
        for _ in range(task.mails):
            started = time.perf_counter()
            send(recipient())
            if task.timed:
                latencies.append(time.perf_counter() - started)
        return latencies

    return work


def _many(name: str, content: Content) -> Callable[[Task], list[float]]:
    send, recipient = MANY[name](content), recipients()

    def work(task: Task) -> list[float]:
        send(recipient() for _ in range(task.mails))
        return []

    return work


if __name__ == "__main__":
    main()
