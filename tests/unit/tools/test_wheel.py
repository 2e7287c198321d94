"""What an installation of each distribution puts into somebody's site-packages, and into a clone's own .venv."""

import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.e2e.terminal import ROOT, build_wheel

LOCALCLOUD = ROOT / "localcloud"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with zipfile.ZipFile(build_wheel(tmp_path_factory.mktemp("wheel"))) as wheel:
        return set(wheel.namelist())


@pytest.fixture(scope="module")
def of_the_local_cloud(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with zipfile.ZipFile(build_wheel(tmp_path_factory.mktemp("wheel"), LOCALCLOUD)) as wheel:
        return set(wheel.namelist())


def packages(files: set[str]) -> set[str]:
    return {name for name in {file.split("/")[0] for file in files} if not name.endswith(".dist-info")}


def test_mailstack_installs_the_library_and_the_component(files: set[str]):
    assert packages(files) == {"mailer", "mailstack_infra"}
    assert "mailer/testing/plugin.py" in files


def test_the_local_cloud_installs_one_package(of_the_local_cloud: set[str]):
    assert packages(of_the_local_cloud) == {"mailstack_localcloud"}
    assert {f"mailstack_localcloud/{file}" for file in ("py.typed", "inbox/templates/mail.html")} <= of_the_local_cloud


def test_every_module_of_the_local_cloud_is_in_its_wheel(of_the_local_cloud: set[str]):
    source = LOCALCLOUD / "src"
    assert {path.relative_to(source).as_posix() for path in source.rglob("*.py")} <= of_the_local_cloud


def test_both_distributions_have_one_version():
    projects = [tomllib.loads((folder / "pyproject.toml").read_text())["project"] for folder in (ROOT, LOCALCLOUD)]
    mailstack, localcloud = projects
    assert mailstack["version"] == localcloud["version"]
    extras = mailstack["optional-dependencies"]
    assert extras["testing"] == [f"mailstack-localcloud=={localcloud['version']}"]
    assert extras["local"] == [f"mailstack-localcloud[pulumi]=={localcloud['version']}"]


def test_wheel_contains_the_sources_of_each_function(files: set[str]):
    handlers = {f"mailstack_infra/lambdas/{handler.parent.name}/handler.py" for handler in ROOT.glob("lambdas/*/*.py")}
    assert handlers
    assert handlers <= files


@pytest.mark.parametrize("package", ["mailer", "mailstack_infra"])
def test_its_types_are_there_for_a_checker(files: set[str], package: str):
    assert f"{package}/py.typed" in files


def test_wheel_holds_every_module_and_no_build_product(files: set[str]):
    here = {
        path.relative_to(ROOT / parent).as_posix()
        for parent, package in ((".", "mailer"), ("infra", "mailstack_infra"))
        for path in Path(ROOT, parent, package).rglob("*.py")
    }
    assert here <= files
    assert not [file for file in files if file.endswith((".pyc", ".zip"))]


def test_in_a_clone_the_component_is_found_from_any_folder(tmp_path: Path):
    build = "import sys; from hatchling.build import build_editable; print(build_editable(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site_packages = tmp_path / "site-packages"
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(site_packages)
    # Without the .venv of these tests, but for what others made of it.
    others = sysconfig.get_path("purelib")
    program = (
        f"import site, sys; site.addsitedir({str(site_packages)!r}); sys.path.append({others!r})\n"
        "import mailstack_infra\nfrom mailstack_infra import MailStack\nprint(mailstack_infra.__file__)"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert ran.stdout.strip() == str(ROOT / "infra" / "mailstack_infra" / "__init__.py")
