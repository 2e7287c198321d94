"""`make install`: when it installs again, and what it reads of pip's settings."""

import json
import shutil
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
PROJECTS = ("pyproject.toml", "localcloud/pyproject.toml")
HATCH = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
HOOKS = [hook["path"] for hook in HATCH["hooks"].values()]


@pytest.fixture
def installer(tmp_path: Path) -> ModuleType:
    """The installer of a clone in which everything is installed."""
    for folder in ("tools", "requirements"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "localcloud").mkdir()
    for file in PROJECTS:
        shutil.copy(ROOT / file, tmp_path / file)
    spec = spec_from_file_location("installer", tmp_path / "tools" / "install.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / ".installed").write_text(json.dumps(module.fingerprint("dev")))
    return module


@pytest.mark.parametrize(
    ("file", "there"),
    [
        *[(file, False) for file in (*PROJECTS, "requirements/dev.lock", "requirements/installer.lock", *HOOKS)],
        ("tools/wheel.py", True),
    ],
)
def test_change_of_an_input_installs_again(file: str, *, there: bool, installer: ModuleType, tmp_path: Path):
    assert installer.is_installed(tmp_path / ".installed", "dev")
    with (tmp_path / file).open("a") as changed:
        changed.write("\n")
    assert installer.is_installed(tmp_path / ".installed", "dev") is there


@pytest.mark.parametrize(
    ("file", "variables", "index"),
    [
        ("", {}, None),
        ("[global]\nindex-url = https://index.example.com/simple\n", {}, "https://index.example.com/simple"),
        (
            "[global]\nindex-url = https://index.example.com/simple\n[install]\nindex-url = https://index.example.org/\n",
            {},
            "https://index.example.org/",
        ),
        (
            "[install]\nindex-url = https://index.example.com/simple\n",
            {"PIP_INDEX_URL": "https://ada:it%27s@index.example.org/?a=b"},
            "https://ada:it%27s@index.example.org/?a=b",
        ),
        ("[global]\nindex-url = https://index.example.com/it's\n", {}, "https://index.example.com/it's"),
        ("[download]\nindex-url = https://index.example.com/simple\n", {}, None),
        ("[global]\nindex-url = https://index.example.com/simple\n", {"UV_DEFAULT_INDEX": "mine"}, "mine"),
    ],
)
def test_index_of_pip_is_handed_to_uv(
    file: str,
    variables: dict[str, str],
    index: str | None,
    installer: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    (tmp_path / "pip.conf").write_text(file)
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    for name, value in {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), **variables}.items():
        monkeypatch.setenv(name, value)
    assert installer.uv_environment(Path(sys.executable)).get("UV_DEFAULT_INDEX") == index


def test_several_links_of_pip_are_handed_to_uv(installer: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "pip.conf").write_text("[global]\nfind-links =\n    /one\n    /two\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    assert installer.uv_environment(Path(sys.executable))["UV_FIND_LINKS"] == "/one /two"
