"""From Pulumi's configuration to `Settings`, and every problem with it in one message.

Not for what a setting means (`settings/`).
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast, get_args, get_origin

import pulumi
from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from mailstack_infra.settings.base import NAMESPACE, Allowed, Hidden
from mailstack_infra.settings.model import Settings

# Part of the names of resources; Lambda's and IAM's are the shortest, 64 characters with our own parts of them.
STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,29}\Z")

_OPEN_KEY = (
    f"{NAMESPACE}:dkim.privateKey: found a key that everybody can read; allowed: an encrypted one. Make a new key, and "
    f"set it: pulumi config set --secret --path '{NAMESPACE}:dkim.privateKey' < key.pem"
)

Location = tuple[int | str, ...]


class SettingsInvalid(pulumi.RunError):
    """The configuration cannot be deployed; nothing was registered. Pulumi shows it without a traceback."""


def read(stack: str, config: Mapping[str, str], secret: Iterable[str] = ()) -> Settings:
    """Read a stack's configuration.

    Args:
        stack: The stack's name, which becomes part of the names of resources.
        config: Every key of the stack's configuration with its namespace; the others' are passed over. What is not
            text is JSON, as Pulumi passes it.
        secret: Keys whose values are encrypted and must not be shown.

    Raises:
        SettingsInvalid: Something is wrong; the message names each problem with its key, what was found, what is
            allowed, and the command that sets it.
    """
    prefix = f"{NAMESPACE}:"
    values = {key.removeprefix(prefix): _decoded(value) for key, value in config.items() if key.startswith(prefix)}
    problems = _stack_problems(stack)
    hidden = {key.removeprefix(prefix) for key in secret}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [_problem(details, hidden) for details in error.errors(include_url=False)]
    else:
        if settings.dkim.private_key and "dkim" not in hidden:
            problems.append(_OPEN_KEY)
        if not problems:
            return settings
    raise _invalid(f"Pulumi.{stack}.yaml", problems)


def check_stack_name(stack: str) -> None:
    """See that a stack's name can be part of the names of resources.

    Raises:
        SettingsInvalid: It cannot.
    """
    if problems := _stack_problems(stack):
        raise _invalid("The program", problems)


def allowed(location: Location) -> str:
    """What may stand at a place in the settings, in words."""
    words = ""
    for _, field in _walk(location):
        words = next((item.words for item in field.metadata if isinstance(item, Allowed)), words)
    return words


def model_of(annotation: object) -> type[BaseModel] | None:
    """The group of settings that a field holds, or holds many of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) is dict:
        return model_of(get_args(annotation)[1])
    return None


def is_group(field: FieldInfo) -> bool:
    """Whether a field is one group of settings, rather than many under names of their own."""
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _decoded(value: str) -> object:
    if not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return cast("object", json.loads(value))
    except ValueError:
        return value


def _walk(location: Location) -> Iterable[tuple[str, FieldInfo]]:
    """The fields from the settings down to a place in them, by their keys in the file."""
    model: type[BaseModel] | None = Settings
    parts = iter(location)
    for part in parts:
        field = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None) if model else None
        if not field:
            return
        yield str(field.alias), field
        model = model_of(field.annotation)
        if model and not is_group(field):
            next(parts, None)  # many of a kind: a name of the user's own follows


def _problem(details: ErrorDetails, hidden: set[str]) -> str:
    location, kind = details["loc"], details["type"]
    if kind == "value_error" and isinstance(location[-1], str):
        location = (*location[:-1], to_camel(location[-1]))  # a default's place is told by the field's own name
    names = [str(part) for part in location]
    key, path = f"{NAMESPACE}:{'.'.join(names)}", f"'{NAMESPACE}:{_path(location)}'"
    if kind == "extra_forbidden":
        return f"{key}: there is no such setting.{_meant(location)} Remove it: pulumi config rm --path {path}"
    empty = kind == "missing" or details["input"] in ("", (), [])
    secret = names[0] in hidden or any(
        isinstance(mark, Hidden) for _, field in _walk(location) for mark in field.metadata
    )
    found = "nothing" if empty else "a secret" if secret else repr(details["input"])
    why = f", but {_reason(details)}" if kind == "value_error" else ""
    return f"{key}: found {found}{why}; allowed: {allowed(location)}. Set it: pulumi config set --path {path} VALUE"


def _reason(details: ErrorDetails) -> str:
    context: dict[str, Any] = details.get("ctx", {})
    return str(context["error"])


def _path(location: Location) -> str:
    """The place as `pulumi config --path` takes it."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def _meant(location: Location) -> str:
    models = [Settings, *(model for _, field in _walk(location) if (model := model_of(field.annotation)))]
    known = [str(field.alias) for field in models[-1].model_fields.values()]
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f" Did you mean {close[0]}?" if close else f" There are: {', '.join(known)}."


def _stack_problems(stack: str) -> list[str]:
    if STACK_NAME.match(stack):
        return []
    problem = (
        f"the stack's name: found {stack!r}; allowed: at most 30 letters, digits and hyphens, for it becomes part of "
        "the names of resources. Rename it: pulumi stack rename NAME"
    )
    return [problem]


def _invalid(what: str, problems: Sequence[str]) -> SettingsInvalid:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    listed = "\n".join(f"  {problem}" for problem in problems)
    return SettingsInvalid(f"{what} has {count}; nothing was deployed.\n{listed}")
