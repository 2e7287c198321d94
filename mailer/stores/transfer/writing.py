"""Suppressions as CSV, for a spreadsheet or another store."""

import csv
from typing import TYPE_CHECKING, TextIO

from mailer.stores.transfer.formats import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailer.stores.base import Suppression

# What a spreadsheet takes for a formula; details are words of strangers' servers.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(file: TextIO, rows: "Iterable[Suppression]") -> int:
    """Write a header and the rows; return how many rows there are."""
    table, count = csv.writer(file, lineterminator="\n"), 0
    table.writerow(COLUMNS)
    for row in rows:
        table.writerow([_cell(value) for value in cells(row).values()])
        count += 1
    return count


def cells(row: "Suppression") -> dict[str, str]:
    """A suppression as texts, by column."""
    values = {name: getattr(row, name) for name in COLUMNS}
    moments = {name: values[name].isoformat() if values[name] else "" for name in ("created_at", "expires_at")}
    return {**values, **moments}


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
