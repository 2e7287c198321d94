"""What the end-to-end tests share: the CLI, which must be there, and small projects to run with it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailstack_localcloud.pulumi.find_cli import candidates, find_pulumi


@pytest.fixture(scope="session")
def pulumi() -> Path:
    """The real CLI. A machine without one fails these tests: passing by skipping would prove nothing."""
    found = find_pulumi()
    if found is None:
        seen = "; ".join(f"{cli.path}: {cli.problem}" for cli in candidates()) or "none on PATH or under .tools/"
        pytest.fail(f"No usable Pulumi CLI ({seen}). Run `make pulumi`, or install Pulumi so that it is on PATH.")
    return found


@pytest.fixture
def write_project(tmp_path: Path) -> Callable[..., Path]:
    """Writes a project of a few lines and gives its folder."""

    def write(program: str, *, name: str = "tiny", stack_file: str = "") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\nmain: program\n")
        (folder / "program").mkdir(exist_ok=True)
        (folder / "program" / "__main__.py").write_text(program)
        if stack_file:
            (folder / "Pulumi.dev.yaml").write_text(stack_file)
        return folder

    return write
