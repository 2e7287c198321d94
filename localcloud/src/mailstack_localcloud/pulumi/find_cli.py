"""Finds the `pulumi` to run: on PATH, then under `.tools/`.

Not for installing one: `tools/pulumi/install.py` (`make pulumi`) does that.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mailstack_localcloud.paths import IMPORT_PATH

# The repository. Where the package is installed from a wheel, it has no `.tools`.
ROOT = Path(IMPORT_PATH).parents[1]
# Streams engine events over gRPC, and the oldest that the `infra` extra's SDK is kept with.
MINIMUM = (3, 205, 0)
HOST = "pulumi-language-python"
SECONDS_TO_ANSWER = 120


@dataclass(frozen=True)
class Cli:
    """One `pulumi` and whether it serves: `problem` is empty, or says in words why not."""

    path: Path
    version: str = ""
    problem: str = ""


def tools_folder(root: Path = ROOT) -> Path:
    """Where `make pulumi` puts the CLI: `bin/` in it holds the executables, as after Pulumi's own installer."""
    return root / ".tools" / "pulumi"


def find_pulumi(root: Path = ROOT, path: str | None = None) -> Path | None:
    """The first `pulumi` that can run Python programs, or None.

    Args:
        root: The repository, for its `.tools/`.
        path: Where to look before that; None is the process's own PATH.
    """
    return next((cli.path for cli in candidates(root, path) if not cli.problem), None)


def candidates(root: Path = ROOT, path: str | None = None) -> list[Cli]:
    """Every `pulumi` there is to choose from, the preferred one first, examined."""
    on_path = shutil.which("pulumi", path=path)
    in_tools = tools_folder(root) / "bin" / "pulumi"
    found = [Path(on_path)] if on_path else []
    return [examine(pulumi) for pulumi in [*found, *([in_tools] if in_tools.exists() else [])]]


def examine(pulumi: Path) -> Cli:
    """Ask a `pulumi` for its version, and look for its Python language host."""
    try:
        answer = subprocess.run(
            [pulumi, "version"],
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_ANSWER,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return Cli(pulumi, problem=f"`pulumi version` failed: {error}")
    version = answer.removeprefix("v")
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
    if numbers < MINIMUM:
        return Cli(pulumi, version, f"version {answer or 'unknown'} is older than {'.'.join(map(str, MINIMUM))}")
    beside = {pulumi.parent, pulumi.resolve().parent}
    if not any(os.access(folder / HOST, os.X_OK) for folder in beside) and not shutil.which(HOST):
        return Cli(pulumi, version, f"it has no {HOST} beside it, so it cannot run Python programs")
    return Cli(pulumi, version)
