"""What the benchmarks share: a server as a process, its CPU time and memory, medians, a table. Linux only (`/proc`)."""

import json
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

_TICK = os.sysconf("SC_CLK_TCK")
_STOP_SECONDS = 10.0


class Server:
    """A child process that says on standard output, or by answering, that it is ready."""

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self._started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.start_seconds = 0.0

    def first_line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        self.ready()
        return line

    def ready(self) -> None:
        self.start_seconds = time.perf_counter() - self._started

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def megabytes(self) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


def median(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each column over runs."""
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def show(title: str, rows: dict[str, dict[str, float]], *, as_json: bool) -> None:
    """A table, or the same as one line of JSON."""
    if as_json:
        print(json.dumps({"title": title, "rows": rows}))
        return
    columns = list(next(iter(rows.values())))
    width = max(len(name) for name in rows)
    print(f"\n{title}\n{'':{width}}  " + "  ".join(f"{column:>14}" for column in columns))
    for name, row in rows.items():
        print(f"{name:{width}}  " + "  ".join(f"{row[column]:>14,.2f}" for column in columns))
