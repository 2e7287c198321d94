"""The list of Debian packages, and what becomes of a test whose program is not installed."""

import os
import re
import subprocess
import sys
from pathlib import Path, PurePath

import pytest

from tests.system import require_tool
from tools import system_packages

ROOT = Path(__file__).parents[3]
ASKED = re.compile(r"""require_tool\(["']([^"']+)["']\)""")
SKIPPING = """
import pytest

def test_body():
    pytest.skip("not installed")

@pytest.mark.skipif(True, reason="marked")
def test_marked(): ...

@pytest.mark.xfail(reason="known")
def test_known(): assert False

def test_fine(): ...
"""


def test_tests_use_every_listed_program_and_no_other():
    files = [file for suite in ("tests", "localcloud/tests") for file in Path(ROOT, suite).rglob("*.py")]
    sources = [file.read_text() for file in files if file != Path(__file__)]
    asked = {name for source in sources for name in ASKED.findall(source)}
    listed = [PurePath(name).name for programs in system_packages.packages().values() for name in programs]
    assert sorted(listed) == sorted(asked)


def test_a_program_that_no_package_has_is_refused():
    with pytest.raises(LookupError, match=r"No package has no-such-program: .*system-packages.txt"):
        require_tool("no-such-program")


def test_a_program_is_found_by_name_or_by_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for version in ("15", "16"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "server").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "15"))
    assert system_packages.find("server") == str(tmp_path / "15" / "server")
    assert system_packages.find(f"{tmp_path}/*/server") == str(tmp_path / "16" / "server")
    assert system_packages.find(f"{tmp_path}/*/client") is None
    listed = {"whole": ("server",), "half": ("server", "client"), "library": ()}
    assert system_packages.missing(listed) == ["half"]


def test_the_list_is_a_package_a_line(tmp_path: Path):
    file = tmp_path / "list"
    file.write_text("# why\none first second\n\ntwo\n")
    assert system_packages.packages(file) == {"one": ("first", "second"), "two": ()}


@pytest.mark.parametrize(
    ("user", "apt", "said"),
    [
        (1000, True, r"this takes root. Run: sudo \S+/apt-get install --yes --no-install-recommends missing"),
        (0, False, "there is no apt-get here. Install what Debian calls missing."),
    ],
)
def test_packages_that_cannot_be_installed_are_named(
    user: int, *, apt: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    listed = tmp_path / "list"
    listed.write_text("missing no-such-program\n")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setenv("PATH", str(tmp_path))
    if apt:
        (tmp_path / "apt-get").touch(mode=0o755)
    with pytest.raises(SystemExit, match=said):
        system_packages.main(listed)


def test_missing_packages_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    listed, calls = tmp_path / "list", tmp_path / "calls"
    listed.write_text("thing thing-program\n")
    apt = tmp_path / "apt-get"
    program = tmp_path / "thing-program"
    apt.write_text(f'#!/bin/sh\necho "$1 $DEBIAN_FRONTEND" >> {calls}\n[ $1 = update ] || /bin/cp $0 {program}\n')
    apt.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    system_packages.main(listed)
    system_packages.main(listed)
    assert calls.read_text().splitlines() == ["update noninteractive", "install noninteractive"]


@pytest.mark.parametrize(
    ("ci", "outcomes"),
    [("", "1 passed, 2 skipped, 1 xfailed in"), ("true", "1 failed, 1 passed, 1 xfailed, 1 error in")],
)
def test_in_ci_a_skip_is_a_failure(ci: str, outcomes: str, tmp_path: Path):
    file = tmp_path / "test_skipping.py"
    file.write_text(SKIPPING)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.skips", "-c", os.devnull, "--rootdir", tmp_path, file]
    environment = {**os.environ, "CI": ci}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert outcomes in ran.stdout
    assert ("In CI no test is skipped. Skipped: not installed" in ran.stdout) is bool(ci)
