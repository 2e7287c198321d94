"""`make install` on another day: newer releases are published, and pip is the oldest or the newest of its kind."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pip._internal.models.index import PyPI

from tests.integration.tools.package_index import NEWER, PackageIndex, package_index

ROOT = Path(__file__).parents[3]
# For what ends by itself: downloads, too.
SECONDS = 900
# The first that shipped with Python 3.11, and the newest of the day that this was written.
PIPS = ("22.3", "26.3")


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    configured = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    )
    with package_index(os.environ.get("PIP_INDEX_URL") or configured.stdout.strip() or PyPI.simple_url) as index:
        yield index


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """uv's, empty at first: nothing of this machine's. It is uv that reads it, whichever pip has installed uv."""
    return str(tmp_path_factory.mktemp("cache"))


def environment_with(pip: str, folder: Path) -> Path:
    """An environment whose pip is of that version, as an older or newer Python would have made it."""
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True, timeout=SECONDS)
    python = venv / "bin" / "python"
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"pip=={pip}"]
    subprocess.run(command, check=True, timeout=SECONDS)
    return venv


def install(profile: str, venv: Path, *, project: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, project / "tools" / "install.py", profile, "--venv", venv]
    given = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_INDEX", "PIP_FIND"))}
    return subprocess.run(
        command, env={**given, **variables}, capture_output=True, text=True, check=False, timeout=SECONDS
    )


def locked(profile: str) -> dict[str, str]:
    """What a lock names for this Python, without what is for another one or another system."""
    found: dict[str, str] = {}
    for line in (ROOT / "requirements" / f"{profile}.lock").read_text().splitlines():
        if match := re.match(r"([a-z0-9.-]+)(?:\[[^]]*\])?==([^ ]+)( ;)?", line):
            found[match[1]] = "" if match[3] else match[2]
    return found


def installed(venv: Path) -> dict[str, str]:
    code = "from importlib.metadata import distributions as d; print(*(f'{x.name}=={x.version}' for x in d()))"
    ran = subprocess.run([venv / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    pairs = (pair.split("==") for pair in ran.stdout.split())
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}


@pytest.mark.parametrize("pip", PIPS)
def test_lock_file_ignores_later_releases(pip: str, index: PackageIndex, cache: str, tmp_path: Path):
    venv = environment_with(pip, tmp_path)
    ran = install("demo", venv, PIP_INDEX_URL=index.url, UV_CACHE_DIR=cache)
    assert ran.returncode == 0, ran.stderr
    found = installed(venv)
    assert {name: found.get(name) for name, version in locked("demo").items() if version} == {
        name: version for name, version in locked("demo").items() if version
    }
    assert "mailstack" in found
    assert found["pip"] == pip
    assert install("demo", venv).stdout == ""  # it is there already
    assert not index.fetched
    assert NEWER not in found.values()


def test_an_index_that_offers_newer_releases_would_be_seen(index: PackageIndex, tmp_path: Path):
    """The test above fails where something is resolved: without the lock, pip takes the newer release."""
    ran = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--dest", tmp_path, "jinja2"],
        env={**os.environ, "PIP_INDEX_URL": index.url, "PIP_FIND_LINKS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert ran.returncode == 0, ran.stderr
    assert index.fetched == ["jinja2"]
    index.fetched.clear()


def test_an_error_names_the_tool_that_failed_and_what_to_do(tmp_path: Path):
    first = install("demo", tmp_path / "venv", PIP_INDEX_URL="http://127.0.0.1:1/simple", PIP_RETRIES="0")
    assert first.returncode == 1
    assert "pip failed with exit code 1" in first.stderr
    assert "PIP_INDEX_URL" in first.stderr


def test_a_download_that_is_not_the_locked_one_is_refused(tmp_path: Path):
    project = tmp_path / "project"
    for name in ("tools", "requirements"):
        shutil.copytree(ROOT / name, project / name)
    shutil.copy(ROOT / "pyproject.toml", project)
    lock = project / "requirements" / "demo.lock"
    line = next(line for line in lock.read_text().splitlines(keepends=True) if line.startswith("jinja2=="))
    lock.write_text(f"{line}    --hash=sha256:{'0' * 64}\n")
    ran = install("demo", tmp_path / "venv", project=project)
    assert ran.returncode == 1
    assert "jinja2" in ran.stderr
    assert "uv failed with exit code" in ran.stderr
    assert not (tmp_path / "venv" / ".installed").exists()
