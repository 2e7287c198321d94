"""When `make install` installs again: after a change of whatever decides what is installed, and else never."""

import json
import shutil
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
HATCH = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
HOOKS = [hook["path"] for hook in HATCH["hooks"].values()]


@pytest.fixture
def installer(tmp_path: Path) -> ModuleType:
    """The installer of a clone in which everything is installed."""
    for folder in ("tools", "requirements"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
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
        *[(file, False) for file in ("pyproject.toml", "requirements/dev.lock", "requirements/installer.lock", *HOOKS)],
        ("tools/wheel.py", True),
    ],
)
def test_change_of_an_input_installs_again(file: str, *, there: bool, installer: ModuleType, tmp_path: Path):
    assert installer.is_installed(tmp_path / ".installed", "dev")
    with (tmp_path / file).open("a") as changed:
        changed.write("\n")
    assert installer.is_installed(tmp_path / ".installed", "dev") is there
