"""Which files `make check` checks the types of."""

import subprocess
from pathlib import Path

import pytest

from tools.changed import changed


def git(folder: Path, *arguments: str) -> None:
    settings = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose main branch has two files of Python."""
    git(tmp_path, "init")
    for name in ("kept.py", "deleted.py", ".gitignore"):
        (tmp_path / name).write_text("ignored.py\n" if name == ".gitignore" else "")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "Add files")
    return tmp_path


def test_an_unchanged_repository_has_nothing_to_check(repository: Path):
    assert changed(repository) == []


def test_committed_edited_and_new_files_are_checked(repository: Path):
    git(repository, "switch", "-c", "branch")
    (repository / "committed.py").write_text("")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "Add another")
    (repository / "kept.py").write_text("edited = True\n")
    (repository / "deleted.py").unlink()
    for name in ("new.py", "ignored.py", "new.txt"):
        (repository / name).write_text("")
    assert changed(repository) == ["committed.py", "kept.py", "new.py"]


def test_missing_main_branch_checks_uncommitted_files_only(repository: Path):
    git(repository, "branch", "-m", "trunk")
    (repository / "kept.py").write_text("edited = True\n")
    assert changed(repository) == ["kept.py"]


def test_a_folder_without_a_repository_is_an_error(tmp_path: Path):
    with pytest.raises(SystemExit, match=r"^git diff .*: "):
        changed(tmp_path)
