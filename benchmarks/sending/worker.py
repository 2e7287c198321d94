"""One client in a process of its own, which sends as many mails as it is asked to.

Reads the mail (`Content`, one line of JSON), sends it once and prints the CPU seconds that the process has had so far.
Then, for each `Task` that it reads, prints a `Report`.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass

from benchmarks.sending.clients import CLIENTS, Content, recipients


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
    send, recipient = CLIENTS[sys.argv[1]](content), recipients()
    send(recipient())
    print(json.dumps(time.process_time()), flush=True)
    for line in sys.stdin:
        task, latencies = Task(**json.loads(line)), list[float]()
        cpu = time.process_time()
        for _ in range(task.mails):
            started = time.perf_counter()
            send(recipient())
            if task.timed:
                latencies.append(time.perf_counter() - started)
        print(json.dumps(asdict(Report(time.process_time() - cpu, latencies))), flush=True)


if __name__ == "__main__":
    main()
