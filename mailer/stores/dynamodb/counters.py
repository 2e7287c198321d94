"""Counters by day in a stack's DynamoDB table. Standard library and botocore only.

| partition key | sort key | item |
| --- | --- | --- |
| `COUNTERS#DAYS` | `<day>` | the counts of a day, or their first part, and how many further parts there are |
| `COUNTERS#DAYS` | `<day>#<version>#<number>` | a further part |

The item of the day is written last, and no part is deleted before it expires: a reader never sees half a day.
"""

from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from mailer.stores.base import utcnow
from mailer.stores.counters import expiry_of, from_json, to_json
from mailer.stores.dynamodb.items import epoch_seconds, item_key, read_expiry, read_string
from mailer.stores.dynamodb.table import Table
from mailer.table import COUNTERS, EXPIRES_AT, PARTITION_KEY, SORT_KEY
from mailer.wire.retry import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

    from mailer.stores.dynamodb.table import Item
    from mailer.stores.messages import EntryCount
    from mailer.wire.client import Api

_DAYS = f"{COUNTERS}DAYS"
# Characters of one item, all of them ASCII; an item has 400 KB at most:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_MAX_PART = 300_000


class DynamoDBDayCounters:
    """A `mailer.stores.counters.DayCounters` in a stack's table. Its time to live deletes what has expired.

    Args:
        table: The table's name; `StackOutputs.table`.
        client: See `DynamoDBSuppressions`.
        clock: The time now, with a zone.
    """

    def __init__(
        self, table: str, client: "DynamoDBClient | Api | None" = None, *, clock: "Callable[[], datetime]" = utcnow
    ) -> None:
        self._table, self._clock = Table(table, client), clock

    def close(self) -> None:
        """Close the connections that are kept; those of a client that was given are its owner's."""
        self._table.close()

    def put(self, day: date, rows: "Iterable[EntryCount]") -> None:
        """See `DayCounters.put`. One write for most days; nothing changes before the last one."""
        head, *others = _parts(rows)
        version = sha256("\n".join((head, *others)).encode()).hexdigest()
        with self._table.translated("write counters to") as api:
            for number, part in enumerate(others):
                self._put(api, day, f"{day}#{version}#{number:04}", {"counts": {"S": part}})
            whole: Item = {"counts": {"S": head}, "version": {"S": version}, "others": {"N": str(len(others))}}
            self._put(api, day, f"{day}", whole)

    def between(self, first: date, last: date) -> "dict[date, tuple[EntryCount, ...]]":
        """See `DayCounters.between`. One query, of 1 MB a page; a day without one of its parts is not kept."""
        now = self._clock()
        if first > last:  # which DynamoDB refuses
            return {}
        with self._table.translated("read counters from") as api:
            kept = (item for item in self._items(api, first, last) if read_expiry(item) > now)
            items = {read_string(item, SORT_KEY): item for item in kept}
            days = {date.fromisoformat(key): item for key, item in items.items() if "#" not in key}
            found = ((day, _whole(day, item, items)) for day, item in days.items())
            return {day: rows for day, rows in found if rows is not None}

    def _put(self, api: "Api", day: date, sort: str, attributes: "Item") -> None:
        item = {**item_key(_DAYS, sort), **attributes, EXPIRES_AT: epoch_seconds(expiry_of(day))}
        ask(api, "PutItem", {"TableName": self._table.name, "Item": item})

    def _items(self, api: "Api", first: date, last: date) -> "Iterator[Item]":
        """The items of the days and their parts: `$` follows `#`."""
        request: dict[str, object] = {
            "TableName": self._table.name,
            "KeyConditionExpression": f"{PARTITION_KEY} = :days AND {SORT_KEY} BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":days": {"S": _DAYS},
                ":first": {"S": f"{first}"},
                ":last": {"S": f"{last}$"},
            },
            "ConsistentRead": True,
        }
        while True:  # ends: each page begins where the last one ended
            answer = ask(api, "Query", request)
            yield from cast("Sequence[Item]", answer["Items"])
            if not answer.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _parts(rows: "Iterable[EntryCount]") -> list[str]:
    """The counts in texts that each fit into an item; at least one."""
    parts: list[list[EntryCount]] = [[]]
    size = 0
    for row in sorted(rows):
        length = len(to_json([row]))
        if parts[-1] and size + length > _MAX_PART:
            parts.append([])
            size = 0
        parts[-1].append(row)
        size += length
    return [to_json(part) for part in parts]


def _whole(day: date, head: "Item", items: "Mapping[str, Item]") -> "tuple[EntryCount, ...] | None":
    """The counts of a day; None if a part of them is missing."""
    version, others = read_string(head, "version"), int(head["others"].get("N", "0"))
    keys = [f"{day}#{version}#{number:04}" for number in range(others)]
    if not items.keys() >= set(keys):
        return None
    parts = (head, *(items[key] for key in keys))
    return tuple(row for part in parts for row in from_json(day, read_string(part, "counts")))
