"""What was measured, as tables: for the terminal, as JSON, and in docs/development/performance.md between markers."""

import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.sending.measures import Row

DOCS = Path(__file__).parents[2] / "docs" / "development"
BEGIN, END = "<!-- written by `make bench`: -->", "<!-- end of what `make bench` writes -->"
_PEERS = ("boto3", "django-ses", "django-anymail")
_NOTHING = "-"


@dataclass(frozen=True)
class Section:
    """One table.

    Attributes:
        title: Its heading.
        note: How to read it.
        rows: By name; None where a column does not apply.
    """

    title: str
    note: str
    rows: dict[str, Row]

    def table(self) -> str:
        columns = list(next(iter(self.rows.values())))
        cells = [[name, *(_cell(row[column], column) for column in columns)] for name, row in self.rows.items()]
        lines = [["", *columns], *cells]
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns) + 1)]
        first, *others = ["| " + " | ".join(_padded(line, widths)) + " |" for line in lines]
        rule = "| " + " | ".join([f"{'-' * widths[0]}", *(f"{'-' * (width - 1)}:" for width in widths[1:])]) + " |"
        return "\n".join([first, rule, *others])


def _cell(value: float | None, column: str) -> str:
    if value is None:
        return _NOTHING
    digits = 2 if "/" in column else 1 if column.startswith(("MB", "growth")) else 0
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if not float(text.replace(",", "")) else text


def _padded(line: list[str], widths: list[int]) -> list[str]:
    return [line[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))]


def conditions() -> dict[str, str]:
    """Under which the figures hold. No name of the machine."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        **{name: version(name) for name in _PEERS},
    }


def as_data(sections: list[Section], facts: dict[str, str]) -> dict[str, object]:
    return {"conditions": facts, "sections": [asdict(section) for section in sections]}


def markdown(sections: list[Section], facts: dict[str, str], picture: str, alternative: str) -> str:
    parts = [f"![{alternative}]({picture})", _measured(facts, _PEERS)]
    for section in sections:
        parts += [f"### {section.title}", section.note, section.table()]
    return "\n\n".join(parts)


def write_section(section: Section, peers: Iterable[str], markers: tuple[str, str]) -> None:
    """Replace the figures of one section in docs/development/performance.md."""
    text = f"{_measured(conditions(), peers)} {section.note}\n\n{section.table()}"
    write_between_markers(DOCS / "performance.md", text, markers)


def _measured(facts: dict[str, str], peers: Iterable[str]) -> str:
    return (
        f"Measured on {facts['date']}: Python {facts['python']}, {facts['system']}, {facts['cores']} cores, "
        f"load average {facts['load']} when the run ended; {', '.join(f'{name} {version(name)}' for name in peers)}."
    )


def write_between_markers(page: Path, text: str, markers: tuple[str, str] = (BEGIN, END)) -> None:
    """Replace what a former run wrote; everything else of the page is a person's."""
    first, last = markers
    before, begin, rest = page.read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise SystemExit(f"{page} lacks the line {first} or {last}; what is measured is written between them.")
    page.write_text(f"{before}{first}\n\n{text}\n\n{last}{after}", encoding="utf-8")
