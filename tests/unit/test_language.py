"""Texts use plain English: no words that have a usual equivalent or a term in the field."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("mailer", "infra", "lambdas", "localcloud", "demo", "examples", "template", "tools", "benchmarks", "docs")
SUFFIXES = {".py", ".md", ".toml", ".yaml", ".js", ".html", ".mjml"}
# Each with what to write instead.
REPLACED = {
    r"told": "notified, configured, reported",
    r"anew": "again; restart, rewrite",
    r"mend(s|ed|ing)?": "fix",
    r"heed(s|ed|ing)?": "respect, apply",
    r"amiss": "wrong",
    r"who(m|so)?ever": "the actor: the user, the relay",
    r"hears? of": "get, receive",
    r"stands? beside": "is beside, is compared with",
}
_ANY = re.compile(r"\b(" + "|".join(REPLACED) + r")\b", re.IGNORECASE)


def texts() -> Iterator[Path]:
    yield from ROOT.glob("*.md")
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            inside = set(path.relative_to(ROOT).parts)
            if path.suffix in SUFFIXES and path.is_file() and not inside & {".venv", "node_modules", "tests"}:
                yield path


def test_texts_use_the_usual_words():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {word.group()}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (word := _ANY.search(line))
    ]
    assert found == []


def test_replaced_words_are_found():
    assert [word for word in ("whoever", "mended", "told", "heeds", "hears of") if not _ANY.fullmatch(word)] == []
    assert not _ANY.search("Commend an untold amendment.")
