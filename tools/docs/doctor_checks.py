"""The table of checks in docs/guides/doctor.md, written from the checks themselves: `make docs`."""

import os
import sys
from pathlib import Path

from mailer.doctor.checks import CHECKS
from tools.docs.marked import with_block

ROOT, DOCS = Path(__file__).resolve().parents[2], "docs"


def table(folder: Path) -> str:
    """Each check, why it matters, and a link to its page.

    Args:
        folder: Where the table will be, from the root of the repository.
    """
    rows = (
        f"| `{check.name}` | {check.means} | [{Path(check.page.partition('#')[0]).stem}]"
        f"({os.path.relpath(check.page, folder)}) |"
        for check in CHECKS
    )
    return "\n".join(["| check | why | page |", "| --- | --- | --- |", *rows])


def written(page: str) -> str:
    """The page with its table written again."""
    return with_block(page, "checks", table(Path("docs/guides")))


def main(path: str) -> None:
    """Write the table of a page again."""
    page = Path(path)
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
