"""What may be shown: addresses masked or taken out, secrets as `***`, and other libraries' errors in masked words.

Standard library only, because the feedback Lambda redacts, too.
"""

import re
from collections.abc import Callable
from typing import NoReturn, Self, SupportsIndex

HIDDEN = "***"
# Characters of a text that are looked at; what a server says in more is of no use to anybody.
MAX_REDACTED = 4_000
# Characters to either side of an @ that can belong to an address: RFC 5321 §4.5.3.1.1 has 64 for the local part and 255
# for the domain; servers add comments.
_MAX_SIDE = 320

# An @ and its spellings in URLs, quoted-printable, HTML and JSON.
_AT = re.compile(r"@|\uff20|%(?:25){0,8}40|=40|&#0{0,8}64;|&#x0{0,8}40;|&commat;|\\u0040|[(\[]at[)\]]", re.IGNORECASE)
# RFC 2047 §2: base64 may hide an address until it is decoded.
_ENCODED_WORD = re.compile(r"=\?[^?\s]{1,80}\?[bq]\?[^?]{0,2000}\?=", re.IGNORECASE)
# The local part, read backwards from the @: quoted strings, comments and atoms (RFC 5322 §3.4.1), balanced or not.
_LOCAL_BACKWARDS = re.compile(r'\s{0,4}(?:"(?:[^"]|"\\)*"|\)[^()]*\(\s{0,4}|[^\s<>,:;()\[\]@])+')
_DOMAIN = re.compile(r"\s{0,4}(?:\([^()]*\)\s{0,4})?(?:\[[^\[\]\s]*\]|[^\W_](?:[\w-]|\.(?=[\w-]))*)")
_SHOWN_DOMAIN = re.compile(r"[\w.-]{0,253}")
_BEFORE_LOCAL = "\"'<( \t"


class Secret(str):
    """Text that is shown nowhere: its `str` and `repr` are `***`. `reveal` gives it back.

    A subclass of `str`, so that it compares, matches and is stored as the text that it is.

    Example:
        >>> code = Secret("424242")
        >>> f"{code} {code!r}", code == "424242", code.reveal()
        ('*** ***', True, '424242')
    """

    __slots__ = ()

    def reveal(self) -> str:
        """The text itself."""
        return str.__str__(self)

    def __str__(self) -> str:
        return HIDDEN

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, format_spec: str) -> str:
        return format(HIDDEN, format_spec)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type[Self], tuple[str]]:
        return type(self), (self.reveal(),)


class Cause(Exception):  # noqa: N818 - not raised: it is the cause of an error that is
    """What another library raised, in masked words; without its traceback, whose frames hold addresses and bodies."""


def cause_of(error: BaseException) -> Cause:
    """An error of another library in the form that may be chained to one of ours.

    Example:
        >>> cause_of(OSError("550 ada@example.com: no such user"))
        Cause('OSError: 550 ***: no such user')
    """
    return Cause(f"{type(error).__name__}: {redact(str(error))}")


def raise_masked(ours: Exception, theirs: BaseException) -> NoReturn:
    """Raise our error with the masked cause, and with no way back to the unmasked one: `except X as error: ...`."""
    ours.__cause__ = cause_of(theirs)
    del theirs  # a traceback with locals would show it
    try:
        raise ours
    finally:
        ours.__context__ = None


def mask(text: str) -> str:
    """The text with the local part of its address hidden, for logs and error messages.

    Example:
        >>> mask("Ada <ada@example.com>"), mask("ada")
        ('a***@example.com', 'a***')
    """
    text = text[-MAX_REDACTED:].strip()
    if text.endswith(">"):
        text = text[text.rfind("<") + 1 : -1]
    local, at, domain = text.rpartition("@")
    if not at:
        return f"{domain[:1]}{HIDDEN}" if domain[:1].isalnum() else HIDDEN
    shown = _SHOWN_DOMAIN.match(domain)
    return f"{local.lstrip(_BEFORE_LOCAL)[:1]}{HIDDEN}@{shown[0] if shown else ''}"


def redact(text: str) -> str:
    """The text with every address in it taken out: servers like to repeat them.

    What is quoted, commented or encoded counts as well. A text of more than `MAX_REDACTED` characters is cut.

    Example:
        >>> redact("smtp; 550 5.1.1 <ada@example.com>... User unknown")
        'smtp; 550 5.1.1 <***>... User unknown'
        >>> redact('550 no "ada lovelace"@example.com, nor ada%40example.com')
        '550 no ***, nor ***'
    """
    return _replaced(text, lambda _: HIDDEN)


def mask_all(text: str) -> str:
    """The text with every address in it masked: where the domain matters, and is one's own more often than not.

    Example:
        >>> mask_all("Email address is not verified: Ada <ada@example.com>")
        'Email address is not verified: Ada <a***@example.com>'
    """
    return _replaced(text, mask)


def _replaced(text: str, replacement: Callable[[str], str]) -> str:
    cut = len(text) > MAX_REDACTED
    if cut:  # not inside an address: what is left of one would not be known for one
        text = text[:MAX_REDACTED].rpartition(" ")[0]
    text = _ENCODED_WORD.sub(HIDDEN, text)
    kept: list[str] = []
    done = 0
    for at in _AT.finditer(text):
        if at.start() < done:
            continue
        start = _local_start(text, done, at.start())
        domain = _DOMAIN.match(text, at.end(), at.end() + _MAX_SIDE)
        if start == at.start() or not domain:
            continue
        # "SIZE=4096" and "refused @ gateway" are no addresses; "ada@localhost" is one.
        bare = at[0] == "@" and not any(map(str.isspace, text[at.start() - 1] + domain[0][0]))
        if not bare and "." not in domain[0]:
            continue
        kept += (text[done:start], replacement(text[start : domain.end()]))
        done = domain.end()
    return "".join((*kept, text[done:], "…" if cut else ""))


def _local_start(text: str, floor: int, at: int) -> int:
    """Where the local part before an @ begins; the @ itself where there is none."""
    backwards = text[max(floor, at - _MAX_SIDE) : at][::-1]
    found = _LOCAL_BACKWARDS.match(backwards)
    return at - found.end() if found else at
