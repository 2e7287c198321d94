"""The inputs of resources of `pulumi_aws`, read from the installed wheel: names, required flags, kinds, nested types.

Pulumi's own mocks check none of this, and a misspelt key in a nested dict passes the SDK in silence. Not for the values
that AWS accepts: the service judges those.
"""

import difflib
import enum
import importlib
import importlib.metadata
import inspect
import keyword
import threading
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, Union, cast, get_args, get_origin

import pulumi
from pulumi import _types  # pyright: ignore[reportPrivateUsage] - the only reader of the SDK's own type records

from mailstack_localcloud.pulumi import wire

PROVIDER = "pulumi:providers:aws"
# pulumi_aws loads its modules when they are first used, which two threads must not do at once.
_LAZY = threading.RLock()
_PRIMITIVES: dict[type, tuple[type, ...]] = {str: (str,), bool: (bool,), int: (int, float), float: (int, float)}


class UnknownTokenError(LookupError):
    """The installed pulumi_aws has no resource of that name."""


class Problem(NamedTuple):
    """One thing wrong with the inputs of a resource."""

    path: str
    reason: str


@dataclass(frozen=True)
class Field:
    """One input: whether it must be given, and its Python type with `Input`, `Optional` and `Output` taken off."""

    required: bool
    type: object


def version() -> str:
    """The version of the installed pulumi_aws, which is the version of the official provider that it belongs to."""
    return importlib.metadata.version("pulumi_aws")


def problems(token: str, inputs: Mapping[str, object]) -> list[str]:
    """Check a resource's inputs against the installed wheel.

    Unknown values and secrets are allowed anywhere; assets and archives are not checked.

    Args:
        token: The resource's type, such as `aws:sns/topic:Topic`, or `pulumi:providers:aws`.
        inputs: Inputs under Pulumi's own (camelCase) names, as a mock or a plugin receives them.

    Returns:
        One sentence for each problem; none when all is well.

    Raises:
        UnknownTokenError: The wheel has no such resource.

    Example:
        >>> problems("aws:sns/topic:Topic", {"displayname": "x"})
        ["displayname: no such input; did you mean 'displayName'?"]
    """
    return [f"{problem.path}: {problem.reason}" for problem in check(token, inputs)]


def check(token: str, inputs: Mapping[str, object]) -> list[Problem]:
    """The same as `problems`, with the path of each apart."""
    with _LAZY:
        return _check_object(inputs_of(token), inputs, "")


def inputs_of(token: str) -> dict[str, Field]:
    """Every input of a resource, by its Pulumi name.

    Raises:
        UnknownTokenError: The wheel has no such resource.
    """
    with _LAZY:
        return _fields(_args_class(token))


def members_of(kind: object) -> dict[str, Field]:
    """Every member of an input that is an object, or a list of objects; none of any other."""
    (inside,) = map(_bare, get_args(kind)) if get_origin(kind) is Sequence else (kind,)
    with _LAZY:
        return _fields(inside) if isinstance(inside, type) and _types.is_input_type(inside) else {}


@cache
def _args_class(token: str) -> type:
    module_name, class_name = ("", "Provider") if token == PROVIDER else _split(token)
    try:
        module = importlib.import_module(f"pulumi_aws.{module_name}".rstrip("."))
    except ModuleNotFoundError as error:
        raise UnknownTokenError(f"pulumi_aws {version()} has no module for {token}.") from error
    for name in (f"{class_name}Args", f"{class_name}InitArgs"):
        if hasattr(module, name):
            return cast("type", getattr(module, name))
    raise UnknownTokenError(f"pulumi_aws {version()} has no resource {token}.")


def _split(token: str) -> tuple[str, str]:
    package, path, class_name = (*token.split(":"), "", "")[:3]
    if package != "aws" or not class_name:
        raise UnknownTokenError(f"{token!r} is not a resource of pulumi_aws; one looks like aws:sns/topic:Topic.")
    service = path.split("/", 1)[0]
    service = "" if service == "index" else service
    return service + "_" * keyword.iskeyword(service), class_name


