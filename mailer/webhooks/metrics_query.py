"""The query of a request to the metrics: days, page, reason. It is checked strictly; an error names the parameter."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs

from mailer.reports.report import MAX_DAYS
from mailer.stores.base import ALL, check_scope, in_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

DAYS, LIMIT, MAX_LIMIT, MAX_WHY = 7, 50, 200, 200
_MAX_FIELDS, _MAX_CURSOR, _MAX_SCOPE, _PARTS = 10, 4000, 255, 3


@dataclass(frozen=True, slots=True)
class Query:
    """A query.

    Attributes:
        days: How many, today included.
        limit: Items of a page.
        after: The last item of the page before, as a time and two texts; None for the first page.
        why: Why a suppression is removed.
        scope: The suppression's scope.
    """

    days: int = DAYS
    limit: int = LIMIT
    after: tuple[datetime, str, str] | None = None
    why: str = ""
    scope: str = ALL


def parse_query(text: str, allowed: "Sequence[str]") -> Query | str:
    """The query, or what is wrong with it.

    Example:
        >>> parse_query("days=30", ["days"]).days, parse_query("days=900", ["days"])
        (30, 'days must be a number from 1 to 400.')
    """
    try:
        given = parse_qs(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return "The query has too many parameters."
    for name, values in given.items():
        if name not in allowed:
            return f"Allowed parameters: {', '.join(allowed) or 'none'}."
        if len(values) > 1:
            return f"{name} is given more than once."
    fields = {name: values[0] for name, values in given.items()}
    return _checked(fields)


def _checked(fields: dict[str, str]) -> Query | str:
    days, limit = _number(fields.get("days"), DAYS), _number(fields.get("limit"), LIMIT)
    for name, number, most in (("days", days, MAX_DAYS), ("limit", limit, MAX_LIMIT)):
        if not 1 <= number <= most:
            return f"{name} must be a number from 1 to {most}."
    after = read_cursor(fields.get("cursor", ""))
    if "cursor" in fields and not after:
        return "cursor is not the `next` of an answer."
    why, scope = fields.get("why", "").strip(), fields.get("scope", ALL)
    if len(why) > MAX_WHY or not why.isprintable():
        return f"why must be one line of at most {MAX_WHY} characters."
    return Query(days, limit, after, why, scope) if _is_scope(scope) else "scope must be stream:NAME or tenant:NAME."


def _is_scope(text: str) -> bool:
    try:
        check_scope(text)
    except ValueError:
        return False
    return len(text) <= _MAX_SCOPE and text.isprintable()


def cursor(at: datetime, *others: str) -> str:
    """The text that `read_cursor` reads."""
    return (
        base64.urlsafe_b64encode(json.dumps([at.isoformat(), *others], ensure_ascii=False).encode())
        .decode()
        .rstrip("=")
    )


def read_cursor(text: str) -> tuple[datetime, str, str] | None:
    """What a cursor says; None if it is none.

    Example:
        >>> from datetime import UTC
        >>> read_cursor(cursor(datetime(2026, 1, 1, tzinfo=UTC), "a", "b"))
        (datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), 'a', 'b')
        >>> read_cursor("x") is None
        True
    """
    if len(text) > _MAX_CURSOR or not text.isascii():
        return None
    try:
        found: object = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        parts = cast("list[object]", found) if isinstance(found, list) else []
        texts = [part for part in parts if isinstance(part, str) and part.isprintable()]
        if len(parts) != _PARTS or len(texts) != _PARTS:
            return None
        at = datetime.fromisoformat(texts[0])
    except (ValueError, binascii.Error, RecursionError):
        return None
    return (in_utc(at), texts[1], texts[2]) if at.tzinfo else None


def _number(text: str | None, default: int) -> int:
    """The number; 0, which nothing allows, for any other text."""
    if text is None:
        return default
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LIMIT)) else 0
