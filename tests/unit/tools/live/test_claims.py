"""The table of claims and the marks in the documentation: each mark has a row, and each row a mark."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tools.live.claims import CLAIMS, Claim
from tools.live.steps import STEPS

ROOT = Path(__file__).parents[4]
# The page about the claims; it has them all.
GUIDE = ROOT / "docs" / "guides" / "live-check.md"
PAGES = sorted({ROOT / "README.md", ROOT / "localcloud" / "README.md", *(ROOT / "docs").rglob("*.md")} - {GUIDE})
MARK = re.compile(r"\bnot (?:been )?verified against (?:live|a live)\b", re.IGNORECASE)
# Other words for the same, which a reader and this test would not find.
UNMARKED = re.compile(
    r"\bnobody has (?:seen|tried|run|verified)\b[^.]{0,80}\b(?:AWS|SES|SNS|CloudWatch|tenant)\b"
    r"|\bunverified:|\bnot (?:yet )?seen on|not verified on live"
    r"|has been verified against live",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^(?=\s*(?:- |\d+\. |\|))", re.MULTILINE)


def plain(text: str) -> str:
    return " ".join(text.split())


def blocks(text: str) -> Iterator[str]:
    """Paragraphs, list items and rows of tables."""
    for paragraph in text.split("\n\n"):
        yield from (plain(part) for part in _ITEM.split(paragraph) if part.strip())


def marked(text: str) -> Iterator[str]:
    """The marked blocks; under a marked heading, each item of the section's list."""
    for section in re.split(r"^(?=#)", text, flags=re.MULTILINE):
        heading, _, body = section.partition("\n") if section.startswith("#") else ("", "", section)
        if MARK.search(plain(heading)):
            yield from (block for block in blocks(body) if block.startswith("- "))
        else:
            yield from (block for block in blocks(body) if MARK.search(block))


@cache
def pages() -> dict[str, str]:
    return {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}


def test_each_mark_has_a_row():
    missing = [
        (page, block)
        for page, text in pages().items()
        for block in marked(text)
        if not any(claim.page == page and claim.words in block for claim in CLAIMS)
    ]
    assert missing == []


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_each_row_has_a_mark(claim: Claim):
    assert any(claim.words in block for block in marked(pages()[claim.page]))


def test_marks_have_the_same_words_everywhere():
    assert [(page, found[0]) for page, text in pages().items() for found in UNMARKED.finditer(plain(text))] == []


def test_marks_without_a_row_are_found():
    text = "# A\n\n- one\n- two is not\n  verified against live AWS\n\n## Not verified against live AWS\n\n- three\n"
    assert list(marked(text)) == ["- two is not verified against live AWS", "- three"]


def test_keys_are_unique():
    keys = [claim.key for claim in CLAIMS]
    assert len(keys) == len(set(keys))


def test_each_step_that_a_row_names_exists():
    assert {claim.step for claim in CLAIMS if claim.step} <= {step.name for step in STEPS}


def test_row_names_a_step_or_what_a_person_does():
    with pytest.raises(ValueError, match="give a step"):
        Claim("x", "README.md", "x", "x")
