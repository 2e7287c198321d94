"""Renders a template object to subject, text and HTML: Jinja2 with the files beside its class.

Decisions, each with its reason:
- An undefined name is an error, not an empty place in a mail that has been sent.
- HTML is escaped, text and subject are not; a field's value is never itself a template.
- What a template's author did wrong is one of our errors, without a way to the values: they may be codes.
- The sandbox is on: a template's author need not be the program's, and gets at values, not at Python.
- A class's files are read and compiled once a process. After `REPEATED` mails of one class and brand they are compiled
  again with the brand's values as constants. Compiling costs as much as a thousand mails save, so a program with a
  brand for each customer does not do it for each.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING

from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined, nodes
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailer.errors import TemplateError
from mailer.locales import catalogues
from mailer.locales.extension import translate
from mailer.locales.formats import filters
from mailer.locales.language import Language
from mailer.redaction import Secret, redact
from mailer.templates import isolation, links, localization, palette
from mailer.templates.brand import Brand
from mailer.templates.files import TemplateFiles
from mailer.templates.flatten import joined, with_includes
from mailer.templates.isolation import with_isolation
from mailer.templates.mjml_source import LAYOUT, LAYOUT_PREFIX
from mailer.templates.parts import ONE_LANGUAGE, Files, Fixed, parts, second_content
from mailer.templates.secret import has_secret, revealed
from mailer.templates.specialise import specialised

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from gettext import NullTranslations
    from pathlib import Path

    from jinja2 import Template

    from mailer.templates.base import EmailTemplate
    from mailer.templates.isolation import Isolate

REPEATED = 100


@dataclass(frozen=True, slots=True)
class Rendered:
    """The content of a message; it prints as `***`, for it may hold a code."""

    subject: Secret
    text: Secret
    html: Secret
    has_secret: bool


class _Shown(SimpleNamespace):
    """What a template sees of the brand: plain values. `{{ brand }}` is its name."""

    def __str__(self) -> str:
        return str(self.__dict__.get("name", ""))


class _Sandbox(ImmutableSandboxedEnvironment):
    """The sandbox, which need not judge each of the forty looks that a mail takes at the brand's plain values."""

    brand: _Shown | None = None  # whose values are compiled in
    direction: "Mapping[str, str]" = MappingProxyType({})  # of the words, compiled in too
    isolated: "Isolate"

    def _parse(self, source: str, name: str | None, filename: str | None) -> "nodes.Template":
        tree = with_includes(super()._parse(source, name, filename), self, super()._parse)
        tree = specialised(tree, "locale", self.direction)
        if self.brand:
            tree = specialised(tree, "brand", vars(self.brand), shown=str(self.brand))
        return with_isolation(joined(tree), self.isolated, html=bool(self.autoescape))

    def getattr(self, obj: object, attribute: str) -> object:
        if type(obj) is _Shown and attribute in obj.__dict__:
            return obj.__dict__[attribute]
        return super().getattr(obj, attribute)

    def make_globals(self, d: "MutableMapping[str, object] | None") -> "MutableMapping[str, object]":
        """A plain dict. Jinja2's ChainMap would be iterated in Python five times a mail."""
        return {**self.globals, **(d or {})}


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
    look = _look(brand)  # pyright: ignore[reportArgumentType] - pydantic gives a frozen model its hash
    languages = template.localization.languages(kind, brand)
    try:
        return _filled_in(look, kind, fields, languages)
    except TemplateError:
        raise
    except Exception as error:  # noqa: BLE001 - an expression of the author's can raise anything
        failure = _failure(TemplateFiles.of(kind, brand.templates), kind, error, fields)
    raise failure  # with no way back to the other, whose frames hold what the secrets say


def _filled_in(
    look: "_Look", kind: "type[EmailTemplate]", fields: dict[str, object], languages: tuple[Language, Language | None]
) -> Rendered:
    first, second = languages
    values: dict[str, object] = {name: revealed(value) for name, value in fields.items()}
    values["brand"] = look.shown
    more = second_content(kind, look.files(kind, second.catalogue), values, second) if second else ONE_LANGUAGE
    subject, text, html = map(Secret, parts(look.files(kind, first.catalogue), values, first, more))
    return Rendered(subject, text, html, any(map(has_secret, fields.values())))


