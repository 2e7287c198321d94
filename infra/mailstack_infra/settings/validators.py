"""Checks of single settings: functions that return the normalized value, or raise a `ValueError` with the reason.

Not for the names and purposes of settings: the models beside this file have them.
"""

import fnmatch
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from email.utils import parseaddr
from typing import cast

from mailer.domain import ascii_domain

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html: shorter periods are for
# high-resolution metrics, which AWS's own services do not publish.
SHORTEST_PERIOD, LONGEST_PERIOD = 60, 86_400

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1035 §2.3.4
_LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}\Z")
_HTTPS = re.compile(r"https://([^\s/@?#:]+)(:[0-9]{1,5})?(/\S*)?\Z")
# 50, less the stack's own tag.
MOST_TAGS, LONGEST_TAG_NAME, LONGEST_TAG_VALUE, OWN_TAG = 49, 128, 256, "mailstack"
# A length that common software accepts, and more than a display name with an address needs (RFC 5321 §4.5.3.1.3).
MAX_URL, MAX_MAILBOX = 2048, 1024
_FIREHOSE = re.compile(r"arn:aws[a-z-]*:firehose:[a-z0-9-]+:\d{12}:deliverystream/[A-Za-z0-9_.-]{1,64}\Z")
_ZONE_ID = re.compile(r"Z[A-Z0-9]{4,31}\Z")
_CLOUDFLARE_ZONE_ID = re.compile(r"[0-9a-f]{32}\Z")


def domain(text: str) -> str:
    """A domain name in lower case and its ASCII form (RFC 5891).

    Example:
        >>> domain("Bücher.example.")
        'xn--bcher-kva.example'
    """
    try:
        name = ascii_domain(text.strip().removesuffix("."))
    except ValueError as error:
        raise ValueError(f"it is not a domain name: {error}") from error
    if "." not in name:
        raise ValueError("it is not a domain name: it has one label")
    return name


def label(text: str) -> str:
    """One label of a domain name."""
    if not re.fullmatch(_LABEL, text):
        raise ValueError("it is not one label of a domain name")
    return text


def address(text: str) -> str:
    """A bare address with its domain normalized."""
    local, at, rest = text.strip().rpartition("@")
    if not at or not _LOCAL_PART.match(local):
        raise ValueError("it is not an e-mail address")
    return f"{local}@{domain(rest)}"


def mailbox(text: str) -> str:
    """An address with an optional display name (RFC 5322 §3.4)."""
    name, bare = parseaddr(text[:MAX_MAILBOX])
    checked = address(bare)
    tidied = text.replace(bare, checked) if name else checked
    if not tidied.isprintable():
        raise ValueError("it contains a line break or another character that a header must not")
    if text.strip() not in {bare, f"<{bare}>"} and not text.rstrip().endswith(f"<{bare}>"):  # a group, a comment
        raise ValueError("it is not one address with an optional display name before it")
    return tidied


def duplicate(values: Sequence[object]) -> str:
    """The first value that occurs twice, as text; empty if there is none."""
    return next((str(value) for at, value in enumerate(values) if value in values[:at]), "")


def page(text: str) -> str:
    """A recipient of pages: an address or an https URL."""
    return _https(text) if text.startswith("https://") else address(text)


def _https(text: str) -> str:
    """An https URL with its host normalized."""
    found = _HTTPS.match(text) if len(text) <= MAX_URL else None
    if not found:
        raise ValueError("it is not an https URL")
    try:
        return f"https://{domain(found[1])}{text[found.end(1) :]}"
    except ValueError as error:
        raise ValueError(f"it is not an https URL: {error}") from error


def label_or_nothing(text: str) -> str:
    """One label of a domain name, or an empty text."""
    return label(text) if text else ""


def domain_or_nothing(text: str) -> str:
    """A domain name, or an empty text."""
    return domain(text) if text else ""


def address_or_nothing(text: str) -> str:
    """A bare address, or an empty text."""
    return address(text) if text else ""


def firehose(text: str) -> str:
    """The ARN of a Firehose stream, or an empty text."""
    if text and not _FIREHOSE.match(text):
        raise ValueError("it is not the ARN of a Firehose stream")
    return text


def https_or_nothing(text: str) -> str:
    """An https URL that a DNS record can hold, or an empty text."""
    url = _https(text) if text else ""
    if not url.isascii() or any(mark in url for mark in ';"\\'):
        raise ValueError("it is not an https URL that a DNS record can hold")
    return url


