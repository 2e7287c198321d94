"""Pulumi's wire form of property values: JSON with signed envelopes for what JSON has no word for.

The one place that touches protobuf structs. Values are plain dicts, lists and scalars everywhere else.
The signatures are those of `sdk/go/common/resource/properties.go` in pulumi/pulumi.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from google.protobuf import json_format, struct_pb2

Props: TypeAlias = dict[str, Any]
"""Property values under Pulumi's names, in wire form."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of the protocol, not a secret
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"


def plain(struct: struct_pb2.Struct | None) -> Props:
    """A struct as plain values; whole numbers become `int`, as protobuf knows only doubles."""
    return {} if struct is None else cast("Props", _whole(json_format.MessageToDict(struct)))


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Plain values as a struct. A member that is None is left out."""
    message = struct_pb2.Struct()
    message.update({name: value for name, value in values.items() if value is not None})
    return message


def obj(value: Any) -> Props:
    """An object, or an empty one where there is none."""
    return cast("Props", value) if isinstance(value, dict) else {}


def signature(value: object) -> object:
    """Which kind of envelope a value is, or None."""
    return cast("Mapping[str, object]", value).get(SIGNATURE) if isinstance(value, Mapping) else None


def bare(value: Any) -> Any:
    """A value without the envelopes of secrets and outputs, however deep; an output without a value is unknown."""
    if signature(value) in (SECRET, OUTPUT):
        return bare(value.get("value", UNKNOWN))
    if signature(value) == RESOURCE:
        return value.get("id", value["urn"])
    return _map(value, bare)


def is_secret(value: Any) -> bool:
    """Whether there is a secret in a value, however deep."""
    if signature(value) == SECRET or (signature(value) == OUTPUT and value.get("secret")):
        return True
    return any(map(is_secret, _members(value)))


def is_unknown(value: Any) -> bool:
    """Whether there is an unknown in a value, however deep."""
    return value == UNKNOWN or any(map(is_unknown, _members(value)))


def secret(value: object) -> Props:
    """A value in a secret's envelope."""
    return {SIGNATURE: SECRET, "value": value}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else _map(value, _whole)


def _map(value: Any, function: Any) -> Any:
    if isinstance(value, dict):
        return {key: function(member) for key, member in cast("Props", value).items()}
    return [function(member) for member in cast("list[Any]", value)] if isinstance(value, list) else value


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(cast("Props", value).values())
    return cast("list[Any]", value) if isinstance(value, list) else []
