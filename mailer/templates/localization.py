"""The languages and the time zone that one mail was asked for. Not for the words; see `mailer.locales`."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from mailer.locales import catalogues
from mailer.locales.language import Language, chosen

if TYPE_CHECKING:
    from pathlib import Path

    from mailer.templates.brand import Brand


class Localizable(Protocol):
    """A class of mails, as far as its languages go."""

    @property
    def lang(self) -> str:
        """The language that the files are written in."""
        ...

    def locales_folders(self, own: "tuple[Path, ...]") -> "tuple[Path, ...]":
        """The folders of gettext catalogues."""
        ...


@dataclass(frozen=True, slots=True)
class Localization:
    """What `EmailTemplate.localized` was called with.

    Attributes:
        preferred: Language tags, the most wanted first.
        second: The language of a second copy below the first; empty for one language.
        timezone: An IANA time zone; empty for the brand's.
    """

    preferred: tuple[str, ...] = ()
    second: str = ""
    timezone: str = ""

    def languages(self, kind: Localizable, brand: "Brand") -> tuple[Language, Language | None]:
        """The language of a mail of this class, and the second one if it has two."""
        timezone = self.timezone or brand.timezone
        first = chosen_for(kind, (*self.preferred, brand.locale), timezone, brand.templates)
        if not self.second:
            return first, None
        second = chosen_for(kind, (self.second, brand.locale), timezone, brand.templates)
        return first, second if second.catalogue != first.catalogue else None


ONE_LANGUAGE = Localization()


@lru_cache(maxsize=1024)  # bounded: tags may come from requests
def chosen_for(kind: Localizable, preferred: tuple[str, ...], timezone: str, own: "tuple[Path, ...]") -> Language:
    """The language of a mail of this class."""
    return chosen(preferred, catalogues.available(kind.locales_folders(own)), kind.lang, timezone)
