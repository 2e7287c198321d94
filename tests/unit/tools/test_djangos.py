"""Which versions of Django are tested, and what is said of those that fail."""

import re
from pathlib import Path

import pytest

from tools import djangos, lock, pythons

ROOT = Path(__file__).parents[3]
REQUIREMENTS = ROOT / "requirements"


def test_every_version_has_a_lock():
    assert djangos.VERSIONS == lock.DJANGOS
    for version in djangos.VERSIONS:
        assert f"django=={version}." in (REQUIREMENTS / f"django-{version}.lock").read_text()
    assert djangos.PYTHONS[0] == lock.OLDEST_OF_DJANGO


def test_guide_names_the_versions_that_are_tested():
    others = re.findall(r"^django==(\d+\.\d+)\.", (REQUIREMENTS / "dev.lock").read_text(), re.MULTILINE)
    first_line = (ROOT / "docs" / "guides" / "django.md").read_text().splitlines()[2]
    assert re.findall(r"\d\.\d", first_line) == sorted({*others, *djangos.VERSIONS})


def test_versions_that_fail_are_named_at_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(djangos, "environment", lambda: tmp_path)
    monkeypatch.setattr(djangos, "installs", lambda version, _: version != "5.2")
    monkeypatch.setattr(djangos, "passes", lambda version, _: version != "6.0")
    with pytest.raises(SystemExit, match=r"failed on Django 5\.2, 6\.0$"):
        djangos.main()


def test_machine_without_a_newer_python_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(pythons, "version_of", lambda _: "3.11")
    monkeypatch.setattr(pythons, "interpreter", lambda _: None)
    djangos.main()
    assert capsys.readouterr().out.startswith("No Python 3.12, 3.13, 3.14 on this machine, so not tested: Django 5.2")
