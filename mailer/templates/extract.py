"""Reads what templates say, for a gettext catalogue. Not for the catalogue's file; see `mailer.templates.translating`.

Needs Babel, of the extra `locales`.
"""

import ast
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mailer.errors import TemplateError
from mailer.locales import formats
from mailer.templates.mjml import compile_mjml
from mailer.templates.mjml_source import LAYOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from babel.messages import Catalog

_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3)}
_OPTIONS = {"trimmed": "true", "newstyle_gettext": "true", "silent": "false", "encoding": "utf-8"}
_CLASS_LINES = {"subject", "preheader"}


def read(locale: str | None, folders: "Iterable[Path]") -> "Catalog":
    """An empty catalogue of what the templates of these folders say.

    Raises:
        TemplateError: A template cannot be read.
    """
    from babel.messages import Catalog

    catalogue = Catalog(locale, project="templates", fuzzy=False, charset="utf-8")
    for folder in folders:
        for name, text in _sources(folder):
            for message, place in _messages(name, text):
                catalogue.add(message[1], locations=[(place, 0)], context=message[0])
    return catalogue


def own_messages() -> "list[Path]":
    """Folders whose words are ours besides the catalog's: the layout, and the filters."""
    return [LAYOUT, Path(formats.__file__).parent]


def _sources(folder: Path) -> "Iterator[tuple[str, str]]":
    """The templates of a folder as they are rendered, and its Python files."""
    for path in sorted(folder.iterdir()):
        if path.suffix in {".txt", ".html", ".py"}:
            yield path.name, path.read_text(encoding="utf-8")
        elif path.suffix == ".mjml" and not path.with_suffix(".html").exists():
            text = path.read_text(encoding="utf-8")
            yield path.name, compile_mjml(path) if "<mjml" in text else text


def _messages(name: str, text: str) -> "Iterator[tuple[tuple[str | None, str | tuple[str, str]], str]]":
    if not name.endswith(".py"):
        yield from ((message, name) for message in _of_template(name, text))
        return
    from babel.messages.extract import extract

    for source in _class_lines(text):
        yield from ((message, name) for message in _of_template(name, source))
    for _, message, _, context in extract("python", BytesIO(text.encode()), {"ngettext": (1, 2)}):
        yield (context, cast("str | tuple[str, str]", message)), name


def _class_lines(text: str) -> "Iterator[str]":
    """The subjects and preheaders of the classes in a Python file."""
    classes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef))
    for line in (line for kind in classes for line in kind.body):
        targets = (
            line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
        )
        named = {target.id for target in targets if isinstance(target, ast.Name)}
        if (
            named & _CLASS_LINES
            and isinstance(line, ast.Assign | ast.AnnAssign)
            and isinstance(line.value, ast.Constant)
        ):
            yield str(line.value.value)


def _of_template(name: str, text: str) -> "Iterator[tuple[str | None, str | tuple[str, str]]]":
    from babel.messages.extract import extract
    from jinja2 import TemplateSyntaxError
    from jinja2.ext import babel_extract

    try:
        found = list(extract(babel_extract, BytesIO(text.encode()), _KEYWORDS, options=_OPTIONS))  # pyright: ignore[reportArgumentType] - Babel's types leave out contexts
    except TemplateSyntaxError as error:
        raise TemplateError(f"{name} is not a template: {error.message} (line {error.lineno}).") from error
    for _, message, _, context in found:
        yield context, cast("str | tuple[str, str]", message)
