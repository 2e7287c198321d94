"""JSON to Python and back by botocore's description of a shape, checking on the way. Knows nothing of SES."""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape


class ShapeError(Exception):
    """A value does not have the shape that the service model gives it. `path` names the member."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path or 'the value'} {problem}")


def read(shape: Shape, value: object, path: str = "") -> Any:
    """What a client sent, as Python values: blobs as bytes, timestamps as datetimes; unknown members are ignored.

    Raises:
        ShapeError: The value does not fit.
    """
    return _walk(_READ, shape, value, path)


def write(shape: Shape, value: object, path: str = "") -> Any:
    """What a handler answers, as JSON values; members that are None are left out.

    Raises:
        ShapeError: The value does not fit, or holds a member that the shape does not have.
    """
    return _walk(_WRITE, shape, value, path)


def _walk(leaves: "dict[str, _Leaf]", shape: Shape, value: object, path: str) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(leaves, shape, value, path)
    if isinstance(shape, ListShape):
        _expect(isinstance(value, list | tuple), path, "must be a list")
        items = cast("list[object]", value)
        _within(shape, len(items), path)
        return [_walk(leaves, shape.member, item, f"{path}[{i}]") for i, item in enumerate(items)]
    if isinstance(shape, MapShape):
        _expect(isinstance(value, dict), path, "must be an object")
        entries = cast("dict[str, object]", value).items()
        return {key: _walk(leaves, shape.value, item, f"{path}.{key}") for key, item in entries}
    return leaves[shape.type_name](shape, value, path)


def _structure(leaves: "dict[str, _Leaf]", shape: StructureShape, value: object, path: str) -> dict[str, Any]:
    _expect(isinstance(value, dict), path, "must be an object")
    given = {name: item for name, item in cast("dict[str, object]", value).items() if item is not None}
    missing = [name for name in shape.required_members if name not in given]
    _expect(not missing, path, f"lacks {', '.join(missing)}")
    unknown = set(given) - set(shape.members)
    _expect(not unknown or leaves is _READ, path, f"has no member {', '.join(sorted(unknown))}")
    prefix = f"{path}." if path else ""
    members = shape.members
    return {n: _walk(leaves, members[n], item, f"{prefix}{n}") for n, item in given.items() if n not in unknown}


def _string(shape: Shape, value: object, path: str) -> str:
    _expect(isinstance(value, str), path, "must be a string")
    text = cast("str", value)
    allowed = cast("StringShape", shape).enum
    _expect(not allowed or text in allowed, path, f"must be one of {', '.join(allowed)}")
    _within(shape, len(text), path)
    return text


def _boolean(_: Shape, value: object, path: str) -> bool:
    _expect(isinstance(value, bool), path, "must be true or false")
    return cast("bool", value)


def _integer(shape: Shape, value: object, path: str) -> int:
    _expect(isinstance(value, int) and not isinstance(value, bool), path, "must be an integer")
    _within(shape, cast("int", value), path)
    return cast("int", value)


def _number(_: Shape, value: object, path: str) -> float:
    _expect(isinstance(value, int | float) and not isinstance(value, bool), path, "must be a number")
    return float(cast("float", value))


def _read_blob(_: Shape, value: object, path: str) -> bytes:
    _expect(isinstance(value, str), path, "must be base64 text")
    try:
        return base64.b64decode(cast("str", value), validate=True)
    except binascii.Error as error:
        raise ShapeError(path, "must be base64 text") from error


def _write_blob(_: Shape, value: object, path: str) -> str:
    _expect(isinstance(value, bytes), path, "must be bytes")
    return base64.b64encode(cast("bytes", value)).decode()


def _read_timestamp(_: Shape, value: object, path: str) -> datetime:
    try:
        return _parse_timestamp(value)
    except (ValueError, OverflowError) as error:
        raise ShapeError(path, "must be a timestamp") from error


def _parse_timestamp(value: object) -> datetime:
    """Epoch seconds, or ISO 8601 as clients send it in a query string."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    parsed = datetime.fromisoformat(str(value))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _write_timestamp(_: Shape, value: object, path: str) -> float:
    _expect(isinstance(value, datetime), path, "must be a datetime")
    return cast("datetime", value).timestamp()


def _within(shape: Shape, size: int, path: str) -> None:
    low, high = (cast("int | None", shape.metadata.get(bound)) for bound in ("min", "max"))
    _expect(low is None or size >= low, path, f"is below its minimum of {low}")
    _expect(high is None or size <= high, path, f"is above its maximum of {high}")


def _expect(holds: object, path: str, problem: str) -> None:
    if not holds:
        raise ShapeError(path, problem)


_Leaf = Callable[[Shape, object, str], object]
_PLAIN: dict[str, _Leaf] = {
    "string": _string,
    "boolean": _boolean,
    "integer": _integer,
    "long": _integer,
    "double": _number,
    "float": _number,
}
_READ: dict[str, _Leaf] = {**_PLAIN, "blob": _read_blob, "timestamp": _read_timestamp}
_WRITE: dict[str, _Leaf] = {**_PLAIN, "blob": _write_blob, "timestamp": _write_timestamp}
