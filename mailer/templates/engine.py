"""Renders a template object to subject, text and HTML: Jinja2 with the files beside its class.

Decisions, each with its reason:
- An undefined name is an error, not an empty place in a mail that has been sent.
- HTML is escaped, text and subject are not; a field's value is never itself a template.
- What a template's author did wrong is one of our errors, without a way to the values: they may be codes.
- The sandbox is on: a template's author need not be the program's, and gets at values, not at Python.
- A class's files are read once a process.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING

from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined, Template, TemplateSyntaxError
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailer.errors import TemplateError
from mailer.redaction import Secret, redact
from mailer.templates.brand import Brand
from mailer.templates.mjml import LAYOUT, LAYOUT_PREFIX, compile_mjml
from mailer.templates.secret import has_secret, revealed

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    from mailer.templates.base import EmailTemplate


@dataclass(frozen=True, slots=True)
class Rendered:
    """The content of a message; it prints as `***`, for it may hold a code."""

    subject: Secret
    text: Secret
    html: Secret
    has_secret: bool


class _Shown(SimpleNamespace):
    """What a template sees of the brand: plain values."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """The sandbox, which need not judge each of the forty looks that a mail takes at the brand's plain values."""

    def getattr(self, obj: object, attribute: str) -> object:
        if type(obj) is _Shown and attribute in obj.__dict__:
            return obj.__dict__[attribute]
        return super().getattr(obj, attribute)

    def make_globals(self, d: "MutableMapping[str, object] | None") -> "MutableMapping[str, object]":
        """A plain dict. Jinja2's ChainMap would be iterated in Python five times a mail."""
        return {**self.globals, **(d or {})}


@dataclass(frozen=True, slots=True)
class _Files:
    """A template class's files, compiled."""

    subject: Template
    preheader: Template
    text: Template
    html: Template | None


def render(template: "EmailTemplate", brand: "Brand") -> Rendered:
    """Fill a template in.

    Args:
        template: An object of a subclass of `EmailTemplate`.
        brand: Whose mail it is.

    Raises:
        TemplateError: A file is missing or broken, or names something that is not there.
    """
    if not isinstance(brand, Brand):  # pyright: ignore[reportUnnecessaryIsInstance] - not every program is checked
        raise TemplateError("The brand is not a mailer.Brand.", hint='Pass Brand(name="...").')
    kind = type(template)
    fields: dict[str, object] = {name: getattr(template, name) for name in kind.model_fields}
    shown = _shown(brand)  # pyright: ignore[reportArgumentType] - pydantic gives a frozen model its hash
    try:
        return _filled_in(_files(kind), {**fields, "brand": shown, "lang": kind.lang})
    except TemplateError:
        raise
    except Exception as error:  # noqa: BLE001 - an expression of the author's can raise anything
        failure = _failure(kind, error, fields)
    raise failure  # with no way back to the other, whose frames hold what the secrets say


def _filled_in(files: _Files, fields: dict[str, object]) -> Rendered:
    """The parts, in the order in which they may use each other."""
    context: dict[str, object] = {name: revealed(value) for name, value in fields.items()}
    context["subject"] = _one_line(files.subject.render(context))
    context["preheader"] = _one_line(files.preheader.render(context))
    html = files.html.render(context) if files.html else ""
    text = files.text.render(context).strip() + "\n"
    return Rendered(Secret(context["subject"]), Secret(text), Secret(html), any(map(has_secret, fields.values())))


def _failure(kind: "type[EmailTemplate]", error: Exception, fields: dict[str, object]) -> TemplateError:
    """What is wrong. Jinja2 names what it looked for; in the words of other errors there may be anything."""
    where = f" (line {error.lineno})" if isinstance(error, TemplateSyntaxError) else ""
    words = redact(str(error)) if isinstance(error, JinjaError) else type(error).__name__
    for value in fields.values():
        words = words.replace(value.reveal(), str(value)) if isinstance(value, Secret) and value else words
    return TemplateError(
        f"The template {kind.__name__} cannot be rendered{where}: {words}.",
        hint=f"It may use its fields ({', '.join(fields) or 'none'}), brand, subject, preheader and lang.",
    )


@lru_cache(maxsize=64)
def _shown(brand: "Brand") -> _Shown:
    values = {name: getattr(brand, name) for name in type(brand).model_fields}
    return _Shown(**values, on_accent=brand.on_accent)


@cache
def _files(kind: "type[EmailTemplate]") -> _Files:
    if not kind.subject:
        raise TemplateError(f"{kind.__name__} has no subject.", hint="Set `subject` on the class.")
    base = kind.template_folder() / kind.template_name()
    html, plain = _environment(base.parent, escape=True), _environment(base.parent, escape=False)
    page = _html(base)
    return _Files(
        subject=plain.from_string(kind.subject),
        preheader=plain.from_string(kind.preheader),
        text=plain.from_string(_read(base.with_suffix(".txt"), kind)),
        html=html.from_string(page) if page else None,
    )


def _environment(folder: "Path", *, escape: bool) -> _Sandbox:
    """`{% include %}` finds the folder's own files and, under `mailstack/`, those of the layout."""
    layout = PrefixLoader({LAYOUT_PREFIX.rstrip("/"): FileSystemLoader(LAYOUT)})
    return _Sandbox(
        autoescape=escape,
        undefined=StrictUndefined,
        loader=ChoiceLoader([FileSystemLoader(folder), layout]),
        auto_reload=False,  # no `stat` of each included file for every mail
        trim_blocks=not escape,
        lstrip_blocks=not escape,
    )


def _html(base: "Path") -> str:
    """Compiled ahead where that was done, else now; a template with neither file is plain text."""
    compiled, source = base.with_suffix(".html"), base.with_suffix(".mjml")
    if compiled.exists():
        return compiled.read_text(encoding="utf-8")
    return compile_mjml(source) if source.exists() else ""


def _read(path: "Path", kind: "type[EmailTemplate]") -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise TemplateError(
            f"{kind.__name__} has no plain text: {path} cannot be read.",
            hint="Every mail carries plain text; write the file, or set `folder` on the class.",
        ) from error


def _one_line(text: str) -> str:
    return " ".join(text.split())