def _failure(
    files: TemplateFiles, kind: "type[EmailTemplate]", error: Exception, fields: dict[str, object]
) -> TemplateError:
    """What is wrong, and where. Jinja2 names what it looked for; in the words of other errors there may be anything."""
    from mailer.templates.located import located

    words = redact(str(error)) if isinstance(error, JinjaError) else type(error).__name__
    for value in fields.values():
        words = words.replace(value.reveal(), str(value)) if isinstance(value, Secret) and value else words
    where = located(words, files)
    return TemplateError(
        f"The template {kind.__name__} cannot be rendered{f' ({where})' if where else ''}: {words}.",
        hint=f"It may use its fields ({', '.join(fields) or 'none'}), brand, locale, subject, preheader and lang.",
    )


def _values(brand: "Brand") -> _Shown:
    """The brand's values, with the colours of light mode as they are shown, and those of dark mode in `dark`."""
    values: dict[str, object] = {name: getattr(brand, name) for name in type(brand).model_fields}
    for name in ("links", "social"):
        values[name] = tuple(_Shown(**one.model_dump()) for one in getattr(brand, name))
    return _Shown(
        **{
            **values,
            **asdict(palette.light(brand)),
            "dark": _Shown(**asdict(palette.dark(brand))),
            "logo_text": brand.logo_text or brand.name,
            "postal_lines": tuple(brand.postal_address.splitlines()),
            "footer_lines": tuple(brand.footer.splitlines()),
        }
    )


class _Look:
    """A brand's plain values, and the files of each class that it is often used with, with these compiled in."""

    def __init__(self, brand: "Brand") -> None:
        self.shown = _values(brand)
        self._folders = brand.templates
        self._files: dict[tuple[type[EmailTemplate], str], Files] = {}
        self._used: Counter[tuple[type[EmailTemplate], str]] = Counter()

    def files(self, kind: "type[EmailTemplate]", language: str) -> Files:
        """The class's files in a language; two threads may compile the same once each."""
        key = (kind, language)
        found = self._files.get(key)
        if found is None:
            self._used[key] += 1
            if self._used[key] < REPEATED:
                return _files(kind, language, self._folders)
            found = self._files[key] = _compiled(kind, language, self._folders, self.shown)
        return found


_look = lru_cache(maxsize=64)(_Look)


def forget() -> None:
    """Read every file again when it is next used. Not while mails are being rendered in other threads."""
    for cached in (_look, _files, catalogues.translations, catalogues.available, localization.chosen_for):
        cached.cache_clear()


@cache
def _files(kind: "type[EmailTemplate]", language: str, folders: "tuple[Path, ...]") -> Files:
    return _compiled(kind, language, folders, None)


def _compiled(kind: "type[EmailTemplate]", language: str, folders: "tuple[Path, ...]", brand: _Shown | None) -> Files:
    if not kind.subject:
        raise TemplateError(f"{kind.__name__} has no subject.", hint="Set `subject` on the class.")
    files = TemplateFiles.of(kind, folders)
    words = catalogues.translations(language or kind.lang, (*kind.locales_folders(folders), catalogues.OWN))
    written = Language(language or kind.lang)
    html, plain = (_environment(files, words, written, is_html=one, brand=brand) for one in (True, False))
    page = files.html()
    return Files(
        subject=_line(plain, kind.subject),
        preheader=_line(plain, kind.preheader),
        text=plain.from_string(files.plain(page)),
        html=html.from_string(links.guarded(page)) if page else None,
    )


def _line(environment: _Sandbox, source: str) -> "Template | Fixed":
    """A subject or preheader; rendered already where it has no variables but those of the brand."""
    template = environment.from_string(source)
    every = environment.parse(source).find_all(nodes.Node)
    fixed = all(isinstance(node, nodes.Output | nodes.TemplateData | nodes.Const) for node in every)
    return Fixed(template.render()) if fixed else template


def _environment(
    files: TemplateFiles, words: "NullTranslations", written: Language, *, is_html: bool, brand: _Shown | None
) -> _Sandbox:
    """`{% include %}` finds the folders' own files and, under `mailstack/`, those of the layout."""
    layout = PrefixLoader({LAYOUT_PREFIX.rstrip("/"): FileSystemLoader([*files.layout_folders, LAYOUT])})
    environment = _Sandbox(
        autoescape=is_html,
        undefined=StrictUndefined,
        loader=ChoiceLoader([FileSystemLoader(files.folders), layout]),
        auto_reload=False,  # no `stat` of each included file for every mail
        trim_blocks=not is_html,
        lstrip_blocks=not is_html,
    )
    environment.filters.update(filters(words))
    environment.filters[links.FILTER] = links.link
    environment.isolated = environment.filters[isolation.FILTER] = isolation.isolate(written, html=is_html)
    translate(environment, words)
    environment.direction = {"dir": written.dir, "start": written.start, "end": written.end}
    environment.brand = brand
    return environment
