"""The partition keys that a request names in a DynamoDB table, for the condition `dynamodb:LeadingKeys`.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html. A scan names none.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

_Json = Mapping[str, Any]


def partition_key(table: str) -> str:
    """The attribute that partitions a table; empty where there is no such table. Call in its account and region."""
    from ministack.services import dynamodb

    found = cast("_Json | None", cast("Any", dynamodb)._tables.get(table))  # noqa: SLF001
    return str(found["pk_name"]) if found else ""


def leading_keys(request: _Json, table: str, attribute: str) -> list[str]:
    """The values of a table's partition key in a request for items or in a part of a transaction.

    Example:
        >>> put = {"TableName": "t", "Item": {"pk": {"S": "EVENT#1"}, "sk": {"S": "EVENT"}}}
        >>> leading_keys(put, "t", "pk")
        ['EVENT#1']
        >>> leading_keys({"RequestItems": {"t": {"Keys": [{"pk": {"S": "a"}}]}, "u": {}}}, "t", "pk")
        ['a']
    """
    items = [item for item in _items(request, table) if attribute in item]
    return [*(_value(item[attribute]) for item in items), *_queried(request, attribute)]


def _items(request: _Json, table: str) -> Iterator[_Json]:
    """Every key and item, whether alone or in a batch."""
    batched = request.get("RequestItems", {}).get(table, {})
    if isinstance(batched, list):  # to write
        changes = cast("list[_Json]", batched)
        yield from (item for one in changes for change in one.values() for item in _named(cast("_Json", change)))
    else:  # to read
        yield from batched.get("Keys", ())
    yield from _named(request)


def _named(part: _Json) -> Iterator[_Json]:
    yield from (part[name] for name in ("Key", "Item") if name in part)


def _queried(request: _Json, attribute: str) -> Iterator[str]:
    """A query names one, by equality: API_Query.html, or in `KeyConditions` as before."""
    empty: _Json = {}
    names, values = (cast("_Json", request.get(f"ExpressionAttribute{kind}") or empty) for kind in ("Names", "Values"))
    for name, value in re.findall(
        r"(?<![\w#.-])([\w#.-]++)\s*+=\s*+(:\w++)", request.get("KeyConditionExpression") or ""
    ):
        if names.get(name, name) == attribute and value in values:
            yield _value(values[value])
    yield from map(_value, request.get("KeyConditions", {}).get(attribute, {}).get("AttributeValueList", ()))


def _value(typed: Mapping[str, str]) -> str:
    """A key is text, a number or bytes: `{"S": "a"}`."""
    return str(next(iter(typed.values())))
