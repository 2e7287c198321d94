"""The state of the local cloud in a folder, so that it is there after a restart. Knows the form, not what is in it.

    FOLDER/ses.json   SES: identities, sets, mails, suppression, reputation, quota
    FOLDER/chatbot.json  AWS Chatbot: Slack channels and what they were sent
    FOLDER/aws/       everything else, as ministack writes it
    FOLDER/s3/        the objects of its buckets
    FOLDER/lock       held by the local cloud that uses the folder

A file is written beside the old one and then takes its place, so that a crash leaves one or the other. What cannot be
read is never overwritten: the local cloud refuses to start on it.
"""

import base64
import dataclasses
import fcntl
import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Self, cast

from mailstack_localcloud.ses import state as records
from mailstack_localcloud.ses.state import Messages, State

FORMAT = "mailstack local cloud: SES"
VERSION = 1
# The newest mails up to this many bytes are kept across restarts; the file is a third larger, for base64.
KEPT_BYTES = 64 * 1024 * 1024
_MARK = "$"


class StateError(Exception):
    """The folder cannot be used; the message says why and what to do."""


class StateFolder:
    """A folder that one local cloud at a time uses.

    Args:
        path: The folder; it is made if there is none.
        region: The region that SES is emulated in: ARNs and DKIM tokens in the state belong to it.

    Raises:
        StateError: Another local cloud uses it, a file cannot be read, or it was written for another region.
    """

    def __init__(self, path: Path, region: str) -> None:
        self.path = path
        self.region = region
        self.aws = path / "aws"
        self.objects = path / "s3"
        self._ses = path / "ses.json"
        self._mails = _Mails()
        self._written: int | None = None
        self._parts: dict[str, dict[str, Any]] = {}
        self._lock = _locked(path)
        try:
            self._check()
        except StateError:
            self.close()
            raise

    def _check(self) -> None:
        for file in sorted(self.aws.glob("*.json")):
            _read(file)
        self.load()

    def load(self) -> tuple[State, list[tuple[int, int]]] | None:
        """SES's state and the recipients sent to by minute; None where nothing was kept yet."""
        if not self._ses.exists():
            return None
        kept = _read(self._ses)
        if kept.get("format") != FORMAT or kept.get("version") != VERSION:
            found = f"{kept.get('format')!r}, version {kept.get('version')!r}"
            raise StateError(f"{self._ses} has the format {found}; this local cloud reads version {VERSION}. {_ADVICE}")
        if kept["region"] != self.region:
            raise StateError(
                f"{self.path} was written in region {kept['region']}, not {self.region}. Start with --region "
                f"{kept['region']}, or name another folder."
            )
        try:
            state = cast("State", _decoded(kept["state"]))
            for mail in kept["mails"]:
                state.messages.add(_decoded(mail))
            return state, [(int(m), int(n)) for m, n in kept["sent"]]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise unreadable(self._ses, repr(error)) from error

    def text(self, state: State, sent: list[tuple[int, int]]) -> str:
        """SES's state as it is written; `sent` are the recipients by minute. Costs only what is new since the last."""
        kept = {"format": FORMAT, "version": VERSION, "region": state.region, "state": _encoded(state), "sent": sent}
        mails = ",\n".join(self._mails.texts(state.messages))
        return f'{json.dumps(kept)[:-1]},\n"mails": [\n{mails}\n]}}\n'

    def write(self, text: str) -> None:
        """Put a text in the place of the last, unless it is the same."""
        if hash(text) != self._written:
            _replace(self._ses, text)
            self._written = hash(text)

    def restore_part(self, name: str, restore: Callable[[dict[str, Any]], None]) -> None:
        """Hand on what `write_part` wrote, if it did.

        Raises:
            StateError: It cannot be read.
        """
        file = self.path / f"{name}.json"
        if not file.exists():
            return
        kept = _read(file)
        try:
            restore(kept)
        except ValueError as error:
            raise unreadable(file, error) from error
        self._parts[name] = kept

    def write_part(self, name: str, value: dict[str, Any]) -> None:
        """Put what a small service knows in a file of its own, unless it is there already."""
        if self._parts.get(name) != value:
            _replace(self.path / f"{name}.json", json.dumps(value))
            self._parts[name] = value

    def close(self) -> None:
        """Let another use it."""
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_ADVICE = "Nothing was changed. Restore the file from a copy, move it away to start without it, or name another folder."


