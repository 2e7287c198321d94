"""Keys and attributes of items: text, numbers and times, written for DynamoDB and read leniently."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailer.stores.base import LAST, in_utc
from mailer.table import EXPIRES_AT, PARTITION_KEY, SORT_KEY

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from mailer.stores.dynamodb.table import Item

# The condition that there is no item with the key.
ABSENT = f"attribute_not_exists({PARTITION_KEY})"


def item_key(partition: str, sort: str) -> "dict[str, AttributeValueTypeDef]":
    """The key of an item."""
    return {PARTITION_KEY: {"S": partition}, SORT_KEY: {"S": sort}}


def read_string(item: "Item", name: str) -> str:
    """A string attribute; empty if the item has none."""
    return item[name].get("S", "") if name in item else ""


def read_expiry(item: "Item") -> datetime:
    """When the item expires; the last day there is for what is out of range, such as milliseconds, or is no number."""
    try:
        return datetime.fromtimestamp(float(item[EXPIRES_AT].get("N", "")), UTC)
    except (ValueError, OverflowError, OSError):
        return LAST


def parse_moment(text: str) -> datetime:
    """A time that `iso_text` wrote; 1970 for any other text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def epoch_seconds(moment: datetime) -> "AttributeValueTypeDef":
    """The form that DynamoDB's time to live reads."""
    return {"N": str(int(moment.timestamp()))}


def iso_text(moment: datetime) -> str:
    """ISO 8601 in UTC, always equally long, so that the database compares times by comparing text."""
    return in_utc(moment).isoformat(timespec="microseconds")
