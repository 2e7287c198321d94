"""Who paused and resumed a stream, when and why, in a stack's table. Not for pausing."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from mailer.stores.dynamodb.items import iso_text, item_key, parse_moment, read_string
from mailer.stores.dynamodb.table import Table
from mailer.table import PARTITION_KEY, SORT_KEY, STREAMS
from mailer.wire.retry import ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from mailer.stores.dynamodb.table import Item
    from mailer.wire.client import Api

_PAUSE = "PAUSE#"


@dataclass(frozen=True)
class Intervention:
    """A person paused or resumed a stream.

    Attributes:
        is_pause: False: the stream was resumed.
        actor: Who.
        why: The reason.
        alarms: The stream's pausing alarms at that time, with their states.
    """

    stream: str
    at: datetime
    is_pause: bool
    actor: str
    why: str = ""
    alarms: str = ""


class DynamoDBPauses:
    """The interventions of persons, kept for ever.

    Args:
        table: The table's name; `StackOutputs.table`.
        client: As of `DynamoDBSuppressions`.
    """

    def __init__(self, table: str, client: "DynamoDBClient | Api | None" = None) -> None:
        self._table = Table(table, client)

    def close(self) -> None:
        """Close the connections that are kept; those of a client that was given are its owner's."""
        self._table.close()

    def add(self, given: Intervention) -> None:
        """Record an intervention.

        Raises:
            StoreError: The table cannot be written.
        """
        item = {
            **item_key(f"{STREAMS}{given.stream}", f"{_PAUSE}{iso_text(given.at)}"),
            "at": {"S": iso_text(given.at)},
            "paused": {"BOOL": given.is_pause},
            "actor": {"S": given.actor},
            "why": {"S": given.why},
            "alarms": {"S": given.alarms},
        }
        with self._table.translated("record an intervention in") as api:
            ask(api, "PutItem", {"TableName": self._table.name, "Item": item})

    def newest(self, stream: str) -> Intervention | None:
        """The last intervention; None if there was none.

        Raises:
            StoreError: The table cannot be read.
        """
        request: dict[str, object] = {
            "TableName": self._table.name,
            "KeyConditionExpression": f"{PARTITION_KEY} = :stream AND begins_with({SORT_KEY}, :kind)",
            "ExpressionAttributeValues": {":stream": {"S": f"{STREAMS}{stream}"}, ":kind": {"S": _PAUSE}},
            "ScanIndexForward": False,
            "Limit": 1,
            "ConsistentRead": True,
        }
        with self._table.translated("read interventions from") as api:
            items = cast("Sequence[Item]", ask(api, "Query", request)["Items"])
            return _intervention(stream, items[0]) if items else None


def _intervention(stream: str, item: "Item") -> Intervention:
    return Intervention(
        stream,
        parse_moment(read_string(item, "at")),
        item["paused"].get("BOOL", False),
        read_string(item, "actor"),
        read_string(item, "why"),
        read_string(item, "alarms"),
    )
