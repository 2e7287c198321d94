"""Verification tokens in a stack's DynamoDB table."""

import random
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from mailer.address import address_key
from mailer.errors import StoreError
from mailer.stores.dynamodb.items import ABSENT, epoch_seconds, iso_text, item_key, parse_moment, read_string
from mailer.stores.dynamodb.table import ATTEMPTS, Table, get, scan, transact
from mailer.stores.tokens import AUDIT, KEPT, Token, TokenEvent, newest_first
from mailer.table import EXPIRES_AT, PARTITION_KEY, SORT_KEY, VERIFICATION
from mailer.wire.errors import ServiceError
from mailer.wire.retry import ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from mailer.stores.dynamodb.table import Item
    from mailer.stores.tokens import Limit, UsedBy
    from mailer.wire.client import Api

# The sort keys; that of an event continues with its time.
_KIND = "VERIFICATION"
_TOKEN, _LIMIT, _EVENT = f"{_KIND} TOKEN", f"{_KIND} LIMIT", f"{_KIND} EVENT"
_NAMES = {_TOKEN: "tokens", _LIMIT: "limits", _EVENT: "events"}
_CONDITION_FAILED = "ConditionalCheckFailedException"
_TEXTS = ("serial", "kind", "purpose", "address", "account", "digest", "key_id", "browser", "used_by")
_EVENT_TEXTS = ("action", "kind", "purpose", "address", "account", "serial", "detail")
# Another writer of the same limit was quicker: try again after up to so many seconds.
_DELAY = 0.02


class DynamoDBTokens:
    """A `mailer.stores.tokens.TokenStore` in a stack's table.

    A token costs four write units, an attempt one, a use four (transactions count twice), and each limit a read and a
    write. The table's time to live deletes what has expired.

    Args:
        table: The table's name: `StackOutputs.table`.
        client: What reaches DynamoDB: `dynamodb_api(outputs.region)`, which several stores may share, or a boto3
            client. Default: connections of its own in the region that boto3 is configured with.
    """

    def __init__(self, table: str, client: "DynamoDBClient | Api | None" = None) -> None:
        self._table = Table(table, client)

    def close(self) -> None:
        """Close the connections that it keeps; a client that was given stays open."""
        self._table.close()

    def put(self, token: Token, *, replaces: "Sequence[str]" = (), detail: str = "") -> None:
        """See `TokenStore.put`. One transaction."""
        name = self._table.name
        others = [one for one in replaces if one != token.id]
        deletes: list[TransactWriteItemTypeDef] = [
            {"Delete": {"TableName": name, "Key": _token_key(one)}} for one in others
        ]
        issued = TokenEvent.of(token, "issued", token.issued_at, detail)
        with self._table.translated("write a verification token to") as api:
            transact(api, {"Put": {"TableName": name, "Item": _item(token)}}, self._addition(issued), *deletes)

    def get(self, id_: str) -> Token | None:
        """See `TokenStore.get`. Read consistently."""
        with self._table.translated("read a verification token from") as api:
            item = get(api, self._table.name, _token_key(id_))
            return _token(id_, item) if item else None

    def attempt(self, id_: str) -> Token | None:
        """See `TokenStore.attempt`. A request that is retried after a lost answer may count twice, never less."""
        request = {
            "TableName": self._table.name,
            "Key": _token_key(id_),
            "UpdateExpression": "ADD attempts :one",
            "ConditionExpression": f"attribute_exists({PARTITION_KEY})",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
        }
        with self._table.translated("count an attempt in") as api:
            try:
                return _token(id_, cast("Item", ask(api, "UpdateItem", request)["Attributes"]))
            except ServiceError as error:
                if error.code != _CONDITION_FAILED:
                    raise
        return None

    def use(self, token: Token, *, at: "datetime", by: "UsedBy", after_other: bool = False) -> bool:
        """See `TokenStore.use`. One transaction, with a condition that says `Token.can_be_used`."""
        values: dict[str, AttributeValueTypeDef] = {
            ":at": {"S": iso_text(at)},
            ":by": {"S": by},
            ":serial": {"S": token.serial},
        }
        unused = "attribute_not_exists(used_at)"
        if after_other and by == "asking":
            unused = f"({unused} OR used_by = :other)"
            values[":other"] = {"S": "other"}
        change: TransactWriteItemTypeDef = {
            "Update": {
                "TableName": self._table.name,
                "Key": _token_key(token.id),
                "UpdateExpression": "SET used_at = :at, used_by = :by",
                "ConditionExpression": f"serial = :serial AND {unused}",
                "ExpressionAttributeValues": values,
            }
        }
        with self._table.translated("use a verification token in") as api:
            return not transact(api, change, self._addition(TokenEvent.of(token, "used", at, by)))

    def take(self, key: str, limit: "Limit", at: "datetime") -> "datetime | None":
        """See `TokenStore.take`. A read, and a write if the limit has room: on the condition that nobody else wrote."""
        where = item_key(f"{VERIFICATION}LIMIT#{key}", _LIMIT)
        for attempt in range(ATTEMPTS):
            with self._table.translated("count a request in") as api:
                item = get(api, self._table.name, where) or {}
                taken = read_string(item, "taken")
                kept, refused = limit.counted(taken, at)
                if refused is not None:
                    return refused
                request: dict[str, object] = {
                    "TableName": self._table.name,
                    "Item": {**where, "taken": {"S": kept}, EXPIRES_AT: epoch_seconds(at + limit.period)},
                    "ConditionExpression": "taken = :seen" if item else ABSENT,
                }
                if item:
                    request["ExpressionAttributeValues"] = {":seen": {"S": taken}}
                try:
                    ask(api, "PutItem", request)
                except ServiceError as error:
                    if error.code != _CONDITION_FAILED:
                        raise
                else:
                    return None
            time.sleep(random.uniform(0, _DELAY * 2**attempt))  # noqa: S311 - spreads load, guards nothing
        raise StoreError(
            f"A limit in the DynamoDB table {self._table.name} changed during every attempt to count a request.",
            hint="Many requests for one address or from one client arrive at once: refuse this one.",
        )

    def record(self, event: TokenEvent) -> None:
        """See `TokenStore.record`."""
        with self._table.translated("write the audit of tokens to") as api:
            ask(api, "PutItem", {"TableName": self._table.name, "Item": _event_item(event)})

    def events(self, *, since: "datetime", address: str = "", limit: int = 1000) -> "Iterator[TokenEvent]":
        """See `TokenStore.events`. A scan: it reads, and costs, the whole table."""
        key = address_key(address)
        with self._table.translated("read the audit of tokens from") as api:
            events = map(_event, scan(api, self._table.name, _EVENT))
            found = newest_first(one for one in events if one.at >= since and key in ("", one.address))
        return islice(found, limit)

    def purge(self, now: "datetime") -> dict[str, int]:
        """See `TokenStore.purge`. A scan; DynamoDB deletes the same items by itself within days."""
        deleted = dict.fromkeys(_NAMES.values(), 0)
        with self._table.translated("delete verification tokens from") as api:
            for item in scan(api, self._table.name, _KIND):
                if not _is_expired(item, now):
                    continue
                key = {name: item[name] for name in (PARTITION_KEY, SORT_KEY)}
                # The condition again: it may have been written since.
                request = {
                    "TableName": self._table.name,
                    "Key": key,
                    "ConditionExpression": f"{EXPIRES_AT} = :seen",
                    "ExpressionAttributeValues": {":seen": item[EXPIRES_AT]},
                }
                try:
                    ask(api, "DeleteItem", request)
                except ServiceError as error:
                    if error.code != _CONDITION_FAILED:
                        raise
                else:
                    kind = next(one for one in _NAMES if read_string(item, SORT_KEY).startswith(one))
                    deleted[_NAMES[kind]] += 1
        return deleted

    def _addition(self, event: TokenEvent) -> "TransactWriteItemTypeDef":
        return {"Put": {"TableName": self._table.name, "Item": _event_item(event)}}


