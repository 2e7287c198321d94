"""The commands that the pages about operations name: each exists with its options."""

import re
import shlex
from pathlib import Path

import pytest

from mailer.cli import parser

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGES = ("guides/operations.md", "guides/doctor.md", "reference/command-line.md")
# What a shell takes for itself.
_OF_THE_SHELL = {"<", ">", "|", "&&"}


def commands(page: str) -> list[list[str]]:
    """The arguments of each `mailer` command in the code blocks of a page."""
    text = (DOCS / page).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^(?:    |[\d*]+ [\d*]+ \* \* [\d*]+ +)?mailer (.+)$", text, re.MULTILINE)
    found: list[list[str]] = []
    for line in lines:
        words = shlex.split(line, comments=True)
        end = next((at for at, word in enumerate(words) if word in _OF_THE_SHELL), len(words))
        found.append(words[:end])
    return found


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_exist_with_their_options(page: str):
    found = commands(page)
    assert len(found) >= 5
    for words in found:
        assert parser().parse_args(words)


def test_schedule_names_every_drill():
    from mailer.cli.drill import DRILLS

    drilled = {words[1] for words in commands(PAGES[0]) if words[0] == "drill"}
    assert drilled == set(DRILLS)
