"""The message log in a stack's DynamoDB table. Standard library and botocore only.

| partition key | sort key | item |
| --- | --- | --- |
| `MESSAGE#<id>` | the event's key | an entry |
| `MESSAGE#<SES's id>` | `ID` | the id of this library that it belongs to |
| `RECIPIENT#<address>`, `TAG#<name>=<value>` | `<sent at>#<id>` | the message that is found by it |

No index of DynamoDB's: it would be paid for by every suppression and event of the table, too.
"""

from datetime import datetime
from typing import TYPE_CHECKING, cast

from mailer.address import address_key
from mailer.stores.base import utcnow
from mailer.stores.dynamodb.items import (
    ABSENT,
    epoch_seconds,
    iso_text,
    item_key,
    parse_moment,
    read_expiry,
    read_string,
)
from mailer.stores.dynamodb.table import Table
from mailer.stores.messages import FOUND, Counts, LogEntry, counted, for_recipient, newest_of, timeline
from mailer.table import MESSAGES, PARTITION_KEY, RECIPIENTS, SORT_KEY, TAGS
from mailer.wire.errors import ServiceError
from mailer.wire.retry import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from mailer.stores.dynamodb.table import Item
    from mailer.stores.messages import Position
    from mailer.wire.client import Api

_ID = "ID"
# Pages of 1 MB: a message of 50 recipients with every event that there is fits into one.
_MAX_PAGES = 20
# Pages of 1 MB that a report reads of the table: about a million entries. A page costs 128 read units (API_Scan.html).
_MAX_SCANNED = 500
_TEXTS = ("kind", "recipient", "id", "message_id", "configuration_set", "template", "category", "code", "words")


class DynamoDBMessageLog:
    """A `mailer.stores.messages.MessageLog` in a stack's table.

    Args:
        table: The table's name; `StackOutputs.table`.
        client: See `DynamoDBSuppressions`.
        days: How long entries are kept; `StackOutputs.message_log_days`.
        clock: The time now, with a zone.
    """

    def __init__(
        self,
        table: str,
        client: "DynamoDBClient | Api | None" = None,
        *,
        days: int,
        clock: "Callable[[], datetime]" = utcnow,
    ) -> None:
        self._table, self._days, self._clock = Table(table, client), days, clock

    @property
    def days(self) -> int:
        """See `MessageLog`."""
        return self._days

    def close(self) -> None:
        """Close the connections that are kept; those of a client that was given are its owner's."""
        self._table.close()

    def add(self, entries: "Iterable[LogEntry]") -> None:
        """See `MessageLog`. Single writes, each of which may be made again: `PutItem` allows no deletion."""
        with self._table.translated("write the message log in") as api:
            for entry in entries:
                self._put(api, _entry_item(entry), entry)
                for key in _found_by(entry):
                    self._put(api, {**key, "id": {"S": entry.ref}}, entry)

    def of_message(self, id_: str) -> list[LogEntry]:
        """See `MessageLog`."""
        with self._table.translated("read the message log in") as api:
            items = list(self._query(api, f"{MESSAGES}{id_}"))
            for other in [read_string(item, "id") for item in items if _sort_key(item) == _ID]:
                items += self._query(api, f"{MESSAGES}{other}")
            return timeline(_entry(item) for item in items if _sort_key(item) != _ID)

    def of_recipient(self, address: str, *, since: datetime, limit: int = FOUND) -> list[list[LogEntry]]:
        """See `MessageLog`."""
        key = address_key(address)
        return for_recipient(self._found(f"{RECIPIENTS}{key}", since, limit), key)

    def of_tag(self, name: str, value: str, *, since: datetime, limit: int = FOUND) -> list[list[LogEntry]]:
        """See `MessageLog`."""
        return self._found(f"{TAGS}{name}={value}", since, limit)

    def counts(self, *, since: datetime, until: datetime) -> Counts:
        """See `MessageLog`. Reads the whole table, page by page, so call it for reports alone."""
        pages = _Pages(_MAX_SCANNED)
        with self._table.translated("count the message log in") as api:
            rows = counted(self._scan(api, since, pages), since, until)
        return Counts(rows, complete=pages.is_complete)

    def newest(
        self, kinds: "Collection[str]", *, since: datetime, after: "Position | None" = None, limit: int = FOUND
    ) -> list[LogEntry]:
        """See `MessageLog`. Reads the whole table, page by page, so call it for reports alone."""
        with self._table.translated("list the message log in") as api:
            return newest_of(self._scan(api, since, _Pages(_MAX_SCANNED)), kinds, since, after, limit)

    def _scan(self, api: "Api", since: datetime, pages: "_Pages") -> "Iterator[LogEntry]":
        """The entries of events since then, in no order."""
        request: dict[str, object] = {
            "TableName": self._table.name,
            "FilterExpression": f"begins_with({PARTITION_KEY}, :messages) AND #at >= :since",
            "ExpressionAttributeNames": {"#at": "at"},
            "ExpressionAttributeValues": {":messages": {"S": MESSAGES}, ":since": {"S": iso_text(since)}},
        }
        now = self._clock()
        while pages.next():
            answer = ask(api, "Scan", request)
            for item in cast("Sequence[Item]", answer["Items"]):
                if read_expiry(item) > now:
                    yield _entry(item)
            if not answer.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _found(self, partition: str, since: datetime, limit: int) -> list[list[LogEntry]]:
        with self._table.translated("search the message log in") as api:
            items = self._query(api, partition, since=since, limit=limit)
            refs = [read_string(item, "id") for item in items]
        return [self.of_message(ref) for ref in refs]

    def _put(self, api: "Api", item: "Item", entry: LogEntry) -> None:
        request: dict[str, object] = {
            "TableName": self._table.name,
            "Item": {**item, "expires_at": epoch_seconds(entry.expires_at(self._days))},
        }
        if "at" in item:
            # The earliest stays, whichever arrives first. A write whose answer was lost finds its own item.
            request |= {
                "ConditionExpression": f"{ABSENT} OR #at > :at",
                "ExpressionAttributeNames": {"#at": "at"},
                "ExpressionAttributeValues": {":at": item["at"]},
            }
        try:
            ask(api, "PutItem", request)
        except ServiceError as error:
            if error.code != "ConditionalCheckFailedException":
                raise

    def _query(
        self, api: "Api", partition: str, *, since: datetime | None = None, limit: int | None = None
    ) -> "Iterator[Item]":
        """The items of a partition that are kept: all of them, or the newest since a time.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
        """
        request: dict[str, object] = {
            "TableName": self._table.name,
            "KeyConditionExpression": f"{PARTITION_KEY} = :partition",
            "ExpressionAttributeValues": {":partition": {"S": partition}},
            "ConsistentRead": True,
        }
        if since:
            request |= {
                "KeyConditionExpression": f"{PARTITION_KEY} = :partition AND {SORT_KEY} >= :since",
                "ExpressionAttributeValues": {":partition": {"S": partition}, ":since": {"S": iso_text(since)}},
                "ScanIndexForward": False,
            }
        now, given = self._clock(), 0
        for _ in range(_MAX_PAGES):
            answer = ask(api, "Query", request)
            for item in cast("Sequence[Item]", answer["Items"]):
                if read_expiry(item) > now:  # DynamoDB deletes what has expired within days
                    yield item
                    given += 1
                    if given == limit:
                        return
            if not answer.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


