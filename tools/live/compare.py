"""Compares a recording of AWS's answers with what the local cloud answers to the same run.

Members, their types, error codes and error texts are compared, not values.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from tools.live.recording import EVENTS, FILE, Recorder, shape


class Recorded(NamedTuple):
    """A recording.

    Attributes:
        members: The members of answers, by operation or `event TYPE`.
        errors: Error texts, by operation and code.
    """

    members: dict[str, set[str]]
    errors: dict[tuple[str, str], set[str]]


class RecordingError(Exception):
    """A folder holds no recording; the message says what is wrong with it."""


def read(folder: Path) -> Recorded:
    """Read what `Recorder.write` wrote.

    Raises:
        RecordingError: The folder holds no recording.
    """
    try:
        answers, events = (json.loads((folder / name).read_text(encoding="utf-8")) for name in (FILE, EVENTS))
        return _recorded(cast("list[Mapping[str, Any]]", answers), cast("Mapping[str, object]", events))
    except OSError as error:
        raise RecordingError(f"{error.filename} cannot be read: {error.strerror}. `--record` writes it.") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RecordingError(f"{folder} holds no recording: {error}. `--record` writes one.") from error


def heard(recorder: Recorder) -> Recorded:
    """What a recorder heard in this run."""
    return _recorded(recorder.answers, recorder.events)


def _recorded(answers: "Iterable[Mapping[str, Any]]", events: "Mapping[str, object]") -> Recorded:
    members: dict[str, set[str]] = defaultdict(set)
    errors: dict[tuple[str, str], set[str]] = defaultdict(set)
    for answer in answers:
        operation = str(answer["operation"])
        members[operation] |= set(shape(answer["answer"]))
        if error := answer.get("error"):
            errors[operation, str(error["Code"])].add(str(error["Message"]))
    for kind, event in events.items():
        members[f"event {kind}"] |= set(shape(event))
    return Recorded(dict(members), dict(errors))


def differences(aws: Recorded, local: Recorded) -> Iterator[str]:
    """What differs, a sentence each. Operations that only one of them was asked are left out."""
    for name in sorted(aws.members.keys() & local.members.keys()):
        for member in sorted(aws.members[name] - local.members[name]):
            yield f"{name}: AWS answers {member}, the local cloud does not."
        for member in sorted(local.members[name] - aws.members[name]):
            yield f"{name}: the local cloud answers {member}, AWS does not."
    for name, code in sorted(aws.errors.keys() ^ local.errors.keys()):
        if name in aws.members and name in local.members:
            here, there = ("AWS", "the local cloud") if (name, code) in aws.errors else ("the local cloud", "AWS")
            yield f"{name}: {here} refuses with {code}, {there} does not."
    for name, code in sorted(aws.errors.keys() & local.errors.keys()):
        for text in sorted(aws.errors[name, code] - local.errors[name, code]):
            yield f"{name}: AWS's text of {code} is another one: {text}"
