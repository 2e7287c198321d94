"""Rows of a table and of its restored copy: a random sample, and whether the copy has it. Counts alone are shown."""

import json
import random
from typing import TYPE_CHECKING, Any, cast

from mailer.errors import CommandFailed
from mailer.stores.dynamodb.table import MAX_KEYS, batch_get
from mailer.table import PARTITION_KEY, SORT_KEY
from mailer.wire.retry import ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailer.stores.dynamodb.table import Item
    from mailer.wire.client import Api

    Key = tuple[str, str]
    Rows = Mapping[Key, str]

# Parts of the table, of which the sample takes some: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
_SEGMENTS = 64
# Pages of up to 1 MB that are counted.
_PAGES = 200


def sample(api: "Api", table: str, most: int) -> "dict[Key, Item]":
    """Rows of random parts of a table."""
    found: dict[Key, Item] = {}
    for segment in random.sample(range(_SEGMENTS), _SEGMENTS):
        if len(found) >= most:
            break
        request = {"Segment": segment, "TotalSegments": _SEGMENTS, "Limit": most, "ConsistentRead": True}
        answer = ask(api, "Scan", {"TableName": table, **request})
        for item in cast("Sequence[Item]", answer["Items"])[: most - len(found)]:
            found[_key(item)] = item
    return found


def count(api: "Api", table: str) -> str:
    """How many rows a table has; of a large one, at least how many."""
    request: dict[str, object] = {"TableName": table, "Select": "COUNT"}
    rows = 0
    for _ in range(_PAGES):
        answer = ask(api, "Scan", request)
        rows += cast("int", answer["Count"])
        if not answer.get("LastEvaluatedKey"):
            return f"{rows:,}"
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return f"more than {rows:,}"


def compared(api: "Api", table: str, copy: str, rows: "Mapping[Key, Item]") -> str:
    """Compare a sample, taken before the moment of the restore, with the copy and with the table of now.

    Raises:
        CommandFailed: The copy lacks rows that the table had and still has.
    """
    keys = list(rows)
    restored, now = _texts(_read(api, copy, keys)), _texts(_read(api, table, keys))
    before = _texts(rows)
    lost = lost_rows(before, restored, now)
    if lost:
        raise CommandFailed(
            f"{len(lost):,} of {len(rows):,} sampled rows are not in the copy as they were.",
            hint="Restore again before you rely on it, and ask AWS Support: the drill names no rows, the table does.",
        )
    same = sum(restored.get(key) == text for key, text in before.items())
    return f"{same:,} of {len(rows):,} rows are the same; {len(rows) - same:,} have changed or expired since"


def lost_rows(before: "Rows", restored: "Rows", now: "Rows") -> list["Key"]:
    """The rows that the copy should have and does not.

    A row that the table has changed or deleted since may be in the copy in any of its states, or not at all.

    Example:
        >>> lost_rows({("a", "1"): "x", ("b", "1"): "x"}, {("a", "1"): "x"}, {("a", "1"): "x", ("b", "1"): "x"})
        [('b', '1')]
    """
    return [key for key, text in before.items() if now.get(key) == text and restored.get(key) != text]


def _read(api: "Api", table: str, keys: "Sequence[Key]") -> "dict[Key, Item]":
    wanted = [{PARTITION_KEY: {"S": pk}, SORT_KEY: {"S": sk}} for pk, sk in keys]
    return {_key(item): item for item in _in_batches(api, table, wanted)}


def _in_batches(api: "Api", table: str, keys: "Sequence[Any]") -> "Iterator[Item]":
    for start in range(0, len(keys), MAX_KEYS):
        yield from batch_get(api, table, keys[start : start + MAX_KEYS])


def _key(item: "Item") -> "Key":
    return item[PARTITION_KEY].get("S", ""), item[SORT_KEY].get("S", "")


def _texts(items: "Mapping[Key, Item]") -> dict["Key", str]:
    """Rows as text, in which the order of attributes and of a set's members does not matter."""
    return {key: json.dumps(_plain(item), sort_keys=True, default=repr) for key, item in items.items()}


def _plain(value: object) -> object:
    """A value in which sets are sorted."""
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        return {
            name: sorted(cast("list[str]", part)) if name in {"SS", "NS"} and isinstance(part, list) else _plain(part)
            for name, part in named.items()
        }
    return [_plain(part) for part in cast("list[object]", value)] if isinstance(value, list) else value
