"""The text of an MJML template, put together from its files; it knows which file and line each character comes from.

Includes and inheritance are resolved here, before anything is compiled. Not for what the text means; see
`mailer.templates.mjml_check`.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Fragments that every folder may include: <mj-include path="mailstack/head.mjml" />
LAYOUT = Path(__file__).parent / "layout"
LAYOUT_PREFIX = "mailstack/"
_MAX_DEPTH = 8
_INCLUDE = re.compile(
    r"<mj-include\s(?P<attributes>[^<>]*?)/?>(?:\s*</mj-include>)?"
    r"""|\{%-?\s*include\s+["'](?P<jinja>[^"'{}%]+\.mjml)["']\s*-?%\}"""
)
_ATTRIBUTE = re.compile(r"""(?<![a-z-])([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_EXTENDS = re.compile(r"""\s*(?:\{#(?:[^#]|#(?!\}))*#\}\s*)*\{%-?\s*extends\s+["']([^"'{}%]+)["']\s*-?%\}""", re.DOTALL)
_BLOCK = re.compile(r"\{%-?\s*(?:(?P<end>endblock)(?:\s+\w+)?|block\s+(?P<name>\w+))\s*-?%\}")
_SUPER = re.compile(r"\{\{-?\s*super\(\)\s*-?\}\}")
# The text around a file that is included as another language than MJML.
_AROUND = {"css": ("<mj-style>", "</mj-style>"), "html": ("<mj-raw>", "</mj-raw>")}


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file: `text` begins at `start` of the file's own text `whole`."""

    path: Path
    whole: str
    start: int
    text: str


@dataclass(frozen=True)
class Source:
    """Text from one file or several."""

    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, path: Path) -> "Source":
        """The text of one file.

        Raises:
            TemplateError: It cannot be read.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:  # the latter for bytes that are no text
            raise TemplateError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
        return cls((Piece(path, text, 0, text),))

    @classmethod
    def joined(cls, parts: "Sequence[Source]") -> "Source":
        """Several texts, one after the other."""
        return cls(tuple(piece for part in parts for piece in part.pieces))

    @cached_property
    def text(self) -> str:
        """The whole text."""
        return "".join(piece.text for piece in self.pieces)

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for piece in self.pieces:
            starts.append(starts[-1] + len(piece.text))
        return starts

    def place(self, offset: int) -> Place:
        """Where a character comes from."""
        index = min(bisect_right(self._starts, offset) - 1, len(self.pieces) - 1)
        piece = self.pieces[index]
        within = piece.start + offset - self._starts[index]
        return Place(piece.path, piece.whole.count("\n", 0, within) + 1)

    def part(self, start: int, end: int | None = None) -> "Source":
        """A part of the text."""
        end = len(self.text) if end is None else end
        return Source(tuple(self._cut(start, end)))

    def _cut(self, start: int, end: int) -> "Iterator[Piece]":
        for begin, piece in zip(self._starts, self.pieces, strict=False):
            low, high = max(start - begin, 0), min(end - begin, len(piece.text))
            if low < high:
                yield replace(piece, start=piece.start + low, text=piece.text[low:high])


def load(path: Path, folders: "Sequence[Path]" = ()) -> Source:
    """A template's whole text, with its includes and what it inherits in place.

    Args:
        path: The `.mjml` file.
        folders: Where included files are looked for before the layout and after the file's own folder.

    Raises:
        TemplateError: A file is not there, includes itself, or a block has no end.
    """
    source = _inherited(path, folders, 0)
    list(_blocks(source))  # raises where one has no end
    return source


def is_page(path: Path) -> bool:
    """Whether a file is a whole page, by itself or by what it extends; others are fragments to be included."""
    text = path.read_text(encoding="utf-8")
    return "<mjml" in text or bool(_EXTENDS.match(text))


def _inherited(path: Path, folders: "Sequence[Path]", depth: int) -> Source:
    """The text with what it includes; if it extends another, that one's text with this one's blocks."""
    source = _included(Source.of(path), path, folders, depth)
    extends = _EXTENDS.match(source.text)
    if not extends:
        return source
    parent = _inherited(_found(extends[1], source, extends.start(1), path, folders, depth), folders, depth + 1)
    own = {name: source.part(*inner) for name, inner in _blocks(source)}
    known = {name for name, _ in _blocks(parent)}
    if unknown := sorted(own.keys() - known):
        raise TemplateError(
            f"{path.name} has the block {', '.join(unknown)}, which {extends[1]} has not.",
            hint=f"Its blocks are {', '.join(sorted(known)) or 'none'}.",
        )
    return _replaced(parent, own)


def _included(source: Source, path: Path, folders: "Sequence[Path]", depth: int) -> Source:
    """The text with its includes in place; mrml's own do not hand the page's width on to what they include."""
    parts: list[Source] = []
    end = 0
    for found in _INCLUDE.finditer(source.text):
        parts += [source.part(end, found.start()), _include(found, source, path, folders, depth)]
        end = found.end()
    return Source.joined([*parts, source.part(end)]) if parts else source


def _include(found: re.Match[str], source: Source, path: Path, folders: "Sequence[Path]", depth: int) -> Source:
    pairs = _ATTRIBUTE.findall(found["attributes"] or "")
    given: dict[str, str] = {name: double or single for name, double, single in pairs}
    name = found["jinja"] or given.get("path", "")
    target = _found(name, source, found.start(), path, folders, depth)
    if given.get("type", "mjml") not in _AROUND:
        return _inherited(target, folders, depth + 1)
    before, after = (
        Source((Piece(path, piece.whole, found.start(), text),))
        for text in _AROUND[given["type"]]
        for piece in source.pieces[:1]
    )
    return Source.joined([before, Source.of(target), after])


def _found(name: str, source: Source, offset: int, path: Path, folders: "Sequence[Path]", depth: int) -> Path:
    """The file that a template names: beside it, in the user's folders, or in the layout."""
    candidates = [folder / name for folder in (path.parent, *folders)]
    if name.startswith(LAYOUT_PREFIX):
        candidates = [*candidates[1:], LAYOUT / name.removeprefix(LAYOUT_PREFIX)]
    target = next((one for one in candidates if one.is_file()), None)
    if target is None or depth == _MAX_DEPTH:
        raise TemplateError(
            f"{source.place(offset)} includes {name}, which {'is not there' if target is None else 'includes itself'}.",
            hint=f"Give a path from its own folder, or one of the layout's: {LAYOUT_PREFIX}head.mjml.",
        )
    return target


def _blocks(source: Source) -> "Iterator[tuple[str, tuple[int, int]]]":
    """Each block's name and where its content begins and ends, inner blocks before outer ones."""
    stack: list[tuple[str, int, int]] = []
    for tag in _BLOCK.finditer(source.text):
        if not tag["end"]:
            stack.append((tag["name"], tag.end(), tag.start()))
        elif stack:
            name, start, _ = stack.pop()
            yield name, (start, tag.start())
        else:
            raise TemplateError(f"{source.place(tag.start())} has an endblock without a block.")
    if stack:
        name, _, start = stack[-1]
        raise TemplateError(f"{source.place(start)} has a block {name} without an endblock.")


def _replaced(parent: Source, own: "dict[str, Source]") -> Source:
    """The parent's text with the blocks that a child has; `{{ super() }}` is the parent's own content."""
    outer = sorted((inner, name) for name, inner in _blocks(parent) if name in own)
    parts: list[Source] = []
    end = 0
    for (start, stop), name in outer:
        if start < end:  # in a block that was replaced
            continue
        parts += [parent.part(end, start), _with_super(own[name], parent.part(start, stop))]
        end = stop
    return Source.joined([*parts, parent.part(end)])


def _with_super(child: Source, content: Source) -> Source:
    parts: list[Source] = []
    end = 0
    for call in _SUPER.finditer(child.text):
        parts += [child.part(end, call.start()), content]
        end = call.end()
    return Source.joined([*parts, child.part(end)])
