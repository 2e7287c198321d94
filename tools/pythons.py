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
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
MAIN = ROOT / ".venv"
FOLDERS = ("tests/unit", "tests/contract", "localcloud/tests/unit")
# Tests of source text and pages, which are the same on every Python.
TEXTS = tuple(
    f"tests/unit/test_{name}.py"
    for name in ("docs", "import_circles", "language", "names", "regular_expressions", "requirements", "waiting")
)
TESTS = ("--dist", "worksteal", "-q", "-p", "no:cacheprovider", *FOLDERS, *(f"--ignore={file}" for file in TEXTS))


def main(arguments: Sequence[str] | None = None) -> None:
    """Test on each, and name those that failed and those that are not here."""
    parser = argparse.ArgumentParser(description="Run unit and contract tests on each supported Python here.")
    parser.add_argument("--others", action="store_true", help="leave out the version of .venv")
    options = parser.parse_args(arguments)
    found = {version: interpreter(version) for version in SUPPORTED}
    done = version_of(MAIN / "bin" / "python") if options.others else ""
    wanted = {version: python for version, python in found.items() if python and version != done}
    # One after the other: they build the same repository.
    installed = [version for version, python in wanted.items() if installs(version, python)]
    passed = passing(installed)
    failed = [version for version in wanted if version not in passed]
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


def installs(version: str, python: Path) -> bool:
    """Whether everything that the tests need can be installed for one Python."""
    print(f"Python {version}: {python}", flush=True)
    install = [python, ROOT / "tools" / "install.py", "dev", "--venv", environment(version)]
    return subprocess.run(install, cwd=ROOT, check=False).returncode == 0


def passing(versions: Sequence[str]) -> set[str]:
    """Test all at once: a process of each sets up less than several of each in turn. Return those that pass."""
    processes = max(1, (os.cpu_count() or 1) // max(1, len(versions)))
    with ThreadPoolExecutor(len(SUPPORTED)) as threads:
        passed = threads.map(partial(passes, processes=processes), versions)
        return {version for version, each in zip(versions, passed, strict=True) if each}


def passes(version: str, processes: int) -> bool:
    """Whether every test passes on one Python. What pytest says is shown when it has ended."""
    test = [environment(version) / "bin" / "pytest", "-n", str(processes), *TESTS]
    ran = subprocess.run(test, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(f"Python {version}:\n{ran.stdout}", flush=True)
    return ran.returncode == 0


def environment(version: str) -> Path:
    """Where one Python's environment is."""
    return ROOT / ".tools" / "pythons" / version


if __name__ == "__main__":
    main()
