"""Runs unit and contract tests on each supported Python of this machine: `make test-all-pythons`.

Each has an environment of its own under .tools/pythons/, installed from the lock of the main one. Needs the standard
library alone. Not for installing Pythons: what PATH and pyenv have is used.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
MAIN = ROOT / ".venv"
TESTS = ("-n", "2", "--dist", "worksteal", "-q", "-p", "no:cacheprovider", "tests/unit", "tests/contract")


def main(arguments: Sequence[str] | None = None) -> None:
    """Test on each, and name those that failed and those that are not here."""
    parser = argparse.ArgumentParser(description="Run unit and contract tests on each supported Python here.")
    parser.add_argument("--others", action="store_true", help="leave out the version of .venv")
    options = parser.parse_args(arguments)
    found = {version: interpreter(version) for version in SUPPORTED}
    done = version_of(MAIN / "bin" / "python") if options.others else ""
    wanted = {version: python for version, python in found.items() if python and version != done}
    failed = [version for version, python in wanted.items() if not passes(version, python)]
    absent = [version for version, python in found.items() if not python]
    if absent:
        print(f"Not on this machine, so not tested: Python {', '.join(absent)}")
    if failed:
        sys.exit(f"make test-all-pythons: failed on Python {', '.join(failed)}")


def interpreter(version: str) -> Path | None:
    """An interpreter of a version that runs and can make environments."""
    return next((python for python in candidates(version) if version_of(python) == version), None)


def candidates(version: str) -> Iterator[Path]:
    """Where one may be: pyenv's first, since its command on PATH runs only the versions that are chosen there."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}*/bin/python{version}"), key=_release, reverse=True)
    for folder in os.get_exec_path():
        if found := shutil.which(f"python{version}", path=folder):
            yield Path(found)


def _release(python: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", python.parts[-3])]


def version_of(python: Path) -> str:
    """Its version as "3.11"; empty where it does not run, or lacks what environments are made with."""
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return ran.stdout.strip()


def passes(version: str, python: Path) -> bool:
    """Whether everything installs and every test passes on one Python."""
    print(f"Python {version}: {python}", flush=True)
    environment = ROOT / ".tools" / "pythons" / version
    install = [python, ROOT / "tools" / "install.py", "dev", "--venv", environment]
    test = [environment / "bin" / "pytest", *TESTS]
    return all(subprocess.run(step, cwd=ROOT, check=False).returncode == 0 for step in (install, test))


if __name__ == "__main__":
    main()
