"""Links and paths: each names a file, and a section, that this repository has. What pages say is tested elsewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("docs", "mailer", "infra", "lambdas", "localcloud", "demo", "examples", "template", "benchmarks", "tools")
OTHERS = ("tests", ".github", ".ci", ".devcontainer")
TEXTS = {".md", ".py", ".yaml", ".yml", ".toml", ".txt", ".json", ".html"}
FOLDERS = ("docs", ".github", "localcloud", "examples", "tests")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])

FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<path>[^)\s#:]*)(?:#(?P<section>[^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# As in code, errors, settings: "docs/guides/dns.md", with a backslash where a pattern holds it.
MENTION = re.compile(r"(?<![\w/.-])docs/(?P<path>[\w/-]*\w\\?\.(?:md|json|svg))(?:#(?P<section>[\w-]+))?")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them (github/markup's table of contents filter)."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = base = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 0
        while anchor in found:
            number += 1
            anchor = f"{base}-{number}"
        found.add(anchor)
    return found


def dead_links(page: Path) -> Iterator[str]:
    for link in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        target = (page.parent / link["path"]).resolve() if link["path"] else page
        section = link["section"] if target.suffix == ".md" else None
        if not target.exists() or (section and section not in anchors(target)):
            yield link[0]


def texts() -> Iterator[Path]:
    """Every file of text that somebody wrote."""
    for part in (*CODE, *OTHERS):
        for file in (ROOT / part).rglob("*"):
            if file.suffix in TEXTS and not any(name.startswith((".venv", ".build", "__py")) for name in file.parts):
                yield file
    yield from (file for file in ROOT.iterdir() if file.suffix in TEXTS or file.name == "Makefile")


def dead_mentions(text: str) -> Iterator[str]:
    for mention in MENTION.finditer(text):
        target = ROOT / "docs" / mention["path"].replace("\\", "")
        if not target.exists() or (mention["section"] and mention["section"] not in anchors(target)):
            yield mention[0]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_of_a_page_lead_somewhere(page: Path):
    assert list(dead_links(page)) == []


def test_docs_paths_in_code_and_messages_exist():
    dead = {relative(file): found for file in texts() if (found := list(dead_mentions(file.read_text("utf-8"))))}
    dead.pop(relative(Path(__file__)), None)
    assert dead == {}


def test_dead_links_and_mentions_are_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# A `b`, c\n\n[](#a-b-c) [](#d) [](none.md) [](https://example.com/x)\n\n```\n[](in/code)\n```\n")
    assert list(dead_links(page)) == ["](#d)", "](none.md)"]
    assert list(dead_mentions("see docs/none.md, docs/README.md#none, https://example.com/docs/x.md")) == [
        "docs/none.md",
        "docs/README.md#none",
    ]


def test_every_page_of_docs_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / link["path"]).resolve() for link in LINK.finditer(index)}
    pages = set((ROOT / "docs").rglob("*.md")) - {ROOT / "docs" / "README.md"}
    assert {relative(page) for page in pages - linked} == set()
