"""The command: `python -m tests.fault_schedule --sends 1000000`, some ten minutes for each 100,000 on two cores."""

import argparse
import os
import sys

from mailer.testing import Ses
from mailstack_localcloud import LocalCloud
from tests.fault_schedule.run import Report, run
from tests.fault_schedule.schedule import Schedule


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fault_schedule", description=__doc__)
    parser.add_argument("--sends", type=int, default=20_000, help="messages (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of every draw (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time (default: %(default)s)")
    chosen = parser.parse_args()
    with LocalCloud.start() as cloud:
        os.environ.update(cloud.environment())
        ses = Ses(cloud)
        schedule = Schedule(chosen.sends, seed=chosen.seed, workers=chosen.workers)
        report = run(cloud, ses.outputs, schedule, progress=_show)
    sys.stdout.write(f"{report}\n")
    sys.exit(not report.honest)


def _show(done: int, report: Report) -> None:
    wrong = len(report.lost) + len(report.doubled) + len(report.misreported)
    sys.stderr.write(f"{done:,} sent, {wrong} wrong\n")


if __name__ == "__main__":
    main()
