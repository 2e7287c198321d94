"""Which way to a Pulumi CLI is taken, and that a way that fails leaves nothing behind."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mailstack_localcloud.pulumi.find_cli import Cli, candidates, find_pulumi

TOOLS = Path(__file__).parents[3] / "tools" / "pulumi"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pulumi_install", TOOLS / "install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


install = load()
PINS = install.Pins("3.259.0", (1, 25, 11))
GOOD = Cli(Path("/usr/bin/pulumi"), "3.270.0")
OLD = Cli(Path("/usr/bin/pulumi"), "2.1.0", "version v2.1.0 is older than 3.205.0")
BUILT = Cli(Path("/repo/.tools/pulumi/bin/pulumi"), "3.259.0")


@pytest.mark.parametrize(
    ("clis", "installer", "go", "step"),
    [
        ((GOOD,), False, None, "use"),
        ((GOOD,), True, (1, 26, 8), "use"),
        ((OLD, BUILT), False, None, "use"),
        ((OLD,), True, (1, 26, 8), "install"),
        ((), True, None, "install"),
        ((), False, (1, 25, 11), "build"),
        ((OLD,), False, (1, 26, 8), "build"),
        ((), False, (1, 25, 10), "stop"),
        ((), False, (1, 9), "stop"),
        ((OLD,), False, None, "stop"),
        ((), False, (), "stop"),
    ],
)
def test_the_way_follows_from_what_there_is(
    clis: tuple[Cli, ...], installer: bool, go: tuple[int, ...] | None, step: str
):
    assert install.decide(install.Found(clis, installer, go), PINS).step.value == step


def test_using_one_says_which_and_where():
    says = install.decide(install.Found((OLD, BUILT)), PINS).says
    assert "3.259.0" in says
    assert "/repo/.tools/pulumi/bin/pulumi" in says


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        (install.Found(), ["hold no pulumi", "Go is not installed"]),
        (install.Found(go=(1, 20, 3)), ["Go 1.20.3 is too old"]),
        (install.Found((OLD,)), ["/usr/bin/pulumi cannot be used: version v2.1.0 is older"]),
    ],
)
def test_a_dead_end_says_why_and_names_both_ways_out(found: object, reasons: list[str]):
    says = install.decide(found, PINS).says
    for part in [
        *reasons,
        "https://get.pulumi.com/install.sh",
        "Go 1.25.11 or newer",
        install.GO_SITE,
        install.PULUMI_SITE,
    ]:
        assert part in says


def test_the_pins_are_those_of_go_mod():
    pins = install.read_pins((TOOLS / "go.mod").read_text())
    assert pins.pulumi == "3.259.0"
    assert pins.go >= (1, 25)
    assert f"{install.SDK} v{pins.pulumi}/go.mod" in (TOOLS / "go.sum").read_text()


def test_a_go_mod_without_the_sdk_is_an_error():
    with pytest.raises(install.InstallError, match="names no version"):
        install.read_pins("module x\n\ngo 1.25\n")


@pytest.mark.parametrize(
    ("text", "version"),
    [("go version go1.26.8 linux/amd64", (1, 26, 8)), ("1.25.11", (1, 25, 11)), ("go version devel", ())],
)
def test_versions_are_read_as_go_prints_them(text: str, version: tuple[int, ...]):
    assert install.parse_version(text) == version


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ([], "reading modules and build cache"),
        (["go: downloading example.com/a v1.0.0"], "downloading modules: 1 so far"),
        (["go: downloading example.com/a v1.0.0", "internal/abi", "runtime"], "compiling: 2 packages so far"),
    ],
)
def test_progress_says_what_the_build_is_doing(lines: list[str], shown: str):
    assert install.go_progress(lines) == shown


def executable(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def fill(folder: Path, _pins: object) -> None:
    executable(folder / "bin" / "pulumi", "echo v3.259.0")
    executable(folder / "bin" / "pulumi-language-python", "true")


def test_new_build_replaces_the_old_atomically(tmp_path: Path):
    target = tmp_path / ".tools" / "pulumi"
    executable(target / "bin" / "pulumi", "echo v3.1.0")
    (target / "left-over").touch()
    cli = install.put_in_place(fill, PINS, target)
    assert cli == Cli(target / "bin" / "pulumi", "3.259.0")
    assert sorted(file.name for file in (target / "bin").iterdir()) == ["pulumi", "pulumi-language-python"]
    assert [folder.name for folder in target.parent.iterdir()] == ["pulumi"]
    assert not (target / "left-over").exists()


def test_a_way_that_fails_leaves_what_was_there(tmp_path: Path):
    def fail(folder: Path, _pins: object) -> None:
        executable(folder / "bin" / "pulumi", "exit 1")
        install.run(["sh", "-c", "echo no space left; exit 3"], folder, 30, lambda _: "")

    target = tmp_path / ".tools" / "pulumi"
    executable(target / "bin" / "pulumi", "echo v3.1.0")
    with pytest.raises(install.InstallError, match=r"(?s)failed \(3\).*no space left"):
        install.put_in_place(fail, PINS, target)
    assert [folder.name for folder in target.parent.iterdir()] == ["pulumi"]
    assert (target / "bin" / "pulumi").read_text().endswith("echo v3.1.0\n")


def test_broken_build_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(install.InstallError, match="so it cannot run Python programs"):
        install.put_in_place(
            lambda folder, _: executable(folder / "bin" / "pulumi", "echo v3.259.0"), PINS, tmp_path / "p"
        )
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_hangs_is_ended(tmp_path: Path):
    with pytest.raises(install.InstallError, match="took over 0 s"):
        install.run(["sleep", "3600"], tmp_path, 0.1, lambda _: "")


def test_usable_pulumi_on_path_comes_before_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bare = tmp_path / "bare"
    bare.mkdir()
    monkeypatch.setenv("PATH", f"{bare}:/usr/bin:/bin")
    fill(tmp_path / ".tools" / "pulumi", PINS)
    built = tmp_path / ".tools" / "pulumi" / "bin" / "pulumi"
    assert find_pulumi(tmp_path, str(bare)) == built
    executable(bare / "pulumi", "echo v3.100.0")
    assert find_pulumi(tmp_path, str(bare)) == built
    assert "older than 3.205.0" in candidates(tmp_path, str(bare))[0].problem
    executable(bare / "pulumi", "exit 1")
    assert "`pulumi version` failed" in candidates(tmp_path, str(bare))[0].problem
    executable(bare / "pulumi", "echo v3.270.0")
    assert "no pulumi-language-python" in candidates(tmp_path, str(bare))[0].problem
    executable(bare / "pulumi-language-python", "true")
    assert find_pulumi(tmp_path, str(bare)) == bare / "pulumi"


def test_none_anywhere_is_none(tmp_path: Path):
    assert find_pulumi(tmp_path, str(tmp_path)) is None
