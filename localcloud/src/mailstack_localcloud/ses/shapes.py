"""Converts and validates JSON by botocore's shapes, in both directions. Knows nothing of SES.

A shape is compiled once, into functions closed over what they need of it: walking botocore's model for
each request would take longer than the rest of a send.
"""

import base64
import binascii
import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

_Convert = Callable[[Any], Any]
_Leaf = Callable[[Shape], _Convert]


class ShapeError(Exception):
    """A value does not have the shape that the service model gives it. The text begins with the member's path."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = ""

    def inside(self, step: str) -> "ShapeError":
        """The same error, seen from one level further out."""
        joint = "." if self.path and not self.path.startswith("[") else ""
        self.path = f"{step}{joint}{self.path}"
        return self

    def __str__(self) -> str:
        return f"{self.path or 'the value'} {self.problem}"


def read(shape: Shape, value: object) -> Any:
    """A client's input as Python values: blobs as bytes, timestamps as datetimes; unknown members are ignored.

    Raises:
        ShapeError: The value does not fit.
    """
    return _reader(shape)(value)


def write(shape: Shape, value: object) -> Any:
    """A handler's output as JSON values; members that are None are left out.

    Raises:
        ShapeError: The value does not fit, or holds a member that the shape does not have.
    """
    return _writer(shape)(value)


@functools.cache
def _reader(shape: Shape) -> _Convert:
    return _compile(shape, _READ, _reader)


@functools.cache
def _writer(shape: Shape) -> _Convert:
    return _compile(shape, _WRITE, _writer)


def _compile(shape: Shape, leaves: dict[str, _Leaf], inner: Callable[[Shape], _Convert]) -> _Convert:
    if isinstance(shape, StructureShape):
        return _structure(shape, inner, strict=leaves is _WRITE)
    if isinstance(shape, ListShape):
        return _list(shape, inner)
    if isinstance(shape, MapShape):
        return _map(shape, inner)
    return leaves[shape.type_name](shape)


def _structure(shape: StructureShape, inner: Callable[[Shape], _Convert], *, strict: bool) -> _Convert:
    members = {name: inner(member) for name, member in shape.members.items()}
    required, one_of = tuple(shape.required_members), bool(shape.is_tagged_union)

    def convert(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ShapeError("must be an object")
        converted: dict[str, Any] = {}
        for name, item in cast("dict[str, Any]", value).items():
            member = members.get(name)
            if member and item is not None:
                try:
                    converted[name] = member(item)
                except ShapeError as error:
                    raise error.inside(name) from None
            elif strict and item is not None:
                raise ShapeError(f"has no member {name}")
        for name in required:
            if name not in converted:
                raise ShapeError(f"lacks {', '.join(one for one in required if one not in converted)}")
        if one_of and len(converted) != 1:
            raise ShapeError(f"must have exactly one of {', '.join(members)}")
        return converted

    return convert


def _list(shape: ListShape, inner: Callable[[Shape], _Convert]) -> _Convert:
    member, check_length = inner(shape.member), _bounds(shape)

    def convert(value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise ShapeError("must be a list")
        items = cast("list[Any]", value)
        if check_length:
            check_length(len(items))
        converted: list[Any] = []
        for item in items:
            try:
                converted.append(member(item))
            except ShapeError as error:
                raise error.inside(f"[{len(converted)}]") from None
        return converted

    return convert


def _map(shape: MapShape, inner: Callable[[Shape], _Convert]) -> _Convert:
    name, member, check_length = inner(shape.key), inner(shape.value), _bounds(shape)

    def convert(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ShapeError("must be an object")
        items = cast("dict[str, Any]", value)
        if check_length:
            check_length(len(items))
        converted: dict[str, Any] = {}
        for key, item in items.items():
            try:
                converted[name(key)] = member(item)
            except ShapeError as error:
                raise error.inside(key) from None
        return converted

    return convert


def _string(shape: Shape) -> _Convert:
    allowed, check_length = frozenset(cast("StringShape", shape).enum), _bounds(shape)
    choices = ", ".join(cast("StringShape", shape).enum)

    def convert(value: Any) -> str:
        if not isinstance(value, str):
            raise ShapeError("must be a string")
        if allowed and value not in allowed:
            raise ShapeError(f"must be one of {choices}")
        if check_length:
            check_length(len(value))
        return value

    return convert


def _integer(shape: Shape) -> _Convert:
    check_size = _bounds(shape)

    def convert(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ShapeError("must be an integer")
        if check_size:
            check_size(value)
        return value

    return convert


def _bounds(shape: Shape) -> Callable[[int], None] | None:
    """A check of a size; None where any will do."""
    low, high = (cast("int | None", shape.metadata.get(bound)) for bound in ("min", "max"))
    if low is None and high is None:
        return None

    def check(size: int) -> None:
        if low is not None and size < low:
            raise ShapeError(f"is below its minimum of {low}")
        if high is not None and size > high:
            raise ShapeError(f"is above its maximum of {high}")

    return check


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ShapeError("must be true or false")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ShapeError("must be a number")
    return float(value)


def _read_blob(value: object) -> bytes:
    if not isinstance(value, str):
        raise ShapeError("must be base64 text")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ShapeError("must be base64 text") from error


def _write_blob(value: object) -> str:
    if not isinstance(value, bytes):
        raise ShapeError("must be bytes")
    return base64.b64encode(value).decode()


def _read_timestamp(value: object) -> datetime:
    """Epoch seconds, or ISO 8601 as clients send it in a query string."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        parsed = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError) as error:
        raise ShapeError("must be a timestamp") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _write_timestamp(value: object) -> float:
    if not isinstance(value, datetime):
        raise ShapeError("must be a datetime")
    return value.timestamp()


def _for_every_shape(convert: _Convert) -> _Leaf:
    return lambda _: convert


_PLAIN: dict[str, _Leaf] = {
    "string": _string,
    "boolean": _for_every_shape(_boolean),
    "integer": _integer,
    "long": _integer,
    "double": _for_every_shape(_number),
    "float": _for_every_shape(_number),
}
_READ: dict[str, _Leaf] = {
    **_PLAIN,
    "blob": _for_every_shape(_read_blob),
    "timestamp": _for_every_shape(_read_timestamp),
}
_WRITE: dict[str, _Leaf] = {
    **_PLAIN,
    "blob": _for_every_shape(_write_blob),
    "timestamp": _for_every_shape(_write_timestamp),
}
