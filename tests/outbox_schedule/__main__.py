"""The command: `python -m tests.outbox_schedule --mails 10000 --seed 1`, on SQLite and then on PostgreSQL."""

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from mailer.testing import Ses
from mailstack_localcloud import LocalCloud
from tests.outbox_schedule.run import Report, Run
from tests.outbox_schedule.schedule import Schedule
from tests.postgresql import running


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.outbox_schedule", description=__doc__)
    parser.add_argument("--mails", type=int, default=1_000, help="mails (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of every draw (default: %(default)s)")
    parser.add_argument("--relays", type=int, default=2, help="processes at a time (default: %(default)s)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one (default: both)")
    chosen = parser.parse_args()
    schedule = Schedule(chosen.mails, seed=chosen.seed, relays=chosen.relays)
    names = [chosen.database] if chosen.database else ["sqlite", "postgresql"]
    reports = [_run(name, schedule) for name in names]
    sys.exit(not all(report.honest for report in reports))


def _run(name: str, schedule: Schedule) -> Report:
    with ExitStack() as opened:
        if name == "sqlite":
            folder = Path(opened.enter_context(TemporaryDirectory()))
            url = f"sqlite:///{folder}/mail.db?log_days=3650"
        else:
            url = f"{opened.enter_context(running()).url}?log_days=3650"
        cloud = opened.enter_context(LocalCloud.start())
        os.environ.update(cloud.environment())
        report = Run(cloud, Ses(cloud).outputs, schedule, url)(progress=_show)
    sys.stdout.write(f"{name}: {report}\n")
    sys.stdout.flush()
    return report


def _show(done: int, report: Report) -> None:
    sys.stderr.write(f"{done:,} mails, {report.killed} relays killed\n")


if __name__ == "__main__":
    main()
