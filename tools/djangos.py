"""Tests `mailer.django` on each supported Django: `make test-djangos`.

requirements/dev.lock has one Django for each Python. The others are in folders under .tools/djangos/, before which the
environment of a Python is the same. Needs the standard library alone, and `make install`.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import install, pythons  # noqa: E402 - by the path of this repository

REQUIREMENTS = ROOT / "requirements"
FOLDER = ROOT / ".tools" / "djangos"
# As in tools/lock.py; Python 3.12 is the first that supports all.
VERSIONS = ("5.2", "6.0")
PYTHONS = pythons.SUPPORTED[1:]
TESTS = ("-q", "-p", "no:cacheprovider", "tests/unit/mailer/django")


def main() -> None:
    """Test on each, and name those that failed."""
    python = environment()
    if python is None:
        print(f"No Python {', '.join(PYTHONS)} on this machine, so not tested: Django {', '.join(VERSIONS)}")
        return
    failed = [version for version in VERSIONS if not (installs(version, python) and passes(version, python))]
    if failed:
        sys.exit(f"make test-djangos: failed on Django {', '.join(failed)}")


def environment() -> Path | None:
    """The interpreter of an environment with what the tests need; None where there is no Python for it."""
    if pythons.version_of(pythons.MAIN / "bin" / "python") in PYTHONS:
        return pythons.MAIN / "bin" / "python"
    found = {version: pythons.interpreter(version) for version in PYTHONS}
    for version, python in found.items():
        if python and pythons.installs(version, python):
            return pythons.environment(version) / "bin" / "python"
    return None


def installs(version: str, python: Path) -> bool:
    """Whether a Django could be put into a folder of its own."""
    uv = python.with_name("uv")
    lock = REQUIREMENTS / f"django-{version}.lock"
    options = ["--quiet", "--require-hashes", "--no-deps", f"--python={python}", f"--target={FOLDER / version}"]
    return succeeds([uv, "pip", "install", *options, f"--requirement={lock}"], install.uv_environment(python))


def passes(version: str, python: Path) -> bool:
    """Whether the tests pass with a Django."""
    print(f"Django {version}:", flush=True)
    return succeeds([python, "-m", "pytest", *TESTS], {**os.environ, "PYTHONPATH": str(FOLDER / version)})


def succeeds(command: Iterable[object], variables: Mapping[str, str]) -> bool:
    """Whether a command ends well."""
    return not subprocess.run(list(map(str, command)), cwd=ROOT, env=variables, check=False).returncode


if __name__ == "__main__":
    main()
