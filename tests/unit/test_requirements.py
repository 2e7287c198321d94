"""docs/requirements.md: each row has a state, what works is shown somewhere, and the counts are right."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "requirements.md"
STATES = ("works", "not seen", "outside")
_SHOWN = re.compile(r"\]\([^)]+\)")


def rows() -> Iterator[tuple[str, str, str]]:
    """Requirement, state and place of each row below the summary."""
    for line in PAGE.read_text(encoding="utf-8").partition("\n## ")[2].splitlines():
        if line.startswith("| ") and not line.startswith(("| requirement |", "| --- |")):
            requirement, state, place = (cell.strip() for cell in line.removeprefix("|").split("|")[:3])
            yield requirement, state, place


def test_requirement_has_a_known_state():
    assert [row for row in rows() if row[1] not in STATES] == []
    assert len(list(rows())) > 300


def test_requirement_that_works_is_shown():
    assert [row for row in rows() if row[1] in {"works", "not seen"} and not _SHOWN.search(row[2])] == []


def test_requirement_that_was_not_seen_says_where():
    assert [row for row in rows() if row[1] == "not seen" and not _SHOWN.sub("", row[2]).strip("[]`, ")] == []


def test_summary_of_requirements_is_right():
    summary = PAGE.read_text(encoding="utf-8").partition("\n## ")[0]
    counts = Counter(state for _, state, _ in rows())
    written = {name: int(count) for name, count in re.findall(r"^\| ([a-z ]+) \| (\d+) \|", summary, re.MULTILINE)}
    assert Counter(written) == counts
