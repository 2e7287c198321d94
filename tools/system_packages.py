"""Installs the Debian packages that the tests use: `make system-packages`. Needs the standard library alone.

The list is tools/system-packages.txt. Not for Python's packages: tools/install.py installs those.
"""

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

LIST = Path(__file__).with_suffix("").with_name("system-packages.txt")
# Debian installs servers here, where the PATH of users other than root does not lead.
ADMINISTRATORS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
SECONDS_FOR_LOCK = 300


def packages(file: Path = LIST) -> dict[str, tuple[str, ...]]:
    """The listed packages, and the programs that tests use of each."""
    lines = [line.split() for line in file.read_text().splitlines() if not line.startswith("#")]
    return {package: tuple(programs) for package, *programs in filter(None, lines)}


def find(program: str) -> str | None:
    """The path of a listed program; None where it is not installed."""
    if "/" in program:
        return max(filter(os.path.isfile, glob.glob(program)), default=None)  # noqa: PTH207 - an absolute pattern
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", os.defpath), *ADMINISTRATORS)))


def missing(listed: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The packages of which a program is not installed."""
    return [package for package, programs in listed.items() if not all(map(find, programs))]


def main(file: Path = LIST) -> None:
    """Install what is missing. Where that takes rights or a tool that are not there, say what to install."""
    listed = packages(file)
    if wanted := missing(listed):
        install(wanted)
    if left := missing(listed):
        sys.exit(f"make system-packages: {', '.join(left)} is installed, but not each program that {file} names.")


def install(wanted: Sequence[str]) -> None:
    """Have apt install packages."""
    apt = shutil.which("apt-get")
    if not apt:
        sys.exit(f"make system-packages: there is no apt-get here. Install what Debian calls {', '.join(wanted)}.")
    command = [apt, "install", "--yes", "--no-install-recommends", *wanted]
    if os.geteuid() != 0:
        sys.exit(f"make system-packages: this takes root. Run: sudo {' '.join(command)}")
    options = ["--quiet", f"--option=DPkg::Lock::Timeout={SECONDS_FOR_LOCK}"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in ([apt, "update"], command):
        if code := subprocess.run([*step, *options], env=environment, check=False).returncode:
            sys.exit(f"make system-packages: `{' '.join(step)}` failed with exit code {code}.")


if __name__ == "__main__":
    main()