class _Pages:
    """How many pages may still be read, and whether they were enough."""

    def __init__(self, most: int) -> None:
        self._left, self.is_complete = most, True

    def next(self) -> bool:
        """Whether one more may be read."""
        self.is_complete = self._left > 0
        self._left -= 1
        return self.is_complete


def _found_by(entry: LogEntry) -> "Iterator[Mapping[str, AttributeValueTypeDef]]":
    """The keys of the items that lead to the entry's message. They are the same for each entry that gives them."""
    if not entry.is_indexed:
        return
    newest = f"{iso_text(entry.sent_at)}#{entry.ref}"
    if entry.id and entry.message_id:
        yield item_key(f"{MESSAGES}{entry.message_id}", _ID)
    if entry.recipient:
        yield item_key(f"{RECIPIENTS}{entry.recipient}", newest)
    for name, value in entry.searchable_tags:
        yield item_key(f"{TAGS}{name}={value}", newest)


def _sort_key(item: "Item") -> str:
    return read_string(item, SORT_KEY)


def _entry_item(entry: LogEntry) -> "Item":
    """Empty texts are left out: DynamoDB bills by the size."""
    texts = {name: cast("str", getattr(entry, name)) for name in _TEXTS}
    item: dict[str, AttributeValueTypeDef] = {
        **item_key(f"{MESSAGES}{entry.ref}", entry.key),
        **{name: {"S": text} for name, text in texts.items() if text},
        "at": {"S": iso_text(entry.at)},
        "sent_at": {"S": iso_text(entry.sent_at)},
    }
    if entry.tags:
        item["tags"] = {"L": [{"L": [{"S": name}, {"S": value}]} for name, value in entry.tags]}
    return item


def _entry(item: "Item") -> LogEntry:
    texts = {name: read_string(item, name) for name in _TEXTS}
    pairs = cast("Sequence[Mapping[str, Sequence[Mapping[str, str]]]]", item["tags"]["L"] if "tags" in item else ())
    tags = tuple((name["S"], value["S"]) for name, value in (pair["L"] for pair in pairs))
    at, sent_at = parse_moment(read_string(item, "at")), parse_moment(read_string(item, "sent_at"))
    return LogEntry(key=_sort_key(item), at=at, sent_at=sent_at, tags=tags, **texts)