@cache
def _fields(args: type) -> dict[str, Field]:
    types = cast("dict[str, object]", _types.input_type_types(args))
    parameters = inspect.signature(args.__init__).parameters
    names = _types.input_type_py_to_pulumi_names(args)
    return {
        name: Field(required=parameters[python].default is inspect.Parameter.empty, type=_bare(types[name]))
        for python, name in names.items()
    }


def _bare(kind: object) -> object:
    """`Input[Optional[X]]` without its wrappers.

    A union with an enum is one without it, as the enum only suggests values; other unions are a tuple of what they
    allow.
    """
    if get_origin(kind) is not Union:
        return kind
    members = tuple(_bare(member) for member in get_args(kind) if not _is_wrapper(member))
    return members[0] if len(members) == 1 else members


def _is_wrapper(member: object) -> bool:
    if isinstance(member, type):
        return member is type(None) or issubclass(member, enum.Enum)
    return get_origin(member) in (Awaitable, pulumi.Output) or isinstance(member, str)


def _check_object(fields: Mapping[str, Field], value: Mapping[str, object], path: str) -> list[Problem]:
    found: list[Problem] = []
    for name in value:
        if name not in fields and not name.startswith("__"):
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(fields))}"
            found.append(Problem(f"{path}{name}", f"no such input{hint}"))
    for name, field in fields.items():
        given = value.get(name)
        if given is not None:
            found.extend(_check_value(field.type, given, f"{path}{name}"))
        elif field.required:
            found.append(Problem(f"{path}{name}", "required"))
    return found


def _check_value(kind: object, value: object, path: str) -> list[Problem]:
    value = _without_secret(value)
    if value is None or _is_opaque(value):
        return []
    if isinstance(kind, tuple):
        allowed = cast("tuple[object, ...]", kind)
        return min((_check_value(member, value, path) for member in allowed), key=len)
    if get_origin(kind) is Sequence:
        return _check_list(kind, value, path)
    if get_origin(kind) is Mapping:
        return _check_map(kind, value, path)
    return _check_single(kind, value, path) if isinstance(kind, type) else []


def _check_list(kind: object, value: object, path: str) -> list[Problem]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return [Problem(path, f"expected a list, got {_name(value)}")]
    (member,) = map(_bare, get_args(kind))
    items = cast("Sequence[object]", value)
    return [p for index, item in enumerate(items) for p in _check_value(member, item, f"{path}[{index}]")]


def _check_map(kind: object, value: object, path: str) -> list[Problem]:
    if not isinstance(value, Mapping):
        return [Problem(path, f"expected a map, got {_name(value)}")]
    member = _bare(get_args(kind)[1])
    items = cast("Mapping[str, object]", value)
    return [p for key, item in items.items() for p in _check_value(member, item, f"{path}.{key}")]


def _check_single(kind: type, value: object, path: str) -> list[Problem]:
    if _types.is_input_type(kind):
        if not isinstance(value, Mapping):
            return [Problem(path, f"expected an object, got {_name(value)}")]
        return _check_object(_fields(kind), cast("Mapping[str, object]", value), f"{path}.")
    return _check_primitive(kind, value, path)


def _check_primitive(kind: type, value: object, path: str) -> list[Problem]:
    accepted = _PRIMITIVES.get(cast("type[object]", kind))
    if accepted is None:
        return []
    fits = isinstance(value, accepted) and (kind is bool or not isinstance(value, bool))
    if kind is int and isinstance(value, float):
        fits = fits and value.is_integer()
    return [] if fits else [Problem(path, f"expected {kind.__name__}, got {_name(value)}")]


def _without_secret(value: object) -> object:
    while wire.signature(value) == wire.SECRET:
        value = cast("Mapping[str, object]", value).get("value")
    return value


def _is_opaque(value: object) -> bool:
    """Unknown values, assets, archives and resources: nothing to judge yet, or not ours to judge."""
    return (
        value in (wire.UNKNOWN, pulumi.UNKNOWN)
        or wire.signature(value) is not None
        or isinstance(value, (pulumi.Asset, pulumi.Archive, pulumi.Resource, pulumi.Output))
    )


def _name(value: object) -> str:
    return type(value).__name__
