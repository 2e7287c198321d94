"""The rows of a CSV file as mails. Not for sending them."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mailer.errors import ConfigurationError

TO = "to"
_HINT = "Write UTF-8 with a header: the column `to`, and a column for each field of the template."


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is one mail.

    Attributes:
        line: Its number in the file, from 2 after the header. A value with line breaks counts as one row's lines.
        to: The recipient.
        fields: The other columns; empty cells are left out, so that a field's default applies.
    """

    line: int
    to: str
    fields: Mapping[str, str]


def rows(path: Path) -> Iterator[Row]:
    """Read a file row by row; rows without any value are skipped.

    Raises:
        ConfigurationError: It cannot be read, has no column `to`, or a row has more cells than the header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = list(reader.fieldnames or ())
            if TO not in names or len(set(names)) < len(names):
                found = ", ".join(names) or "none"
                raise ConfigurationError(
                    f"{path} needs the column `to` and no column twice; it has: {found}.", hint=_HINT
                )
            for cells in reader:
                if None in cells or None in cells.values():
                    raise ConfigurationError(
                        f"{path}, line {reader.line_num}: the row has more or fewer cells than the header.",
                        hint="Quote values that contain a comma.",
                    )
                values = {name: value.strip() for name, value in cells.items() if value.strip()}
                if values:
                    yield Row(reader.line_num, values.pop(TO, ""), values)
    except (OSError, UnicodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(f"{path} cannot be read: {why}.", hint=_HINT) from error
