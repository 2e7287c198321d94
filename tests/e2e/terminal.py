"""What somebody does who has this repository or its wheel, types `pulumi`, and has no account but the local cloud's.

Projects run as they are, in folders of their own, with the interpreter and the packages that they ask for. Not for
looking at each step that the engine takes: `CliStack` tells them.
"""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from mailstack_localcloud.pulumi import cli
from mailstack_localcloud.pulumi.shell import write_plugin
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
# Of the development environment: what is ours there is not to be found, and pip belongs to each environment itself.
OURS = ("mailstack", "_mailstack", "pip", "__pycache__")


class Terminal:
    """A terminal without the user's own settings, in which `pulumi` is the real CLI, with the local cloud's plugin.

    Args:
        folder: Holds state, plugin and the packages that pip need not fetch; it asks no index.
    """

    def __init__(self, pulumi: Path, folder: Path, environment: Mapping[str, str]) -> None:
        plugin = write_plugin(folder / "plugin")
        given = {
            **environment,
            "PULUMI_HOME": str(made(folder / "home")),
            "PYTHONPATH": str(third_party(made(folder / "third_party"))),
            "PIP_NO_INDEX": "1",
        }
        self.environment = cli._environment(given, pulumi, made(folder / "state"))
        self.environment["PATH"] = os.pathsep.join((str(plugin), self.environment["PATH"]))

    def run(self, folder: Path, *command: str | Path, **more: str) -> str:
        """Run a command in a folder to its end, and give what it printed."""
        environment = {**self.environment, **more}
        ran = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert ran.returncode == 0, f"{' '.join(map(str, command))}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    def pulumi(self, folder: Path, *arguments: str) -> str:
        """Run `pulumi` in a project's folder; it asks nothing."""
        return self.run(folder, "pulumi", "--non-interactive", *arguments)


def build_wheel(folder: Path, source: Path = ROOT) -> Path:
    """The wheel of a distribution of this repository, as the build backend makes it."""
    before = set(folder.glob("*.whl"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=source, capture_output=True, timeout=PATIENCE, check=True)
    (wheel,) = set(folder.glob("*.whl")) - before
    return wheel


def third_party(folder: Path) -> Path:
    """What others made of the development environment's packages: pip takes it for installed."""
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.startswith(OURS) and package.suffix != ".pth":
            (folder / package.name).symlink_to(package)
    return folder


def made(folder: Path) -> Path:
    """The folder, which is there now."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder
