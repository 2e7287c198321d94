"""Runs a schedule in batches: fork workers, kill some, send again what they left, compare with the server."""

import os
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mailer import StackOutputs, Suppression
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailstack_localcloud import LocalCloud
from tests.fault_schedule.schedule import Schedule
from tests.fault_schedule.worker import BEGUN, Roads, address, drawn, has_key, roads, work
from tests.waiting import eventually

_NO_LIMIT = 1_000_000_000.0
_SPARED = frozenset({"suppressed", "failed", "killed"})
_NOT_ACCEPTED = frozenset({"suppressed", "refused", "throttled", "failed"})


@dataclass
class Report:
    """What was found. `lost`, `doubled` and `misreported` must be empty.

    Attributes:
        statuses: How often each status was returned.
        lost: Reported as sent, and not accepted.
        doubled: Accepted more than once.
        misreported: Reported as not sent, and accepted; or with another message's id; or an undocumented error.
        killed: Workers that were killed.
        resent: Messages with a key that a killed worker left without a result, and that were sent again.
    """

    statuses: Counter[str] = field(default_factory=Counter[str])
    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    misreported: list[str] = field(default_factory=list[str])
    killed: int = 0
    resent: int = 0

    @property
    def honest(self) -> bool:
        return not (self.lost or self.doubled or self.misreported)

    def __str__(self) -> str:
        counts = ", ".join(f"{status} {count:,}" for status, count in sorted(self.statuses.items()))
        wrong = "".join(
            f"\n{name}: {len(found)}, such as {found[:3]}"
            for name, found in (("lost", self.lost), ("doubled", self.doubled), ("misreported", self.misreported))
        ) if not self.honest else "\nlost 0, doubled 0, misreported 0"  # fmt: skip
        return f"{counts}; {self.killed} workers killed, {self.resent} messages sent again{wrong}"


def run(
    cloud: LocalCloud, outputs: StackOutputs, schedule: Schedule, progress: Callable[[int, Report], None] | None = None
) -> Report:
    """Run it in an environment that points at the cloud, whose identity and table exist."""
    report = Report()
    ways = roads(outputs, cloud.endpoint, schedule)
    cloud.control("PUT", "account", {"max_send_rate": _NO_LIMIT, "max_24_hour_send": _NO_LIMIT})
    for number, fault in enumerate(schedule.faults):
        cloud.control("PUT", f"faults/{number}", {**fault, "seed": schedule.seed + number})
    for start in range(0, schedule.sends, schedule.batch):
        numbers = list(range(start, min(start + schedule.batch, schedule.sends)))
        suppressed = [number for number in numbers if drawn(schedule, number, "suppressed") < schedule.suppressed]
        _suppress(cloud, outputs, suppressed)
        cloud.control("DELETE", "messages")
        outcomes = _batch(schedule, numbers, ways, report)
        _compare(outcomes, _accepted(cloud, len(numbers)), set(suppressed), report)
        if progress:
            progress(numbers[-1] + 1, report)
    for number in range(len(schedule.faults)):
        cloud.control("DELETE", f"faults/{number}")
    return report


def _suppress(cloud: LocalCloud, outputs: StackOutputs, numbers: list[int]) -> None:
    """Over boto3, which retries, so that the faults of the store do not matter here."""
    store = DynamoDBSuppressions(outputs.table, cloud.client("dynamodb"))
    for number in numbers:
        store.put(Suppression(address(number), "manual"))


@dataclass(frozen=True)
class Outcome:
    """What a worker wrote down of a message; `killed` if it could not, and the message has no key to ask again with."""

    status: str
    message_id: str
    replayed: bool


KILLED = Outcome("killed", "-", replayed=False)


def _batch(schedule: Schedule, numbers: list[int], ways: Roads, report: Report) -> dict[int, Outcome]:
    """Send every message, with workers that are killed on the way; what became of each."""
    chance = random.Random(f"{schedule.seed} {numbers[0]} kills")
    outcomes: dict[int, Outcome] = {}
    with tempfile.NamedTemporaryFile() as named:
        file = Path(named.name)
        for kill in range(schedule.kills + 1):
            left = [number for number in numbers if number not in outcomes]
            stop_at = None
            if kill < schedule.kills and len(left) > 1:
                stop_at = len(_read(file)) + chance.randrange(1, len(left))
                report.killed += schedule.workers
            _round(schedule, left, ways, file, stop_at)
            outcomes |= _read(file)
            abandoned = _begun(file) - outcomes.keys()
            report.resent += sum(has_key(schedule, number) for number in abandoned)
            outcomes |= {number: KILLED for number in abandoned if not has_key(schedule, number)}
    return outcomes


def _round(schedule: Schedule, numbers: list[int], ways: Roads, file: Path, stop_at: int | None) -> None:
    """Fork workers for the messages; kill them once there are so many results."""
    children = list(_forked(schedule, numbers, ways, file))
    if stop_at is not None:
        eventually(lambda: len(_read(file)) >= stop_at, "the workers do not go on")
        for child in children:
            os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)


def _forked(schedule: Schedule, numbers: list[int], ways: Roads, file: Path) -> Iterator[int]:
    sys.stdout.flush()
    for worker in range(schedule.workers):
        child = os.fork()
        if not child:
            try:
                descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
                work(schedule, numbers[worker :: schedule.workers], ways, descriptor)
            finally:
                os._exit(0)
        yield child


def _lines(file: Path) -> Iterator[list[str]]:
    whole, _, _ = file.read_text().rpartition("\n")  # a worker may be killed within a line
    yield from (line.split(" ") for line in whole.splitlines())


def _read(file: Path) -> dict[int, Outcome]:
    found = (fields for fields in _lines(file) if fields[1:] != [BEGUN])
    return {int(number): Outcome(status, id_, how == "replayed") for number, status, id_, how in found}


def _begun(file: Path) -> set[int]:
    return {int(fields[0]) for fields in _lines(file) if fields[1:] == [BEGUN]}


def _accepted(cloud: LocalCloud, limit: int) -> dict[int, list[str]]:
    """The ids of the mails that SES accepted, by message. More than `limit` would show that some were doubled."""
    accepted: dict[int, list[str]] = {}
    for mail in cloud.control("GET", "messages", {"limit": 2 * limit + 100})["messages"]:
        recipient = mail["to"][0] if mail["to"] else ""
        if recipient.startswith("reader-"):
            accepted.setdefault(int(recipient.partition("@")[0].removeprefix("reader-")), []).append(mail["message_id"])
    return accepted


def _compare(
    outcomes: dict[int, Outcome], accepted: dict[int, list[str]], suppressed: set[int], report: Report
) -> None:
    for number, outcome in outcomes.items():
        ids = accepted.get(number, [])
        report.statuses[outcome.status] += 1
        known = outcome.status in {*_NOT_ACCEPTED, "sent", "unknown", KILLED.status}
        # A sender that was killed leaves its key behind, and nobody can know how far it came.
        spared = number not in suppressed or (not ids and (outcome.status in _SPARED or outcome.replayed))
        denied = outcome.status in _NOT_ACCEPTED and ids
        renamed = outcome.status == "sent" and outcome.message_id not in ids
        found = (
            (len(ids) > 1, report.doubled),
            (outcome.status == "sent" and not ids, report.lost),
            (not known or not spared or denied or renamed, report.misreported),
        )
        wrong = next((where for applies, where in found if applies), None)
        if wrong is not None:
            wrong.append(f"{number}: {outcome}, accepted as {ids}")
