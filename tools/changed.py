"""Lists the Python files that differ from the main branch, for `make check`: `python tools/changed.py`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Where a change will be merged; the first that exists.
MAIN = ("origin/main", "main")


def changed(root: Path = ROOT) -> list[str]:
    """Files that were changed, added or not yet added since the branch left the main branch; without deleted ones."""
    differing = _git(root, "diff", "--name-only", "--diff-filter=d", _base(root), "--", "*.py")
    untracked = _git(root, "ls-files", "--others", "--exclude-standard", "--", "*.py")
    return sorted({*differing, *untracked})


def _base(root: Path) -> str:
    for branch in MAIN:
        if found := _git(root, "merge-base", "HEAD", branch, check=False):
            return found[0]
    return "HEAD"


def _git(root: Path, *arguments: str, check: bool = True) -> list[str]:
    ran = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if check and ran.returncode:
        sys.exit(f"git {' '.join(arguments)}: {ran.stderr.strip()}")
    return ran.stdout.splitlines()


if __name__ == "__main__":
    print("\n".join(changed()))
