"""SES's state as the text of a file, readable JSON, and back. Decides nothing about SES.

A value that JSON has no type for is an object whose only key begins with `$`: `{"$datetime": "…"}`, and a record of
`ses.state` is `{"$Identity": {…}}`.
"""

import base64
import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from mailstack_localcloud.ses import state as records
from mailstack_localcloud.ses.state import Messages, State
from mailstack_localcloud.state_folder import ADVICE, StateError, StateFolder, unreadable

FORMAT = "mailstack local cloud: SES"
VERSION = 1
# The newest mails up to this many bytes are kept across restarts; base64 makes the file a third larger.
KEPT_BYTES = 64 * 1024 * 1024
_NAME = "ses"
_MARK = "$"


class SavedState:
    """SES's file in a state folder.

    Args:
        folder: The folder.
        region: The region that SES is emulated in; ARNs and DKIM tokens in the state belong to it.
    """

    def __init__(self, folder: StateFolder, region: str) -> None:
        self._folder = folder
        self._region = region
        self._mails = _MailTexts()

    def load(self) -> tuple[State, list[tuple[int, int]]] | None:
        """SES's state, and the number of recipients by minute; None if nothing was saved yet.

        Raises:
            StateError: The file cannot be read, or it was written for another region.
        """
        saved = self._folder.read(_NAME)
        if saved is None:
            return None
        file = self._folder.file(_NAME)
        _check(file, saved, self._region)
        try:
            state = cast("State", _decoded(saved["state"]))
            for mail in saved["mails"]:
                state.messages.add(_decoded(mail))
            return state, [(int(m), int(n)) for m, n in saved["sent"]]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise unreadable(file, repr(error)) from error

    def text(self, state: State, sent: list[tuple[int, int]]) -> str:
        """The file's new text. Encodes only the mails that are new or changed since the last call.

        Args:
            state: SES's state.
            sent: The number of recipients by minute.
        """
        saved = {"format": FORMAT, "version": VERSION, "region": state.region, "state": _encoded(state), "sent": sent}
        mails = ",\n".join(self._mails.update(state.messages))
        return f'{json.dumps(saved)[:-1]},\n"mails": [\n{mails}\n]}}\n'

    def write(self, text: str) -> None:
        """Replace the file, unless it holds this text already.

        Raises:
            OSError: It cannot be written.
        """
        self._folder.write(_NAME, text)


def _check(file: Path, saved: Mapping[str, Any], region: str) -> None:
    if saved.get("format") != FORMAT or saved.get("version") != VERSION:
        found = f"{saved.get('format')!r}, version {saved.get('version')!r}"
        raise StateError(f"{file} has the format {found}; this local cloud reads version {VERSION}. {ADVICE}")
    if saved.get("region") != region:
        raise StateError(
            f"{file.parent} was written in region {saved.get('region')}, not {region}. Start with --region "
            f"{saved.get('region')}, or choose another folder."
        )


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
        raise TypeError(f"{name} is not a record of SES's state.")
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
    # Mails are beside the state, one a line.
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
# Files that were written before a record or a field was renamed still load.
_FORMER_RECORDS = {"Happening": "Occurrence"}
_FORMER_FIELDS = {"happenings": "occurrences"}


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
    record = name.removeprefix(_MARK)
    given = cast("dict[str, Any]", members[name])
    fields = {_FORMER_FIELDS.get(key, key): _decoded(item) for key, item in given.items()}
    return cast("Any", _RECORDS[_FORMER_RECORDS.get(record, record)])(**fields)


class _MailTexts:
    """The text of each mail, encoded once, and again when more events of it were recorded."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[int, str]] = {}

    def update(self, messages: Messages) -> list[str]:
        """The texts of the newest mails that fit, the oldest of them first."""
        known, size = dict[str, tuple[int, str]](), 0
        for message in messages.newest(len(messages)):
            size += message.size
            if known and size > KEPT_BYTES:
                break
            found = self._texts.get(message.message_id)
            if found is None or found[0] != len(message.occurrences):
                found = len(message.occurrences), json.dumps(_encoded(message))
            known[message.message_id] = found
        self._texts = known
        return [text for _, text in reversed(known.values())]
