"""What the command line writes: lines, tables and JSON to standard output, errors to standard error."""

import json
import os
import sys
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailer.errors import MailerError


def line(text: str = "") -> None:
    """Write a line."""
    sys.stdout.write(f"{text}\n")


def flush() -> None:
    """Flush, so that a closed pipe raises here and not when Python exits."""
    sys.stdout.flush()


def close() -> None:
    """Discard further output: Python would report the closed pipe when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_confirmed(question: str, verb: str) -> bool:
    """Ask a person; anything but yes is no.

    Args:
        question: In one line.
        verb: What `--yes` does without asking, for the error message.

    Raises:
        ConfigurationError: There is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        hint = f"Add --yes to {verb} without confirmation."
        raise ConfigurationError("Confirmation needs a terminal.", hint=hint)
    sys.stdout.write(f"{question} [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


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
    """Write an error and its hint."""
    sys.stderr.write(f"mailer: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"        {error.hint}\n")
