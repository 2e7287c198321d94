"""Suppressions from a CSV or JSON file."""

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO, cast

from mailer.address import Address
from mailer.errors import ConfigurationError, InvalidAddress
from mailer.redaction import mask_all, redact
from mailer.stores.base import Suppression, utcnow
from mailer.stores.transfer.formats import FORMATS, NAMES, Format, Row, iso, plain
from mailer.stores.transfer.writing import FORMULA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailer.stores.base import Reason

# Characters of a file that is JSON, and of a detail.
MAX_JSON, MAX_DETAIL = 50_000_000, 1000


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for all rows of a file.

    Attributes:
        reason: Replaces the reason that the format gives; None for none.
        scope: The scope of rows that name none.
        actor: Who imports.
        source: The evidence of rows that have none.
    """

    reason: "Reason | None" = None
    scope: str = ""
    actor: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that is not a suppression.

    Attributes:
        line: Its number; the header is line 1.
        words: What is wrong; addresses in it are masked.
    """

    line: int
    words: str


def read(file: TextIO, name: str, chosen: str | None, defaults: Defaults) -> "Iterator[Suppression | Problem]":
    """The rows of a file, one by one.

    Args:
        file: CSV with a header, or the JSON of Postmark's suppression dump. A byte order mark is skipped.
        name: What errors call the file.
        chosen: The name of its format. Default: recognised by its columns.
        defaults: What holds for all rows.

    Raises:
        ConfigurationError: The format is not recognised, or the file is not text.
    """
    try:
        header, rows = _table(file)
        form = _format(header, name, chosen)
        for line, row in rows:
            yield _row(line, row, form, defaults)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not text in UTF-8.", hint="Export it again as CSV in UTF-8.") from error
    except (csv.Error, json.JSONDecodeError, RecursionError) as error:
        words = f"{name} cannot be read: {redact(str(error))}."
        raise ConfigurationError(words, hint="Export it again as CSV, with a header.") from error


def _table(file: TextIO) -> "tuple[set[str], Iterable[tuple[int, Row]]]":
    first = file.readline().lstrip("\ufeff")
    if first.lstrip()[:1] in ("{", "["):
        rows = list(_of_json(first + file.read(MAX_JSON)))
        return {column for row in rows[:1] for column in row}, enumerate(rows, 1)
    lines = csv.reader(_chain(first, file), strict=True)
    header = [plain(cell) for cell in next(lines, list[str]())]
    return set(header), ((lines.line_num, dict(zip(header, line, strict=False))) for line in lines if any(line))


def _chain(first: str, rest: TextIO) -> "Iterator[str]":
    yield first
    yield from rest


def _of_json(text: str) -> "Iterator[Row]":
    value: object = json.loads(text)
    listed: object = cast("dict[str, object]", value).get("Suppressions") if isinstance(value, dict) else value
    for item in cast("list[object]", listed) if isinstance(listed, list) else []:
        if isinstance(item, dict):
            yield {plain(name): str(field) for name, field in cast("dict[str, object]", item).items()}


def _format(header: set[str], name: str, chosen: str | None) -> Format:
    fitting = [one for one in FORMATS if one.columns <= header and chosen in (None, one.name)]
    if fitting:
        return fitting[0]
    found = ", ".join(sorted(header)[:12]) or "none"
    if chosen:
        needed = ", ".join(sorted(next(one.columns for one in FORMATS if one.name == chosen)))
        words = f"{name} is not a file of {chosen}: its columns are {found}, and {needed} are needed."
        raise ConfigurationError(words, hint="Leave --from out to have the format recognised.")
    words = f"The format of {name} is not known: its columns are {found}."
    raise ConfigurationError(words, hint=f"Name one of {', '.join(NAMES)} with --from, or rename the columns.")


def _row(line: int, row: Row, form: Format, defaults: Defaults) -> Suppression | Problem:
    try:
        reason = defaults.reason or form.reason(row)
        time = row.get(form.time, "").strip()
        ends = row.get("expiresat", "").strip()
        own = form.name == "mailstack"
        detail = " ".join(filter(None, (_cell(row.get(column, "")).strip() for column in form.details)))
        return Suppression(
            Address.parse(_cell(row.get(form.address, ""))).email,
            reason,
            (redact(detail) or defaults.source)[:MAX_DETAIL],
            form.moment(time) if time else utcnow(),
            row.get("messageid", "") if own else "",
            row.get("feedbackid", "") if own else "",
            iso(ends) if own and ends else None,
            (own and row.get("scope", "").strip()) or defaults.scope,
            (own and _cell(row.get("actor", ""))) or defaults.actor,
        )
    except InvalidAddress as error:
        return Problem(line, error.message)
    except (ValueError, OverflowError) as error:
        return Problem(line, mask_all(str(error)))


def _cell(text: str) -> str:
    """The text without the quote that `writing` puts before what a spreadsheet would run."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text
