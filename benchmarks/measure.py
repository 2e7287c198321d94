"""What the benchmarks share: a child process, its CPU time and memory, medians, a table. Linux only (`/proc`)."""

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
    """A child process that says on standard output, or by answering, that it is ready. It may be asked line by line."""

    def __init__(
        self, command: Sequence[str], environment: dict[str, str] | None = None, *, tells_errors: bool = False
    ) -> None:
        self._started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if tells_errors else subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.start_seconds = 0.0

    def first_line(self) -> str:
        line = self._line()
        self.ready()
        return line

    def ask(self, line: str) -> str:
        """The line that answers this one."""
        self.write_line(line)
        return self._line()

    def write_line(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended before it answered; see its error above, if there is one.")
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
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()


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
