"""Runs the command on a file of people, kills it at drawn rows, resumes it, and counts at the server."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mailer import StackOutputs
from mailer.cli.journal import SUFFIX
from mailstack_localcloud import LocalCloud
from tests.processes import child
from tests.waiting import PATIENCE, eventually, moment

_NO_LIMIT = 1_000_000_000.0
_FIELDS = ("--set", "dashboard_url=https://app.example.com")
_COMMAND = (sys.executable, "-m", "mailer", "send", "welcome", *_FIELDS, "--json")
# What a row's end has in the journal, and its beginning has not.
_ENDED = b'"status"'
# Rows that the command checks a second before it sends the first one, on a machine that does much else.
_CHECKED_A_SECOND = 500
# Mails that the local cloud keeps, and rows after which they are counted.
_KEPT, _COUNTED = 10_000, 5_000


@dataclass
class Report:
    """What was found. `lost` and `doubled` must be empty.

    A row that a killed process had begun is `unknown`: SES may have its mail, and nobody sends it a second time.

    Attributes:
        rows: Rows of the file.
        kills: How often the command was killed.
        statuses: What the command says at the end.
        begun: Rows that had no end when the command was killed.
        unknown: Rows that stay `unknown`.
        lost: Rows that are `sent`, and whose mail SES has not accepted.
        doubled: Rows whose mail SES has accepted more than once.
    """

    rows: int
    kills: int = 0
    statuses: Counter[str] = field(default_factory=Counter[str])
    begun: set[int] = field(default_factory=set[int])
    unknown: set[int] = field(default_factory=set[int])
    lost: list[int] = field(default_factory=list[int])
    doubled: list[int] = field(default_factory=list[int])

    @property
    def is_honest(self) -> bool:
        is_known = self.statuses.keys() <= {"sent", "unknown"} and self.statuses.total() == self.rows
        return is_known and self.unknown <= self.begun and not self.lost and not self.doubled

    def __str__(self) -> str:
        said = ", ".join(f"{status} {count:,}" for status, count in sorted(self.statuses.items()))
        wrong = f"lost {len(self.lost)} {self.lost[:3]}, doubled {len(self.doubled)} {self.doubled[:3]}"
        return f"{self.rows:,} rows, {self.kills} kills: {said}; {wrong}"


def run(
    cloud: LocalCloud,
    outputs: StackOutputs,
    folder: Path,
    *,
    rows: int,
    kills: int,
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Send a file of so many rows with so many kills on the way.

    Args:
        cloud: Where the mails arrive; its identity and table exist.
        outputs: Of the stack.
        folder: For the file and its journal.
        rows: Rows of the file.
        kills: Most kills; fewer where the command ends before.
        seed: Of every draw.
        progress: Called with a line whenever mails were counted.
    """
    chance, report, arrived = random.Random(f"{seed} {rows}"), Report(rows), Arrived(cloud)
    file = folder / "people.csv"
    file.write_text("to,name\n" + "".join(f"reader-{row}@example.com,Reader {row}\n" for row in range(rows)))
    journal = Written(file.with_name(file.name + SUFFIX), rows)
    cloud.control("PUT", "account", {"max_send_rate": _NO_LIMIT, "max_24_hour_send": _NO_LIMIT})
    environment = {**os.environ, **cloud.environment(), "MAILSTACK_OUTPUTS": outputs.to_json()}
    stops = sorted(chance.randrange(rows) for _ in range(kills))
    said = ""
    for stop in [*stops, rows + 1]:
        command = [*_COMMAND, "--csv", str(file), *(["--resume"] if journal.path.exists() else [])]
        with child(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)) as process:
            while journal.goes_on(process, min(stop, journal.ended + _COUNTED)) and journal.ended < stop:
                arrived.count(process)
                progress(f"{arrived.rows.total():,} of {rows:,} accepted, {report.kills} kills")
            process.kill()  # which a command that has ended does not notice
            said = process.communicate()[0]
        arrived.count()
        if process.returncode == -signal.SIGKILL:
            report.kills += 1
            report.begun |= {row for row, status in journal.statuses().items() if not status}
    statuses = journal.statuses()
    report.statuses.update(json.loads(said)["statuses"])
    report.unknown = {row for row, status in statuses.items() if status == "unknown"}
    report.lost = [row for row, status in statuses.items() if status == "sent" and not arrived.rows[row]]
    report.doubled = [row for row, times in arrived.rows.items() if times > 1]
    return report


class Written:
    """What the command has written to its journal."""

    def __init__(self, path: Path, rows: int) -> None:
        self.path, self._read, self.ended = path, 0, 0
        self._patience = PATIENCE + rows / _CHECKED_A_SECOND

    def goes_on(self, process: subprocess.Popen[str], until: int) -> bool:
        """Wait until so many rows have an end; whether the command is still running then."""
        while self.ended < until and process.poll() is None:  # ends: each round has more rows than the one before
            eventually(partial(self._has_news, process), f"no row after {self.ended:,} has an end", self._patience)
        return process.poll() is None

    def _has_news(self, process: subprocess.Popen[str]) -> bool:
        """Read whole lines that are new; whether a row has ended since, or the command."""
        before = self.ended
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read)
                lines, end, _ = file.read().rpartition(b"\n")
            self._read += len(lines) + len(end)
            self.ended += lines.count(_ENDED)
        return self.ended > before or process.poll() is not None

    def statuses(self) -> dict[int, str]:
        """The last status of each row; empty for one that was begun alone. The first row is on the second line."""
        lines = (json.loads(line) for line in self.path.read_text().splitlines() if line.endswith("}"))
        return {facts["line"] - 2: facts.get("status", "") for facts in lines if "line" in facts}


class Arrived:
    """How often each row's mail was accepted. The local cloud keeps only the newest, so they are counted often."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud, self.rows = cloud, Counter[int]()

    def count(self, process: subprocess.Popen[str] | None = None) -> None:
        """Count what has arrived, and forget it. A running command stands still meanwhile."""
        if process:
            process.send_signal(signal.SIGSTOP)
        for mail in self._all():
            self.rows[int(mail["to"][0].partition("@")[0].removeprefix("reader-"))] += 1
        self._cloud.control("DELETE", "messages")
        if process:
            process.send_signal(signal.SIGCONT)

    def _all(self) -> list[Any]:
        """The mails, when those in flight have arrived: two looks find the same."""
        looks: list[list[Any]] = []

        def same() -> bool:
            looks.append(self._cloud.control("GET", "messages", {"limit": _KEPT})["messages"])
            moment()
            return looks[-2:-1] == looks[-1:]

        eventually(same, "mails still arrive")
        assert len(looks[-1]) < _KEPT, "more mails than the local cloud keeps"
        return looks[-1]
