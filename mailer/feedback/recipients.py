"""The recipient of an SES report: the address that its recipient field names, and whether the mail was sent to it.

SES copies the field from the `Final-Recipient` of the delivery report, so a remote server wrote it. Not for addresses
that mail is sent to; `mailer.address` reads those.

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html (bounced recipients)
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from mailer.address import address_key, mask
from mailer.errors import MalformedEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

Attribution = Literal["named", "forwarded", "stranger"]

# RFC 5321 §4.5.3.1: 64 octets, an @ and 255 octets; a name, comments and an address type may stand around them.
_MAX_ADDRESS, _MAX_FIELD = 320, 1_000
# RFC 3464 §2.3.2 "address-type;": the registered ones, RFC 6533's utf-8, and private ones. A list such as
# `ada; bob@example.org` begins with none of them.
_ADDRESS_TYPE = re.compile(r"\A\s*(?:rfc-?822|utf-?8|unknown|x-[a-z0-9-]{1,30})\s*;", re.IGNORECASE)
# RFC 5322 §3.2.4 and §3.4: text, a quoted string, or the part in angle brackets.
_PIECE = re.compile(
    r'(?P<text>[^"()<>]+)|(?P<quoted>"(?:[^"\\]|\\.)*")|<(?P<angle>(?:"(?:[^"\\]|\\.)*"|[^"()<>])*)>', re.DOTALL
)
_IN_COMMENT = re.compile(r"\\.|[()]", re.DOTALL)  # RFC 5322 §3.2.2: comments nest
_ATOMS = re.compile(r"[^\s\x00-\x20\x7f\"(),:;<>@\[\\\]]+")  # §3.2.3 atext and dots; RFC 6531 outside ASCII
_QUOTED = re.compile(r'"((?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])+)"')
_LABEL = re.compile(r"[A-Za-z0-9_\-\u0080-\U0010ffff]{1,63}")
_LITERAL = re.compile(r"\[[A-Za-z0-9.:-]{1,100}\]")  # RFC 5321 §4.1.3
_BETWEEN_WORDS = re.compile(r"[\s\"'(),:;<>\[\]]+")


@dataclass(frozen=True, slots=True, repr=False)
class Recipient:
    """One recipient's part of an event.

    Attributes:
        address: In the form of `mailer.address.address_key`.
        status: Enhanced status code of the delivery report, such as `5.1.1` (RFC 3463).
        diagnostic: The receiving server's words, such as `smtp; 550 5.1.1 unknown`; they often hold the address.
        action: What the reporting server did (RFC 3464 §2.3.3), lower case; `failed` when the report does not say.
        attribution: `named`: the report names this address, and the mail was sent to it. `forwarded`: the report
            names an address that the mail was not sent to; this is the mail's only recipient. `stranger`: the report
            names this address, and the mail was not sent to it but to several others.
    """

    address: str
    status: str = ""
    diagnostic: str = ""
    action: str = "failed"
    attribution: Attribution = "named"

    def __repr__(self) -> str:
        return f"<Recipient {mask(self.address)}{f' {self.status}' if self.status else ''}>"


class Destination:
    """The addresses that a mail was sent to.

    Args:
        fields: `mail.destination` of the event.

    Attributes:
        keys: The addresses in the form of `mailer.address.address_key`, each once.
    """

    def __init__(self, fields: "Sequence[str]") -> None:
        self._unknown = not fields
        self.keys = tuple(dict.fromkeys(key for field in fields for key in _own_keys(field)))

    def attribute(self, named: str) -> "tuple[str, Attribution]":
        """The recipient whom a report about this address concerns.

        A recipient's server may forward the mail, and the report then names the address that it was forwarded to
        (RFC 3464 §2.3.2). That address belongs to a stranger, who must still get the mail that is sent to them.
        """
        if self._unknown or named in self.keys:
            return named, "named"
        if len(self.keys) == 1:
            return self.keys[0], "forwarded"
        return named, "stranger"


# An event names most addresses twice: as its mail's destination, and as who bounced or complained.
@lru_cache(maxsize=128)
def named_address(field: str) -> str:
    """The one address that a recipient field names, in the form of `address_key`.

    Read: an address type, a display name, angle brackets, comments, quotes around the whole. Refused: no address,
    several different ones wherever they stand, brackets or quotes that do not match.

    Raises:
        MalformedEvent: The field does not name exactly one address; the message does not quote it.

    Example:
        >>> named_address('rfc822; "Lovelace, Ada" <Ada@Example.org> (gone)')
        'ada@example.org'
    """
    if len(field) > _MAX_FIELD:
        raise _unreadable(f"is longer than {_MAX_FIELD} characters")
    prefix = _ADDRESS_TYPE.match(field)
    outside, angles, comments = _split(field[prefix.end() :] if prefix else field)
    if len(angles) > 1:
        raise _unreadable("names several addresses")
    key = _key(angles[0] if angles else _unquoted(outside.strip(" \t\r\n;,")))
    around = f"{outside if angles else ''} {comments}"
    if any(other != key for other in _addresses_in(around)):
        raise _unreadable("names several addresses")
    return key


def _unreadable(problem: str) -> MalformedEvent:
    # The field is not quoted: it may hold addresses.
    return MalformedEvent(f"A recipient field {problem}.")


def _own_keys(field: str) -> "Sequence[str]":
    try:
        return [named_address(field)]
    except MalformedEvent:  # the sender wrote it, perhaps a whole list: each of them was sent to
        return _addresses_in(field[:_MAX_FIELD])


def _split(field: str) -> tuple[str, list[str], str]:
    """The text outside angle brackets, what each pair of them holds, and the comments."""
    outside, angles, comments, at = "", list[str](), "", 0
    while at < len(field):
        if field[at] == "(":
            end = _end_of_comment(field, at)
            comments += field[at:end]
            outside += " "  # a comment separates: `a(b)c@example.org` is not `ac@example.org`
        elif piece := _PIECE.match(field, at):
            end = piece.end()
            outside += piece["text"] or piece["quoted"] or " "
            angles += [piece["angle"]] if piece["angle"] is not None else []
        else:
            raise _unreadable("has quotes or brackets that do not match")
        at = end
    return outside, angles, comments


def _end_of_comment(field: str, start: int) -> int:
    depth = 0
    for token in _IN_COMMENT.finditer(field, start):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if not depth:
            return token.end()
    raise _unreadable("has quotes or brackets that do not match")


def _unquoted(text: str) -> str:
    """Without quotes around the whole: some servers write `'ada@example.org'`."""
    inner = text[1:-1]
    quotes = {text[:1], text[-1:]}
    return inner if quotes in ({"'"}, {'"'}) and not quotes & set(inner) else text


def _addresses_in(text: str) -> list[str]:
    """The addresses in a text, as keys; `ada@` and `@ada` are none."""
    words = (word.strip(".") for word in _BETWEEN_WORDS.split(text))
    return [address_key(word) for word in words if all(word.rpartition("@")[::2])]


def _key(text: str) -> str:
    text = text.strip()
    local, _, domain = text.rpartition("@")
    domain = domain.removesuffix(".")
    if not local or not domain:
        raise _unreadable("names no address")
    readable = (
        len(text) <= _MAX_ADDRESS
        and text.isprintable()
        and (_ATOMS.fullmatch(local) or _QUOTED.fullmatch(local))
        and (all(map(_LABEL.fullmatch, domain.split("."))) or _LITERAL.fullmatch(domain))
        # Half of a pair of quotes, or an encoded word, which RFC 2047 §5 forbids here: readers differ on both.
        and not (local.startswith("'") or local.endswith("'") or "=?" in local)
    )
    if not readable:
        raise _unreadable("does not name exactly one address")
    return address_key(f"{_without_needless_quotes(local)}@{domain}")


def _without_needless_quotes(local: str) -> str:
    """RFC 5321 §4.1.2: `"ada"@example.org` and `ada@example.org` are the same mailbox."""
    quoted = _QUOTED.fullmatch(local)
    inner = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else ""
    return inner if _ATOMS.fullmatch(inner) else local
