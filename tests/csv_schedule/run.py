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
from pathlib import Path

from mailer import StackOutputs
from mailer.cli.journal import SUFFIX
from mailstack_localcloud import LocalCloud
from tests.waiting import eventually

_NO_LIMIT = 1_000_000_000.0
_FIELDS = ("--set", "dashboard_url=https://app.example.com")
_COMMAND = (sys.executable, "-m", "mailer", "send", "welcome", *_FIELDS, "--json")
# Status and end of a row in the journal; a row that was begun has neither.
_ENDED = b'"status"'


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
        progress: Called with a line for each kill.
    """
    chance, report, accepted = random.Random(f"{seed} {rows}"), Report(rows), Counter[int]()
    said, statuses = "", dict[int, str]()
    file = folder / "people.csv"
    file.write_text("to,name\n" + "".join(f"reader-{row}@example.com,Reader {row}\n" for row in range(rows)))
    cloud.control("PUT", "account", {"max_send_rate": _NO_LIMIT, "max_24_hour_send": _NO_LIMIT})
    environment = {**os.environ, **cloud.environment(), "MAILSTACK_OUTPUTS": outputs.to_json()}
    stops = sorted(chance.randrange(rows) for _ in range(kills))
    for stop in [*stops, None]:
        resume = ["--resume"] if _ended(file) is not None else []
        command = [*_COMMAND, "--csv", str(file), *resume]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            if stop is not None and _reaches(file, stop, process):
                process.kill()
                report.kills += 1
            said = process.communicate()[0]
        statuses = _statuses(file)
        if process.returncode == -signal.SIGKILL:
            report.begun |= {row for row, status in statuses.items() if not status}
        accepted.update(_accepted(cloud))
        progress(f"{sum(accepted.values()):,} of {rows:,} accepted, {report.kills} kills")
    report.statuses.update(json.loads(said)["statuses"])
    report.unknown = {row for row, status in statuses.items() if status == "unknown"}
    report.lost = [row for row, status in statuses.items() if status == "sent" and not accepted[row]]
    report.doubled = [row for row, times in accepted.items() if times > 1]
    return report


def _ended(file: Path) -> int | None:
    """How many rows of the journal have an end; None before there is a journal."""
    journal = file.with_name(file.name + SUFFIX)
    return journal.read_bytes().count(_ENDED) if journal.exists() else None


def _statuses(file: Path) -> dict[int, str]:
    """What the journal says of each row; empty for one that was begun alone. The first row is on the second line."""
    lines = map(json.loads, file.with_name(file.name + SUFFIX).read_text().splitlines())
    return {facts["line"] - 2: facts.get("status", "") for facts in lines if "line" in facts}


def _reaches(file: Path, stop: int, process: subprocess.Popen[str]) -> bool:
    """Wait until so many rows have an end; whether the command is still running then."""
    eventually(
        lambda: process.poll() is not None or (_ended(file) or 0) >= stop, f"the command does not come to row {stop}"
    )
    return process.poll() is None


def _accepted(cloud: LocalCloud) -> Counter[int]:
    """The rows of the mails that were accepted since the last time; the mails are forgotten."""
    found, mails = Counter[int](), cloud.control("GET", "messages", {"limit": 10_000_000})["messages"]
    for mail in mails:
        found[int(mail["to"][0].partition("@")[0].removeprefix("reader-"))] += 1
    cloud.control("DELETE", "messages")
    return found
