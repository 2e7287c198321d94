"""The table of claims in docs/guides/live-check.md, written from the claims themselves: `make docs`."""

import os
import sys
from pathlib import Path

from tools.docs.marked import with_block
from tools.live.claims import CLAIMS


def table(folder: Path) -> str:
    """Each claim, where it is made, and what settles it.

    Args:
        folder: Where the table will be, from the root of the repository.
    """
    rows = (
        f"| {claim.text} | [{Path(claim.page).stem}]({os.path.relpath(claim.page, folder)}) | "
        f"{f'step `{claim.step}`' if claim.step else claim.by_hand} |"
        for claim in CLAIMS
    )
    return "\n".join(["| claim | page | settled by |", "| --- | --- | --- |", *rows])


def written(page: str) -> str:
    """The page with its table written again."""
    return with_block(page, "claims", table(Path("docs/guides")))


def main(path: str) -> None:
    """Write the table of a page again."""
    page = Path(path)
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
