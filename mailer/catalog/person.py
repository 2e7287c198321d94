"""A person's name in a mail that goes to whatever address somebody enters: greeting them without it is always possible.

A person who signs up chooses the name. Shown as it is, it would let anybody send "www.evil.example" to anybody in our
name. Refused, it would keep people with odd names from resetting a password. So a name that cannot be shown is left
out, and a dot that would make a link is followed by a space.
"""

import re
import unicodedata
from typing import Annotated

from pydantic import BeforeValidator

from mailer.text import as_text

MAX_NAME = 64
# More digits than a name has: telephones turn numbers into links.
_MAX_DIGITS = 4
# Nothing of a name: control characters, and what makes addresses, URLs and tags out of words.
_NEVER = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff<>@:\\{}]|//|\bwww\b", re.IGNORECASE)
_HOST_AND_PATH = re.compile(r"[.\u3002\uff0e\uff61\u2024\ufe52]\w+[/?#]")
# A dot that mail programs may read as a host's: before two letters or more. The full stops of other scripts, too.
_DOT = re.compile(r"(?<=\w)([.\u3002\uff0e\uff61\u2024\ufe52])(?=\w\w)")
# The one abbreviation that is written without a space after it: St.John, Ste.Anne.
_SAINT = re.compile(r"(?:\A|[ -])Ste?\Z", re.IGNORECASE)
_CAPITALISED = re.compile(r"[A-Z][a-z]{3,}(?![\w.-])")
# Invisible, but for what Persian and Indic names need.
_JOINERS = "\u200c\u200d"


def shown_name(value: object) -> object:
    """The name as it is shown; empty if it is missing or not safe to show.

    Example:
        >>> shown_name(" J.R.R. Tolkien "), shown_name("Ada St.John"), shown_name("evil.example"), shown_name("a.b/c")
        ('J.R.R. Tolkien', 'Ada St.John', 'evil. example', '')
    """
    text = as_text(value, "A name")
    if len(text) > 2 * MAX_NAME:
        return ""
    visible = text if text.isascii() else "".join(filter(_is_visible, text))
    name = " ".join(visible.split())
    letters = any(map(str.isalpha, name))
    if not letters or len(name) > MAX_NAME or sum(map(str.isdigit, name)) > _MAX_DIGITS:
        return ""
    if _NEVER.search(text) or _NEVER.search(name) or _HOST_AND_PATH.search(name):
        return ""
    return _DOT.sub(_parted, name)


def _is_visible(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) != "Cf"


def _parted(dot: re.Match[str]) -> str:
    saint = _SAINT.search(dot.string[max(0, dot.start() - 4) : dot.start()])
    return dot[0] if saint and _CAPITALISED.match(dot.string, dot.end()) else f"{dot[0]} "


PersonName = Annotated[str, BeforeValidator(shown_name)]
"""A name that is shown if it is safe to show, and otherwise omitted; see above."""
