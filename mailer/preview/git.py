"""Reads the last commit of the repository that a folder is in, by git with a time-out. It writes to no repository."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from mailer.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SECONDS = 10
# The list of files of a large repository, and all templates of one commit.
_MOST_BYTES = 64 * 1024 * 1024
_REGULAR_FILE = b"100"  # the first digits of a file's mode; links and submodules have others
# No locks, no questions, and no objects fetched from a server. The language is that of the messages below.
_SETTINGS = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
# What git sets for its hooks; it would name another repository than that of the folder.
_OF_A_HOOK = {"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE", "GIT_PREFIX"}


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a repository.

    Attributes:
        root: The folder of the working tree.
        id: The commit's hash.
        label: The short hash and the subject, for people.
    """

    root: Path
    id: str
    label: str


def last_commit(folder: Path) -> Commit:
    """The commit HEAD of the repository that a folder is in.

    Raises:
        TemplateError: There is no git, no repository, or no commit.
    """
    root = Path(os.fsdecode(_run(folder, "rev-parse", "--show-toplevel")).rstrip("\n"))
    about = _run(folder, "log", "-1", "--no-show-signature", '--format=%H%n%h "%s"').decode(errors="replace")
    identifier, _, label = about.strip().partition("\n")
    return Commit(root, identifier, label)


def export(commit: Commit, wanted: "Callable[[Path], bool]", target: Path) -> None:
    """Write files of a commit to a folder, at their paths in the repository.

    Args:
        commit: The commit.
        wanted: Whether the file of a path in the repository is written.
        target: An empty folder.

    Raises:
        TemplateError: git failed, or the files are too large.
    """
    found = {path: (name, size) for path, name, size in _files(commit) if wanted(path)}
    if sum(size for _, size in found.values()) > _MOST_BYTES:
        raise TemplateError(f"The templates of commit {commit.label} are larger than {_MOST_BYTES >> 20} MB.")
    names = b"".join(name + b"\n" for name, _ in found.values())
    content = _run(commit.root, "cat-file", "--batch", given=names)
    at = 0
    for path, (_, size) in found.items():
        at = content.index(b"\n", at) + 1  # after `<hash> blob <size>`
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(content[at : at + size])
        at += size + 1


def _files(commit: Commit) -> "Iterator[tuple[Path, bytes, int]]":
    """The path, the hash and the size of each regular file of a commit."""
    for line in _run(commit.root, "ls-tree", "-r", "-l", "-z", "--full-tree", commit.id).split(b"\0"):
        about, _, name = line.partition(b"\t")
        path = Path(os.fsdecode(name))
        if about.startswith(_REGULAR_FILE) and not path.is_absolute() and ".." not in path.parts:
            *_, identifier, size = about.split()
            yield path, identifier, int(size)


def _run(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    command = ["git", "-C", str(folder), *arguments]
    with TemporaryFile() as out:
        try:
            done = subprocess.run(
                command,
                input=given,
                stdout=out,
                stderr=subprocess.PIPE,
                env=environment | _SETTINGS,
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise TemplateError("git is not installed.", hint="Install it to compare with the last commit.") from None
        except subprocess.TimeoutExpired:
            raise TemplateError(f"git {arguments[0]} gave no answer in {_SECONDS} seconds.") from None
        if done.returncode:
            raise TemplateError(_reason(folder, done.stderr.decode(errors="replace").strip()))
        if out.tell() > _MOST_BYTES:
            raise TemplateError(f"git {arguments[0]} of {folder} gave more than {_MOST_BYTES >> 20} MB.")
        out.seek(0)
        return out.read()


def _reason(folder: Path, words: str) -> str:
    if "not a git repository" in words:
        return f"{folder} is in no git repository."
    if "does not have any commits" in words or "bad default revision" in words:
        return f"The repository of {folder} has no commit yet."
    return f"git cannot read {folder}: {words[:500]}"
