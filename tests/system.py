"""Programs of the system that tests use. Each comes with a Debian package that tools/system-packages.txt lists."""

from pathlib import PurePath

import pytest

from tools.system_packages import find, packages


def require_tool(name: str) -> str:
    """The path of a program. Where it is not installed, the test is skipped, and fails in CI (see `tests.skips`).

    Raises:
        LookupError: No package of the list has it.
    """
    listed = [program for programs in packages().values() for program in programs if PurePath(program).name == name]
    if not listed:
        raise LookupError(f"No package has {name}: add a line to tools/system-packages.txt")
    found = find(listed[0])
    if found is None:
        pytest.skip(f"{name} is not installed. Run: make system-packages")
    return found
