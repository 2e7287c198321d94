"""Compares the pages of the catalog, as we compile them, with those of the reference compiler: `make mjml`.

Needs npm, Node.js and the npm registry; the library and its tests need none of them. Both compilers get the same MJML,
and must give the same text and the same elements with the same links, images, alignment and widths. The reference
compiler must find no mistake that ours accepts.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mailer.quality.page import Element, read
from mailer.templates.mjml import compiled, prepared
from mailer.templates.mjml_check import check
from mailer.templates.mjml_source import is_page, load
from tools.mjml.tables import VERSION, installed, run

CATALOG = Path(__file__).parents[2] / "mailer" / "catalog"
_COMPARED = ("href", "src", "alt", "align", "width", "bgcolor")
_TAGS = frozenset({"a", "img", "table", "td", "tr", "div", "h1", "h2", "p"})
# Words that stand for Jinja2 are no colours.
_OF_JINJA = re.compile(r"invalid value: jinja\d+end")


def main() -> None:
    """Compare every page; exit 1 where they differ."""
    pages = {
        path.relative_to(CATALOG).as_posix(): _prepared(path)
        for path in sorted(CATALOG.rglob("*.mjml"))
        if is_page(path)
    }
    with tempfile.TemporaryDirectory() as folder:
        installed(Path(folder))
        answer = run(Path(folder), "reference.js", json.dumps(pages))
    theirs: Mapping[str, Any] = json.loads(answer)
    problems = [line for name, text in pages.items() for line in _differences(name, text, theirs[name])]
    print("\n".join(problems) or f"{len(pages)} pages are as MJML {VERSION} compiles them")
    sys.exit(bool(problems))


def _prepared(path: Path) -> str:
    source = load(path)
    return prepared(source, check(source))[0]


def _differences(name: str, text: str, theirs: Mapping[str, Any]) -> Iterator[str]:
    for error in theirs["errors"]:
        if not _OF_JINJA.search(error):
            yield f"{name}: only the reference compiler says: {error}"
    ours, others = read(compiled(Path(name), text)), read(theirs["html"])
    if ours.text != others.text:
        yield f"{name}: the text differs"
    one, other = list(map(_described, _kept(ours.elements))), list(map(_described, _kept(others.elements)))
    first = next((pair for pair in zip(one, other, strict=False) if pair[0] != pair[1]), None)
    if first or len(one) != len(other):
        yield f"{name}: {len(one)} elements here, {len(other)} there; the first that differ: {first}"


def _kept(elements: list[Element]) -> Iterator[Element]:
    return (element for element in elements if element.tag in _TAGS)


def _described(element: Element) -> tuple[str, ...]:
    return (element.tag, *(element.attributes.get(name, "") for name in _COMPARED))


if __name__ == "__main__":
    main()
