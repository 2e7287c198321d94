"""A folder that keeps the state of the local cloud across restarts. Knows files, not what the services keep in them.

    FOLDER/ses.json   SES: identities, sets, mails, suppression, reputation, quota
    FOLDER/chatbot.json  AWS Chatbot: Slack channels and their messages
    FOLDER/aws/       everything else, as ministack writes it
    FOLDER/s3/        the objects of its buckets
    FOLDER/lock       locked by the local cloud that uses the folder
    FOLDER/snapshot/  a copy of the others, which `restore` returns to

Writes are atomic: a new file replaces the old one, so a crash leaves one or the other. A file that cannot be read is
never overwritten: the local cloud refuses to start.
"""

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import IO, Any, Self, cast

_SNAPSHOT = "snapshot"
_beside = shutil.ignore_patterns(_SNAPSHOT, "lock", "*.new")


class StateError(Exception):
    """The folder cannot be used; the message says why and what to do."""


class StateFolder:
    """A folder that one local cloud at a time uses.

    Args:
        path: The folder; created if it does not exist.

    Raises:
        StateError: Another local cloud uses it, or a file in it is not a JSON object.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.aws = path / "aws"
        self.objects = path / "s3"
        # The hash of each file's text, so that an unchanged file is not written again.
        self._texts: dict[str, int] = {}
        self._lock = _locked(path)
        try:
            for file in (*sorted(path.glob("*.json")), *sorted(self.aws.glob("*.json"))):
                _parsed(file, _content(file))
        except StateError:
            self.close()
            raise

    def file(self, name: str) -> Path:
        """The file of one service, e.g. of `ses`."""
        return self.path / f"{name}.json"

    def read(self, name: str) -> dict[str, Any] | None:
        """What the service's file holds; None if there is no such file.

        Raises:
            StateError: The file is not a JSON object.
        """
        file = self.file(name)
        if not file.exists():
            return None
        text = _content(file)
        self._texts[name] = hash(text)
        return _parsed(file, text)

    def write(self, name: str, text: str) -> None:
        """Replace the service's file, unless it holds this text already.

        Raises:
            OSError: It cannot be written.
        """
        if self._texts.get(name) != hash(text):
            _replace(self.file(name), text)
            self._texts[name] = hash(text)

    def snapshot(self) -> None:
        """Copy what the folder holds, in place of an earlier copy.

        Raises:
            OSError: It cannot be written.
        """
        shutil.rmtree(self._kept, ignore_errors=True)
        shutil.copytree(self.path, self._kept, ignore=_beside)

    def check_snapshot(self) -> None:
        """Look for the copy.

        Raises:
            StateError: There is none.
        """
        if not self._kept.exists():
            raise StateError("There is no snapshot to return to. Take one first: POST /_localcloud/snapshot")

    def restore(self) -> None:
        """Replace what the folder holds by the copy.

        Raises:
            OSError: It cannot be read or written.
        """
        for file in (*self.path.glob("*.json"), *self.aws.glob("*.json")):
            file.unlink()
        shutil.rmtree(self.objects, ignore_errors=True)
        shutil.copytree(self._kept, self.path, dirs_exist_ok=True)
        self._texts.clear()

    @property
    def _kept(self) -> Path:
        return self.path / _SNAPSHOT

    def close(self) -> None:
        """Release the lock."""
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


ADVICE = (
    "Nothing was changed. Restore the file from a copy, move it away to start without it, or choose another folder."
)


def unreadable(file: Path, problem: object) -> StateError:
    """The error for a file that cannot be read; it says what to do."""
    return StateError(f"{file} cannot be read: {problem}. {ADVICE}")


def _locked(path: Path) -> IO[str]:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds mails and secrets
        lock = (path / "lock").open("w")
    except OSError as error:
        raise StateError(f"{path} cannot hold state: {error.strerror}. Choose another folder.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StateError(f"{path} is used by another local cloud. Stop it, or choose another folder.") from error
    return lock


def _replace(file: Path, text: str) -> None:
    beside = file.with_suffix(".new")
    with beside.open("w") as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    beside.replace(file)


def _content(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise unreadable(file, error) from error


def _parsed(file: Path, text: str) -> dict[str, Any]:
    try:
        content: object = json.loads(text)
    except ValueError as error:
        raise unreadable(file, error) from error
    if not isinstance(content, dict):
        raise unreadable(file, "it is not a JSON object")
    return cast("dict[str, Any]", content)
