"""Between Pulumi's names (camelCase) and those of the services (PascalCase), and between their forms of tags."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict, cast

from mailstack_localcloud.pulumi.wire import Props


class Pair(TypedDict):
    """A tag as most services write it."""

    Key: str
    Value: str


def to_api(value: Any) -> Any:
    """An object with its members' names as the service writes them, however deep."""
    return _renamed(value, lambda name: name[:1].upper() + name[1:])


def from_api(value: Any) -> Any:
    """An object of the service with Pulumi's names, however deep."""
    return _renamed(value, lambda name: name[:1].lower() + name[1:])


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {rename(name): _renamed(member, rename) for name, member in cast("Props", value).items()}
    return [_renamed(member, rename) for member in cast("list[Any]", value)] if isinstance(value, list) else value


def given(values: Mapping[str, Any]) -> Props:
    """Without members that are None or empty; false and zero stay."""
    return {name: value for name, value in values.items() if value is not None and value not in ("", [], {})}


def written(value: object) -> str:
    """An attribute as SNS and SQS write all of theirs: as text."""
    return str(value).lower() if isinstance(value, bool) else str("" if value is None else value)


def when(moment: datetime) -> str:
    """A point in time as the official provider writes it: RFC 3339, to the second, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pairs(tags: Mapping[str, str]) -> list[Pair]:
    """Tags as a list of Key and Value."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def mapping(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """A list of Key and Value as tags."""
    return {str(tag["Key"]): str(tag["Value"]) for tag in tags}