def _is_expired(item: "Item", now: "datetime") -> bool:
    return float(item[EXPIRES_AT].get("N", "inf")) <= now.timestamp()


def _token_key(id_: str) -> "dict[str, AttributeValueTypeDef]":
    return item_key(f"{VERIFICATION}TOKEN#{id_}", _TOKEN)


def _item(token: Token) -> "dict[str, AttributeValueTypeDef]":
    item: dict[str, AttributeValueTypeDef] = {
        **_token_key(token.id),
        **{name: {"S": str(getattr(token, name))} for name in _TEXTS},
        "issued_at": {"S": iso_text(token.issued_at)},
        "valid_until": {"S": iso_text(token.expires_at)},
        "attempts": {"N": str(token.attempts)},
        EXPIRES_AT: epoch_seconds(token.expires_at + KEPT),
    }
    if token.used_at:
        item["used_at"] = {"S": iso_text(token.used_at)}
    return item


def _token(id_: str, item: "Item") -> Token:
    texts: dict[str, Any] = {name: read_string(item, name) for name in _TEXTS}
    return Token(
        id=id_,
        issued_at=parse_moment(read_string(item, "issued_at")),
        expires_at=parse_moment(read_string(item, "valid_until")),
        attempts=int(item["attempts"].get("N", "0")),
        used_at=parse_moment(read_string(item, "used_at")) if "used_at" in item else None,
        **texts,
    )


def _event_item(event: TokenEvent) -> "dict[str, AttributeValueTypeDef]":
    """A random end of the key keeps two events of one moment apart."""
    sort = f"{_EVENT} {iso_text(event.at)} {event.action} {uuid4().hex[:8]}"
    return {
        **item_key(f"{VERIFICATION}EVENT#{event.serial}", sort),
        **{name: {"S": getattr(event, name)} for name in _EVENT_TEXTS},
        "at": {"S": iso_text(event.at)},
        EXPIRES_AT: epoch_seconds(event.at + AUDIT),
    }


def _event(item: "Item") -> TokenEvent:
    texts: dict[str, Any] = {name: read_string(item, name) for name in _EVENT_TEXTS}
    return TokenEvent(at=parse_moment(read_string(item, "at")), **texts)
