"""The feedback function beside a handler of powertools and pydantic: cold start, events a second a core, package.

Both run in fresh processes, one after the other, and their DynamoDB is the local cloud. A cold start is the import of
the handler and its first event, a hard bounce; the start of Python is not in it. Our zip is unpacked without compiled
bytecode, as Lambda unpacks it, so that the import compiles it. The peer is imported from `.venv`, with bytecode.
Events a second are of CPU time, with DynamoDB's answers stubbed: the records are all events of `tests/events`, as SNS
wraps them, in batches of ten.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import median
from benchmarks.sending.measures import Row
from benchmarks.sending.report import Section, write_section
from mailstack_infra.functions.packages import build
from mailstack_localcloud import LocalCloud
from tests.integration.tables import new_table
from tests.unit.mailer.feedback.payloads import FOLDER, in_sns, load

HERE = Path(__file__).parent
PACKAGES = ("aws-lambda-powertools", "pydantic", "boto3")
MARKERS = ("<!-- written by `make bench-feedback`: -->", "<!-- end of what `make bench-feedback` writes -->")
OURS, PEER = "feedback function", "powertools and pydantic"
# What the peer needs in its zip or layer besides boto3; the size is that of what pip installed.
PEER_PACKAGES = (
    "aws_lambda_powertools",
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "typing_inspection",
    "jmespath",
)
_SECONDS = 120
Places = dict[str, tuple[Path, str]]


def record(event: Any, number: int) -> dict[str, Any]:
    """A message as Lambda receives it from the queue."""
    return {
        "messageId": f"00000000-0000-4000-8000-{number:012}",
        "receiptHandle": "example",
        "body": in_sns(event),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1772442906500",
            "SenderId": "example",
            "ApproximateFirstReceiveTimestamp": "1772442906500",
        },
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:events",
        "awsRegion": "us-east-1",
    }


def records(count: int) -> list[dict[str, Any]]:
    """Messages with events of all kinds, each with an id and addresses of its own."""
    names = sorted(path.stem for path in FOLDER.glob("*.json") if not path.stem.startswith(("alarm", "notification")))
    chance, found = random.Random(0), list[dict[str, Any]]()  # noqa: S311 - chooses events
    for number in range(count):
        text = json.dumps(load(chance.choice(names))).replace("@example.", f".{number}@example.")
        event = json.loads(text)
        event["mail"]["messageId"] = f"0100-{number:08}"
        found.append(record(event, number))
    return found


def run(place: tuple[Path, str], mode: str, events: list[Any], environment: dict[str, str]) -> dict[str, float]:
    """The figures of one fresh process."""
    folder, module = place
    done = subprocess.run(
        [sys.executable, "-B", str(HERE / "worker.py"), str(folder), module, mode],
        input=json.dumps(events),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def measured(rounds: int, events: int) -> dict[str, Row]:
    """The figures of both: medians over rounds in which they take turns."""
    with TemporaryDirectory() as temporary, LocalCloud.start() as cloud:
        folder = Path(temporary)
        package = build("feedback", folder).path
        with zipfile.ZipFile(package) as zipped:
            zipped.extractall(folder / "task")
        places: Places = {OURS: (folder / "task", "handler"), PEER: (HERE, "peer")}
        environment = {
            **cloud.environment(),
            "AWS_LAMBDA_FUNCTION_NAME": "mailstack-feedback",
            "MAILSTACK_TABLE": new_table(cloud.client("dynamodb")),
            "MAILSTACK_MESSAGE_LOG_DAYS": "0",
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
        first, many = [record(load("bounce"), 0)], records(events)
        rows: dict[str, list[dict[str, float]]] = {name: [] for name in places}
        for _ in range(rounds):
            for name, place in places.items():
                cold, warm = run(place, "cold", first, environment), run(place, "warm", many, environment)
                rows[name].append({**cold, **warm})
        sizes = {OURS: package.stat().st_size / 1e3, PEER: _installed_size() / 1e3}
    return {name: {**median(found), "package kB": sizes[name]} for name, found in rows.items()}


def _installed_size() -> int:
    """The zip that the peer would need, in bytes: its packages without bytecode, deflated."""
    site = Path(sys.modules["boto3"].__file__ or "").parents[1]
    with TemporaryDirectory() as folder, zipfile.ZipFile(f"{folder}/peer.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        for file in (file for package in PEER_PACKAGES for file in sorted((site / package).rglob("*"))):
            if file.is_file() and "__pycache__" not in file.parts:
                zipped.write(file, file.relative_to(site))
        zipped.close()
        return Path(f"{folder}/peer.zip").stat().st_size


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.feedback", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="how often each figure is taken (default: 7)")
    parser.add_argument("--events", type=int, default=5_000, help="events of a round (default: 5000)")
    parser.add_argument("--write", action="store_true", help="write docs/development/performance.md, too")
    given = parser.parse_args()
    note = f"Medians over {given.rounds} rounds, each of one cold start and {given.events:,} events."
    section = Section("Feedback", note, measured(given.rounds, given.events))
    print(section.table())
    if given.write:
        write_section(section, PACKAGES, MARKERS)


if __name__ == "__main__":
    main()
