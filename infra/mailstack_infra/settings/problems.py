"""Messages about invalid settings, by the keys of a stack's file or the arguments of a program.

Not for the settings themselves (`model.py`) or for reading them (`loading.py`).
"""

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_args, get_origin

import pulumi
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from mailstack_infra.settings.marks import NAMESPACE, Allowed, Gone, Hidden
from mailstack_infra.settings.secret import Secret

Location = tuple[int | str, ...]


class SettingsInvalid(pulumi.RunError):
    """The settings cannot be deployed; nothing was registered. Pulumi shows the message without a traceback."""


class Spelling(NamedTuple):
    """How settings are written in one place, and the commands that change them there; `{}` is the setting."""

    camel: bool
    key: str = "{}"
    set: str = ""
    remove: str = ""

    def name(self, name: str, field: FieldInfo) -> str:
        """The name of a setting."""
        return str(field.alias) if self.camel else name


FILE = Spelling(
    camel=True,
    key=f"{NAMESPACE}:{{}}",
    set=f" Set it: pulumi config set --path '{NAMESPACE}:{{}}' VALUE",
    remove=f" Remove it: pulumi config rm --path '{NAMESPACE}:{{}}'",
)
PROGRAM = Spelling(camel=False)


def invalid(what: str, problems: Sequence[str]) -> SettingsInvalid:
    """One error that lists all problems."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    listed = "\n".join(f"  {problem}" for problem in problems)
    return SettingsInvalid(f"{what} has {count}; nothing was deployed.\n{listed}")


def wrong_arguments(model: type[BaseModel], error: ValidationError) -> SettingsInvalid:
    """The error for wrong arguments of a group of settings."""
    return invalid(model.__name__, worded(error, model, PROGRAM))


def worded(
    error: ValidationError, model: type[BaseModel], spelling: Spelling, hidden: Collection[str] = ()
) -> list[str]:
    """Each problem that pydantic found, as a sentence.

    Args:
        error: The problems.
        model: The group of settings that was validated.
        spelling: How the settings are written.
        hidden: Top-level keys whose values are encrypted and must not be shown.
    """
    return [_problem(details, model, spelling, hidden) for details in error.errors(include_url=False)]


def allowed(location: Location, model: type[BaseModel]) -> str:
    """The allowed values of a setting, in words."""
    words = ""
    for field in _fields(location, model):
        words = next((item.words for item in field.metadata if isinstance(item, Allowed)), words)
    return words


def model_of(annotation: object) -> type[BaseModel] | None:
    """The group of settings in a field: its type, or the type of its values."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) is dict:
        return model_of(get_args(annotation)[1])
    return None


def is_group(field: FieldInfo) -> bool:
    """Whether a field is one group of settings, not a mapping of groups by name."""
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _walk(location: Location, model: type[BaseModel]) -> Iterator[tuple[int | str, tuple[str, FieldInfo] | None]]:
    """The parts of a location, each with its field and its name; indexes and names that users choose have none."""
    group: type[BaseModel] | None = model
    own = False
    for part in location:
        fields = group.model_fields if group and not own else {}
        found = next(((name, field) for name, field in fields.items() if part in (name, field.alias)), None)
        yield part, found
        if found:
            group = model_of(found[1].annotation)
            own = group is not None and not is_group(found[1])
        else:
            group, own = (group if own else None), False


def _fields(location: Location, model: type[BaseModel]) -> list[FieldInfo]:
    return [found[1] for _, found in _walk(location, model) if found]


def _written(location: Location, model: type[BaseModel], spelling: Spelling) -> list[int | str]:
    """The parts of a location as they are written."""
    return [spelling.name(*found) if found else part for part, found in _walk(location, model)]


def _path(parts: Sequence[int | str]) -> str:
    """A location in the form of `pulumi config --path`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def _problem(details: ErrorDetails, model: type[BaseModel], spelling: Spelling, hidden: Collection[str]) -> str:
    location, kind = details["loc"], details["type"]
    fields, parts = _fields(location, model), _written(location, model, spelling)
    key, path = spelling.key.format(".".join(map(str, parts))), _path(parts)
    if kind == "extra_forbidden":
        return f"{key}: unknown setting.{_suggestion(location, model, spelling)}{spelling.remove.format(path)}"
    empty = kind == "missing" or details["input"] in ("", (), [])
    secret = (fields and fields[0].alias in hidden) or any(
        isinstance(mark, Hidden) for field in fields for mark in field.metadata
    )
    secret = secret or isinstance(details["input"], Secret)
    found = "nothing" if empty else "a secret" if secret else repr(details["input"])
    reason = _reason(details) if kind == "value_error" else ""
    # Some reasons quote the value after a colon.
    why = f", but {reason.partition(': ')[0] if secret else reason}" if reason else ""
    return f"{key}: found {found}{why}; allowed: {allowed(location, model)}.{spelling.set.format(path)}"


def _reason(details: ErrorDetails) -> str:
    context: dict[str, Any] = details.get("ctx", {})
    return str(context["error"])


def _suggestion(location: Location, model: type[BaseModel], spelling: Spelling) -> str:
    groups = [model, *(group for field in _fields(location, model) if (group := model_of(field.annotation)))]
    removed: Mapping[str, Gone] = getattr(groups[-1], "gone", {})
    if gone := removed.get(str(location[-1])):
        return f" {gone.why[0].upper()}{gone.why[1:]}."
    known = [spelling.name(name, field) for name, field in groups[-1].model_fields.items()]
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f" Did you mean {close[0]}?" if close else f" There are: {', '.join(known)}."
