"""`mailer suppressions import` and `export`: CSV of our own, and the exports of other providers."""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mailer.cli.output import as_json, line, table
from mailer.cli.places import actor_of, add_store_options, opened
from mailer.cli.suppressions.changes import NOT_CHANGED, scope_of
from mailer.errors import ConfigurationError
from mailer.stores.base import REASONS, PutOutcome
from mailer.stores.transfer.formats import NAMES
from mailer.stores.transfer.reading import Defaults, Problem, read
from mailer.stores.transfer.writing import write

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Generator, Iterable, Iterator
    from typing import TypeVar

    from mailer.stores.base import Suppression, SuppressionStore

    Item = TypeVar("Item")

STANDARD = "-"
# Rows between two reports of progress, and problems that are shown one by one.
STEP, SHOWN = 1000, 20
# Rows of a store that are exported.
EVERYTHING = 100_000_000


def configure(add: "Callable[[str, str], ArgumentParser]") -> None:
    """Add the subcommands."""
    command = add("import", "add the addresses of a CSV file, or of another provider's export")
    command.add_argument("file", metavar="FILE", help="- for standard input")
    add_store_options(command)
    command.add_argument(
        "--from", dest="form", choices=NAMES, help="the format; recognised by its columns when left out"
    )
    command.add_argument("--reason", choices=REASONS, help="replaces the reason of every row")
    command.add_argument("--scope", type=scope_of, default="", help="stream:NAME or tenant:NAME; default: all mail")
    command.add_argument("--actor", default="", metavar="NAME", help="who; default: the user and the machine")
    command.add_argument("--dry-run", action="store_true", help="read the file, change nothing; needs no store")
    command.add_argument("--json", action="store_true", help="the counts as JSON")
    command.set_defaults(act=_import)

    command = add("export", "write the list as CSV, which `import` reads")
    command.add_argument("file", nargs="?", default=STANDARD, metavar="FILE", help="standard output when left out")
    add_store_options(command)
    command.set_defaults(act=_export)


def _import(given: "Namespace") -> int:
    name = "standard input" if given.file == STANDARD else str(given.file)
    defaults = Defaults(given.reason, given.scope, actor_of(given), f"imported from {Path(name).name}")
    with _reading(given.file) as file:
        rows = _with_progress(read(file, name, given.form, defaults))
        if given.dry_run:
            counts, problems = _count(rows, None)
        else:
            with opened(given, creates=True) as store:
                counts, problems = _count(rows, store.suppressions)
    if given.json:
        as_json({**counts, "problems": [{"line": one.line, "problem": one.words} for one in problems]})
    else:
        table((words, str(count)) for words, count in counts.items())
        for one in problems[:SHOWN]:
            line(f"line {one.line}: {one.words}")
        if len(problems) > SHOWN:
            line(f"… and {len(problems) - SHOWN} more; --json lists all.")
    return NOT_CHANGED if problems else 0


# Outcomes of a row, as the summary words them.
_WORDS = {
    PutOutcome.WRITTEN: "suppressed",
    PutOutcome.OUTRANKED: "already suppressed",
    PutOutcome.REMOVED_SINCE: "removed since",
}
_UNREADABLE, _READABLE = "not readable", "would be suppressed"


def _count(
    rows: "Iterable[Suppression | Problem]", store: "SuppressionStore | None"
) -> tuple[dict[str, int], list[Problem]]:
    counts = dict.fromkeys([*(_WORDS.values() if store else [_READABLE]), _UNREADABLE], 0)
    problems: list[Problem] = []
    for row in rows:
        if isinstance(row, Problem):
            problems.append(row)
            counts[_UNREADABLE] += 1
        else:
            counts[_WORDS[store.put(row)] if store else _READABLE] += 1
    return counts, problems


def _export(given: "Namespace") -> int:
    with opened(given) as store, _writing(given.file) as file:
        count = write(file, _with_progress(store.suppressions.iterate(limit=EVERYTHING)))
    if given.file != STANDARD:
        line(f"{count} suppressions were written to {given.file}.")
    return 0


def _with_progress(rows: "Iterable[Item]") -> "Iterator[Item]":
    """Yield the rows, and show their number so far on a terminal."""
    shows, count = sys.stderr.isatty(), 0
    for row in rows:
        yield row
        count += 1
        if shows and count % STEP == 0:
            sys.stderr.write(f"\r{count} rows")
            sys.stderr.flush()
    if shows and count >= STEP:
        sys.stderr.write("\r\033[K")


@contextmanager
def _reading(name: str) -> "Generator[TextIO]":
    if name == STANDARD:
        yield sys.stdin
        return
    try:
        file = Path(name).open(encoding="utf-8", newline="")  # noqa: SIM115 - closed below
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}.", hint="Name a CSV file.") from error
    with file:
        yield file


@contextmanager
def _writing(name: str) -> "Generator[TextIO]":
    """The file, readable by its owner alone: it holds addresses."""
    if name == STANDARD:
        yield sys.stdout
        return
    try:
        Path(name).touch(mode=0o600)
        file = Path(name).open("w", encoding="utf-8", newline="")  # noqa: SIM115 - closed below
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be written: {error.strerror}.", hint="Name another file.") from error
    with file:
        yield file
