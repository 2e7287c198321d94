"""Which language a mail is in: what the recipient prefers, and what there is. Not for the words themselves."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

# BCP 47 as RFC 5646 §2.1 writes it: a language, then subtags; and POSIX, which has `_` and an encoding.
_TAG = re.compile(r"([A-Za-z]{2,3})((?:[-_][A-Za-z0-9]{1,8}){0,3})(?:[.@][\w.@=-]{0,40})?")
_SCRIPT_LENGTH, _REGION_LENGTHS = 4, (2, 3)
# Languages and scripts whose characters run from right to left: CLDR, `orientation/characterOrder`.
_RTL_LANGUAGES = frozenset(
    {"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ks", "nqo", "ps", "sd", "syr", "ug", "ur", "yi"}
)
_RTL_SCRIPTS = frozenset({"Adlm", "Arab", "Hebr", "Nkoo", "Rohg", "Syrc", "Thaa"})


@dataclass(frozen=True, slots=True)
class Language:
    """The language of a mail. Templates see it as `locale`.

    Attributes:
        tag: What dates and numbers are written for, and what `lang` in HTML says: `es-MX`.
        catalogue: The translation that the words come from: `es`. Empty: the words of the template itself.
        timezone: The IANA time zone of times.
        dir: The direction of the words, for the attribute `dir`.
        start: The side where a line begins, for the attribute `align`.
        end: The side where a line ends.
    """

    tag: str
    catalogue: str = ""
    timezone: str = "UTC"

    dir: Literal["ltr", "rtl"] = field(init=False)
    start: Literal["left", "right"] = field(init=False)
    end: Literal["left", "right"] = field(init=False)

    def __post_init__(self) -> None:
        is_rtl = _is_rtl(self.catalogue or self.tag)
        object.__setattr__(self, "dir", "rtl" if is_rtl else "ltr")
        object.__setattr__(self, "start", "right" if is_rtl else "left")
        object.__setattr__(self, "end", "left" if is_rtl else "right")


def _is_rtl(tag: str) -> bool:
    language, *rest = tag.split("-")
    scripts = [part for part in rest if len(part) == _SCRIPT_LENGTH]
    return scripts[0] in _RTL_SCRIPTS if scripts else language in _RTL_LANGUAGES


def normal_tag(text: object) -> str:
    """A language tag in its usual form; empty if it is none. A user's preference may be anything.

    Example:
        >>> normal_tag("pt_br"), normal_tag("ZH-hant-tw"), normal_tag("es_MX.UTF-8"), normal_tag("../../etc")
        ('pt-BR', 'zh-Hant-TW', 'es-MX', '')
    """
    found = _TAG.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        return ""
    return "-".join([found[1].lower(), *map(_subtag, re.split("[-_]", found[2])[1:])])


def _subtag(text: str) -> str:
    if len(text) == _SCRIPT_LENGTH and text.isalpha():
        return text.capitalize()
    return text.upper() if len(text) in _REGION_LENGTHS else text.lower()


def chosen(preferred: "Iterable[object]", available: "Collection[str]", source: str, timezone: str) -> Language:
    """The first preferred language that the words exist in; the source's language if none does.

    Args:
        preferred: Language tags, the most wanted first.
        available: The languages that the template is translated to.
        source: The language that the template is written in.
        timezone: The IANA time zone of times.

    Example:
        >>> chosen(["qu", "es-MX"], {"es", "ne"}, "en", "UTC")
        Language(tag='es-MX', catalogue='es', timezone='UTC', dir='ltr', start='left', end='right')
        >>> chosen(["en-GB"], {"es"}, "en", "UTC").tag, chosen(["fr"], {"es"}, "en", "UTC").tag
        ('en-GB', 'en')
    """
    for tag in filter(None, map(normal_tag, preferred)):
        for shorter in _shortened(tag):
            if shorter in available:
                return Language(tag, shorter, timezone)
            if shorter == source:
                return Language(tag, "", timezone)
    return Language(normal_tag(source) or source, "", timezone)


def _shortened(tag: str) -> "Iterable[str]":
    """The tag, and what remains of it without its last subtags (RFC 4647 §3.4, lookup)."""
    parts = tag.split("-")
    return ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
