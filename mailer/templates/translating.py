"""Writes, checks and compiles gettext catalogues. Not for reading them in production; see `mailer.locales.catalogues`.

Writing needs Babel, of the extra `locales`. A catalogue is merged: what was translated before stays.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mailer.errors import TemplateError
from mailer.install import install_command
from mailer.locales import catalogues
from mailer.locales.language import normal_tag
from mailer.templates.extract import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from babel.messages import Catalog, Message

_LINE = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """A message of a catalogue that is not right."""

    path: Path
    text: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}: {self.text}"


def add_locale(tag: str, folder: Path, builtin: "Iterable[Path]" = ()) -> tuple[Path, int, int]:
    """Write `locales/TAG.po` in a folder, or bring it up to date.

    Args:
        tag: The language, such as `fr` or `pt-BR`.
        folder: The folder of the templates.
        builtin: Folders of templates of ours. Their words are added for a language that we do not have.

    Returns:
        The file, its number of messages, and how many of them are translated.

    Raises:
        TemplateError: Babel is not installed, it does not know the language, or a template cannot be read.
    """
    _require_babel()
    from babel.messages.pofile import read_po, write_po

    name = normal_tag(tag)
    path = folder / catalogues.FOLDER / f"{name}.po"
    ours = () if name in catalogues.available((catalogues.OWN,)) else builtin
    catalogue = read(_plurals_known(name or tag), [folder, *ours])
    if path.exists():
        fresh, catalogue = catalogue, read_po(BytesIO(path.read_bytes()), locale=name.replace("-", "_"))
        catalogue.update(fresh, no_fuzzy_matching=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = BytesIO()
    write_po(written, catalogue, width=_LINE, omit_header=False, sort_output=False, ignore_obsolete=True)
    path.write_bytes(written.getvalue())
    messages = [one for one in catalogue if one.id]
    return path, len(messages), sum(map(_is_translated, messages))


def _require_babel() -> None:
    if not find_spec("babel"):
        raise TemplateError("Writing catalogues needs Babel.", hint=f"Install it: {install_command('locales')}.")


def _plurals_known(tag: str) -> str:
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(tag, sep="-"))
    except (UnknownLocaleError, ValueError) as error:
        raise TemplateError(f"{tag!r} is not a language.", hint="Give a tag such as fr, pt-BR or zh-Hant.") from error


def problems(path: Path, wanted: "Catalog") -> "Iterator[Problem]":
    """What keeps a catalogue from being complete: messages that are missing, fuzzy or have other placeholders."""
    from babel.messages.pofile import read_po

    catalogue = read_po(BytesIO(path.read_bytes()))
    for one in wanted:
        if not one.id:
            continue
        text = _forms(one.id)[0]
        message = catalogue.get(text, one.context)
        if message is None or not _is_translated(message):
            yield Problem(path, text, "not translated")
        elif message.fuzzy:
            yield Problem(path, text, "marked as fuzzy")
        elif not _places(cast("str | tuple[str, ...]", message.string)) <= _places(message.id):
            yield Problem(path, text, "a translation has other placeholders than the message")


def _forms(value: "str | list[str] | tuple[str, ...]") -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _is_translated(message: "Message") -> bool:
    return all(_forms(cast("str | tuple[str, ...]", message.string or "")))


def _places(texts: "str | list[str] | tuple[str, ...]") -> set[str]:
    return {name for text in _forms(texts) for name in catalogues.placeholders(text)}


def compile_catalogues(folder: Path, *, check: bool = False) -> list[Path]:
    """Compile each `.po` of a folder's `locales/` to the `.mo` beside it.

    Args:
        folder: The folder of `locales/`, or that folder itself.
        check: Write nothing.

    Returns:
        The files that were not up to date, and now are unless `check` is given.

    Raises:
        TemplateError: Babel is not installed, or a catalogue cannot be read.
    """
    stale: list[Path] = []
    for source in sorted([*folder.glob("*.po"), *(folder / catalogues.FOLDER).glob("*.po")]):
        target, compiled = source.with_suffix(".mo"), catalogues.compiled_words(source)
        if not target.exists() or target.read_bytes() != compiled:
            stale.append(target)
            if not check:
                target.write_bytes(compiled)
    return stale
