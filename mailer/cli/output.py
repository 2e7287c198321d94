"""What the command line writes: lines, tables and JSON to standard output, complaints to standard error."""

import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailer.errors import MailerError


def line(text: str = "") -> None:
    """Write a line."""
    sys.stdout.write(f"{text}\n")


def flush() -> None:
    """Write what is still held back, so that a closed pipe shows now and not when Python ends."""
    sys.stdout.flush()


def close() -> None:
    """Write nothing more: nobody reads it, and Python would complain of the closed pipe when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def as_json(value: object) -> None:
    """Write a value, indented, for people and programs."""
    line(json.dumps(value, indent=2, ensure_ascii=False))


def table(rows: "Iterable[Sequence[str]]") -> None:
    """Write rows in columns; the last column is not padded."""
    rows = list(rows)
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(max(map(len, rows), default=0))]
    for row in rows:
        line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip())


def complain(error: "MailerError") -> None:
    """Say what is wrong and what to do next."""
    sys.stderr.write(f"mailer: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"        {error.hint}\n")