def address_pattern(text: str) -> str:
    """An address, or a pattern of addresses for IAM's `StringLike`."""
    local, at, rest = text.strip().rpartition("@")
    if not at or not local or "*" in rest or "?" in rest:
        raise ValueError("it must name one domain after the @, without a wildcard")
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    if not _LOCAL_PART.match(local) or "${" in local:
        raise ValueError("the part before the @ must be the local part of an address; * and ? are wildcards")
    return f"{local}@{domain(rest)}"


def fits(address: str, pattern: str) -> bool:
    """Whether an address matches a pattern, as IAM's `StringLike` does: case-sensitive.

    Example:
        >>> fits("no-reply@example.com", "*@example.com"), fits("No-Reply@example.com", "no-reply@example.com")
        (True, False)
    """
    return fnmatch.fnmatchcase(address, pattern.replace("[", "[[]"))  # IAM has no character classes


def names(named: Iterable[str], kind: str) -> None:
    """Check names that become part of resource names.

    Args:
        named: The names.
        kind: What they name, for the message.
    """
    for name in named:
        if not re.fullmatch("[a-z][a-z0-9-]{0,19}", name):
            raise ValueError(f"{name!r} is not a valid name of a {kind}")


def log_retention(days: int) -> int:
    """A retention that CloudWatch Logs supports."""
    if days not in LOG_RETENTIONS:
        raise ValueError("CloudWatch Logs does not support this number of days")
    return days


def alarm_period(seconds: int) -> int:
    """A period of an alarm that CloudWatch supports."""
    if seconds % SHORTEST_PERIOD or not 0 < seconds <= LONGEST_PERIOD:
        raise ValueError("CloudWatch does not support this period")
    return seconds


def is_zone_id(text: str) -> bool:
    """Whether a text is the id of a Route 53 zone."""
    return bool(_ZONE_ID.match(text))


def is_cloudflare_zone_id(text: str) -> bool:
    """Whether a text is the id of a Cloudflare zone."""
    return bool(_CLOUDFLARE_ZONE_ID.match(text))


def within(name: str, zone: str) -> bool:
    """Whether a domain is in a zone: the zone itself or below it.

    Example:
        >>> within("mail.example.com", "example.com"), within("badexample.com", "example.com")
        (True, False)
    """
    return name == zone or name.endswith(f".{zone}")


def one_or_many(value: object) -> object:
    """A list from its short forms: one text or number, text with commas, JSON.

    Example:
        >>> one_or_many("a@example.com, b@example.com"), one_or_many("https://example.com/?a,b"), one_or_many(1)
        (['a@example.com', 'b@example.com'], ['https://example.com/?a,b'], [1])
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return from_json(value)
    parts = [part.strip() for part in value.split(",")]
    one_url = value.startswith("https://") and not all("://" in part or "@" in part for part in parts)
    return [value] if one_url or not all(parts) else parts


def from_json(text: str) -> object:
    """The value of JSON text; the text itself if it is not JSON."""
    try:
        return cast("object", json.loads(text))
    except ValueError:
        return text


def tags(given: Mapping[str, str]) -> None:
    """Check that AWS allows tags, in addition to the stack's own.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html; names that differ only by
    case: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    """
    if len(given) > MOST_TAGS:
        raise ValueError(f"there are {len(given)}; AWS allows {MOST_TAGS} in addition to the stack's own")
    lowered = [name.lower() for name in given]
    for name, value in given.items():
        if name.lower().startswith("aws:"):
            raise ValueError(f"{name} begins with aws:, which AWS reserves")
        if name.lower() == OWN_TAG:
            raise ValueError(f"{name} is the stack's own tag")
        if lowered.count(name.lower()) > 1:
            raise ValueError(f"{name} differs from another name only by case, which IAM refuses")
        if not 0 < len(name) <= LONGEST_TAG_NAME or not _tag(name):
            raise ValueError(f"{name!r} is not a valid name of a tag")
        if len(value) > LONGEST_TAG_VALUE or not _tag(value):
            raise ValueError(f"AWS does not allow the value {value!r} of {name}")


def _tag(text: str) -> bool:
    return text == text.strip() and all(character.isalnum() or character in " _.:/=+-@" for character in text)
