"""gettext catalogues: finds them in folders and reads them. Not for writing them; see `mailer.locales.extract`.

A folder of templates has its catalogues in `locales/`: `es.po`, which people edit, and `es.mo`, which is compiled from
it and read in production. The standard library reads `.mo`; a `.po` alone needs Babel.
"""

import re
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from mailer.errors import TemplateError
from mailer.install import install_command

# Words of the layout and of the catalog.
OWN = Path(__file__).parent / "words"
FOLDER = "locales"
_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")


@cache
def available(folders: tuple[Path, ...]) -> frozenset[str]:
    """The languages that any of these folders has a catalogue for."""
    return frozenset(
        path.stem.replace("_", "-")
        for folder in folders
        for path in folder.glob("*.[mp]o")
        if path.suffix in {".mo", ".po"}
    )


@cache
def translations(language: str, folders: tuple[Path, ...]) -> NullTranslations:
    """The words of a language; what the first folder lacks is looked for in the next, then left as it is.

    Raises:
        TemplateError: A catalogue cannot be read, or is a `.po` and Babel is not installed.
    """
    found = NullTranslations()
    for folder in reversed(folders):
        words = _read(folder, language)
        if words:
            words.add_fallback(found)
            found = words
    return found


def _read(folder: Path, language: str) -> GNUTranslations | None:
    for name in dict.fromkeys((language, language.replace("-", "_"))):
        compiled, source = folder / f"{name}.mo", folder / f"{name}.po"
        try:
            if compiled.is_file():
                return GNUTranslations(BytesIO(compiled.read_bytes()))
            if source.is_file():
                return GNUTranslations(BytesIO(compiled_words(source)))
        except (OSError, ValueError, UnicodeError) as error:
            path = compiled if compiled.is_file() else source
            raise TemplateError(
                f"{path} is not a gettext catalogue: {type(error).__name__}.",
                hint="Compile it again: mailer templates compile FOLDER.",
            ) from error
    return None


def compiled_words(source: Path) -> bytes:
    """The `.mo` of a `.po`. The same words give the same bytes.

    Raises:
        TemplateError: Babel is not installed, or the file is not a catalogue.
    """
    try:
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import PoFileError, read_po
    except ImportError as error:
        raise TemplateError(
            f"{source} has not been compiled, and Babel is not installed.",
            hint=f"Install it ({install_command('locales')}), or compile ahead: mailer templates compile FOLDER.",
        ) from error
    compiled = BytesIO()
    try:
        with source.open("rb") as file:
            write_mo(compiled, read_po(file, abort_invalid=True))
    except (PoFileError, ValueError) as error:
        raise TemplateError(f"{source} is not a gettext catalogue: {error}.", hint="Fix the line it names.") from error
    return compiled.getvalue()


def placeholders(text: str) -> set[str]:
    """The names that a message has places for.

    Example:
        >>> sorted(placeholders("%(count)s of %(all)s, 100%%"))
        ['all', 'count']
    """
    return {name for name in _PLACEHOLDER.findall(text) if name}
