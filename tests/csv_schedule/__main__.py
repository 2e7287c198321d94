"""The command: `python -m tests.csv_schedule --rows 1000000 --kills 8`."""

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mailer.testing import Ses
from mailstack_localcloud import LocalCloud
from tests.csv_schedule.run import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.csv_schedule", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000, help="people in the file (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=4, help="of the command (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of every draw (default: %(default)s)")
    chosen = parser.parse_args()
    with LocalCloud.start() as cloud, TemporaryDirectory() as folder:
        os.environ.update(cloud.environment())
        given = {"rows": chosen.rows, "kills": chosen.kills, "seed": chosen.seed}
        report = run(cloud, Ses(cloud).outputs, Path(folder), **given, progress=_show)
    sys.stdout.write(f"{report}\n")
    sys.exit(not report.is_honest)


def _show(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