def unreadable(file: Path, problem: object) -> StateError:
    """The error for a file that cannot be read, with what to do."""
    return StateError(f"{file} cannot be read: {problem}. {_ADVICE}")


def _locked(path: Path) -> IO[str]:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)  # mails and secrets are in it
        lock = (path / "lock").open("w")
    except OSError as error:
        raise StateError(f"{path} cannot hold state: {error.strerror}. Name another folder.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StateError(f"{path} is used by another local cloud. Stop it, or name another folder.") from error
    return lock


def _replace(file: Path, text: str) -> None:
    beside = file.with_suffix(".new")
    with beside.open("w") as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    beside.replace(file)


def _read(file: Path) -> dict[str, Any]:
    try:
        content: object = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise unreadable(file, error) from error
    if not isinstance(content, dict):
        raise unreadable(file, "it holds no JSON object")
    return cast("dict[str, Any]", content)


# Values of Python as JSON: an object whose only key begins with the mark stands for what JSON has no word for.


def _records(module: ModuleType) -> dict[str, type]:
    return {n: t for n, t in vars(module).items() if isinstance(t, type) and dataclasses.is_dataclass(t)}


_RECORDS = _records(records)


def _encoded(value: object) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    kind = next(kind for kind in _ENCODE if isinstance(value, kind)) if not dataclasses.is_dataclass(value) else None
    return _ENCODE[kind](value) if kind else _record(value)


def _record(value: object) -> dict[str, Any]:
    name = type(value).__name__
    if _RECORDS.get(name) is not type(value):
        raise TypeError(f"{name} is no record of SES's state.")
    fields = dataclasses.fields(cast("Any", value))
    return {f"{_MARK}{name}": {field.name: _encoded(getattr(value, field.name)) for field in fields}}


def _mapping(value: Mapping[object, object]) -> Any:
    plain = all(isinstance(key, str) and not key.startswith(_MARK) for key in value)
    if plain:
        return {cast("str", key): _encoded(item) for key, item in value.items()}
    return {"$dict": [[_encoded(key), _encoded(item)] for key, item in value.items()]}


_ENCODE: dict[type, Callable[[Any], Any]] = {
    dict: _mapping,
    list: lambda value: [_encoded(item) for item in value],
    tuple: lambda value: {"$tuple": [_encoded(item) for item in value]},
    set: lambda value: {"$set": [_encoded(item) for item in value]},
    datetime: lambda value: {"$datetime": value.isoformat()},
    bytes: lambda value: {"$bytes": base64.b64encode(value).decode()},
    # Mails stand beside the state, one a line.
    Messages: lambda _: {"$messages": []},
}
_DECODE: dict[str, Callable[[Any], Any]] = {
    "$dict": lambda value: {_decoded(key): _decoded(item) for key, item in value},
    "$tuple": lambda value: tuple(_decoded(item) for item in value),
    "$set": lambda value: {_decoded(item) for item in value},
    "$datetime": datetime.fromisoformat,
    "$bytes": base64.b64decode,
    "$messages": lambda _: Messages(),
}


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Any]", value)
    name = next(iter(members), "")
    if not name.startswith(_MARK):
        return {key: _decoded(item) for key, item in members.items()}
    if name in _DECODE:
        return _DECODE[name](members[name])
    return _RECORDS[name.removeprefix(_MARK)](**{key: _decoded(item) for key, item in members[name].items()})


class _Mails:
    """Each mail as text, made once and again when more has happened to it."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[int, str]] = {}

    def texts(self, messages: Messages) -> list[str]:
        """The newest mails that fit, the oldest of them first."""
        known, size = dict[str, tuple[int, str]](), 0
        for message in messages.newest(len(messages)):
            size += message.size
            if known and size > KEPT_BYTES:
                break
            found = self._texts.get(message.message_id)
            if found is None or found[0] != len(message.happenings):
                found = len(message.happenings), json.dumps(_encoded(message))
            known[message.message_id] = found
        self._texts = known
        return [text for _, text in reversed(known.values())]
