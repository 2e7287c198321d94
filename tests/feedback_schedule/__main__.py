"""The command: `python -m tests.feedback_schedule --events 100000 --seed 1`, on each database, one after the other."""

import argparse
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

from mailstack_localcloud import LocalCloud
from tests.feedback_schedule.backends import Backend, Risk, in_dynamodb, in_sql, in_sqlite
from tests.feedback_schedule.run import Clock, Report, Run
from tests.postgresql import running

NAMES = ("sqlite", "postgresql", "dynamodb")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.feedback_schedule", description=__doc__)
    parser.add_argument("--events", type=int, default=2_000, help="different events (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of every draw (default: %(default)s)")
    parser.add_argument("--crashes", type=float, default=0.002, help="chance at each request (default: %(default)s)")
    parser.add_argument("--database", choices=NAMES, help="only this one (default: all)")
    chosen = parser.parse_args()
    names = [chosen.database] if chosen.database else NAMES
    reports = [_run(name, chosen.events, chosen.seed, chosen.crashes) for name in names]
    sys.exit(any(report.differences for report in reports))


def _run(name: str, events: int, seed: int, crashes: float) -> Report:
    clock, risk = Clock(), Risk(seed, crashes)
    with _opened(name, clock, risk) as backend:
        report = Run(backend, clock, risk, events=events, seed=seed)(progress=_show)
    sys.stdout.write(f"{name}: {report}\n")
    sys.stdout.flush()
    return report


@contextmanager
def _opened(name: str, clock: Clock, risk: Risk) -> Generator[Backend]:
    if name == "sqlite":
        with in_sqlite(clock, risk) as backend:
            yield backend
    elif name == "postgresql":
        with running() as server, in_sql(server.url, clock, risk) as backend:
            yield backend
    else:
        with LocalCloud.start() as cloud:
            os.environ.update(cloud.environment())
            with in_dynamodb(cloud, clock, risk) as backend:
                yield backend


def _show(report: Report) -> None:
    sys.stderr.write(f"{report.delivered:,} deliveries\n")


if __name__ == "__main__":
    main()
