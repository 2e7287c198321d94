"""Which Pythons of a machine are tested, and what is said of those that fail or are absent."""

import os
import tomllib
from pathlib import Path

import pytest

from tools import pythons

ROOT = Path(__file__).parents[3]


def fake(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any Python."""
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def test_the_newest_release_of_pyenv_is_taken(machine: Path):
    for release in ("3.12.1", "3.12.9", "3.12.10"):
        fake(machine / "pyenv" / "versions" / release / "bin" / "python3.12", "echo 3.12")
    found = pythons.interpreter("3.12")
    assert found
    assert found.parts[-3] == "3.12.10"
    assert pythons.interpreter("3.13") is None


def test_a_command_that_does_not_run_is_passed_over(machine: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", f"{machine / 'shims'}:{machine / 'bin'}")
    fake(machine / "shims" / "python3.13", "echo 'command not found' >&2; exit 127")
    whole = fake(machine / "bin" / "python3.13", "echo 3.13")
    assert pythons.interpreter("3.13") == whole


@pytest.mark.parametrize(("arguments", "tested"), [([], ["3.11", "3.13"]), (["--others"], ["3.13"])])
def test_each_version_is_tested_once(
    arguments: list[str],
    tested: list[str],
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    seen: list[str] = []
    for version in ("3.11", "3.13"):
        fake(machine / "bin" / f"python{version}", f"echo {version}")
    fake(machine / ".venv" / "bin" / "python", "echo 3.11")
    monkeypatch.setattr(pythons, "MAIN", machine / ".venv")
    monkeypatch.setattr(pythons, "installs", lambda version, _: True)
    monkeypatch.setattr(pythons, "passes", lambda version, processes: not seen.append(version))
    pythons.main(arguments)
    assert sorted(seen) == tested
    assert capsys.readouterr().out == "Not on this machine, so not tested: Python 3.12, 3.14\n"


def test_versions_that_fail_are_named_at_the_end(machine: Path, monkeypatch: pytest.MonkeyPatch):
    for version in ("3.11", "3.12", "3.13"):
        fake(machine / "bin" / f"python{version}", f"echo {version}")
    monkeypatch.setattr(pythons, "installs", lambda version, _: version != "3.11")
    monkeypatch.setattr(pythons, "passes", lambda version, processes: version == "3.12")
    with pytest.raises(SystemExit, match=r"failed on Python 3\.11, 3\.13$"):
        pythons.main([])


@pytest.mark.parametrize(("processors", "versions", "each"), [(2, 1, 2), (2, 2, 1), (2, 3, 1), (8, 3, 2), (None, 1, 1)])
def test_versions_share_the_processors(
    processors: int | None, versions: int, each: int, machine: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    monkeypatch.setattr(pythons, "ROOT", machine)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    names = pythons.SUPPORTED[:versions]
    for name in names:
        fake(machine / ".tools" / "pythons" / name / "bin" / "pytest", f'test "$1 $2" = "-n {each}"')
    assert pythons.passing(names) == set(names)


def test_the_package_claims_no_version_that_is_not_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    claimed = {
        kind.split()[-1] for kind in project["classifiers"] if kind.startswith("Programming Language :: Python :: 3.")
    }
    assert claimed <= set(pythons.SUPPORTED)
    assert project["requires-python"] == f">={pythons.SUPPORTED[0]}"


def test_tests_of_texts_that_are_left_out_exist():
    assert [file for file in pythons.TEXTS if not (ROOT / file).is_file()] == []
