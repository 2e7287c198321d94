"""An e-mail address: read, checked, compared, masked and written as a header.

Standard library and `idna` only, because the feedback Lambda compares addresses too.
"""

import re
from dataclasses import dataclass, field

from mailer.domain import ascii_domain
from mailer.errors import InvalidAddress
from mailer.redaction import mask
from mailer.text import as_text

__all__ = ["Address", "address_key", "mask"]

# RFC 5321 §4.5.3.1: octets of the local part and of the whole path without its angle brackets.
MAX_LOCAL_PART, MAX_ADDRESS = 64, 254
# Characters; what is longer is no name, and leaves no room in the header.
MAX_NAME = 128
# Characters of a mailbox as it is written, every character of the name escaped.
MAX_MAILBOX = 2048

_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")  # RFC 5322 dot-atom
# Control characters, everything that Unicode calls the end of a line, and halves of a surrogate pair.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Unicode's Bidi_Control: they display "exe.jpg" as "gpj.exe", and one name as another (UTR 36 §3.1).
BIDI_CONTROL = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# RFC 5322 §3.2.3 lets more stand unquoted. Yahoo refuses a bare apostrophe; quotes do no harm anywhere.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9]+(?: [A-Za-z0-9]+)*\Z")
# What begins an encoded word (RFC 2047 §2), which mail programs would decode.
_ENCODED_WORD = "=?"
# One word of a name (RFC 5322 §3.2.5), quoted or not. Outside of quotes there is nothing that lists, groups (§3.4) or
# routes are made of.
_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"<>@,:;\\]+))')
# What lists, groups (RFC 5322 §3.4), routes and comments are made of.
_SPECIAL = re.compile(r"[ \t,:;<>()]")
_TRAILING_COMMENT = re.compile(r"([^\s()]+)\s+\(([^()\\]*)\)\Z")
# An address that is its own key, as most are that come from this library.
_KEY = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-z0-9.-]+\Z")


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """A mailbox: an address and, optionally, the name shown beside it.

    The domain is kept in its ASCII form (`mailer.domain`), which is the one SES takes. The local part must be ASCII:
    SES does not support SMTPUTF8.

    Attributes:
        email: The bare address.
        name: The name shown beside it; empty for none.
        key: What the suppression list knows this mailbox by; see `address_key`.

    Raises:
        InvalidAddress: The address or the name is not valid in a header.

    Example:
        >>> Address("ada@bücher.example", "Ada Lovelace").formatted()
        'Ada Lovelace <ada@xn--bcher-kva.example>'
    """

    email: str
    name: str = ""
    key: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        name = as_text(self.name, "The display name", refusal=InvalidAddress)
        email = as_text(self.email, "The address", refusal=InvalidAddress)
        object.__setattr__(self, "name", _checked_name(name))
        object.__setattr__(self, "email", _checked_email(email))
        # What `address_key` makes of an address that was checked.
        object.__setattr__(self, "key", self.email.lower())

    @classmethod
    def parse(cls, value: "str | Address") -> "Address":
        """Read `ada@example.com` or `Ada Lovelace <ada@example.com>` (RFC 5322 §3.4, one mailbox).

        Raises:
            InvalidAddress: The text is not one mailbox.
        """
        if isinstance(value, Address):
            return value
        text = as_text(value, "The address", refusal=InvalidAddress)
        if UNPRINTABLE.search(text):
            raise InvalidAddress("The address contains a control character.", hint="Remove line breaks and tabs.")
        found = _split(text)
        if found is None:
            raise InvalidAddress(
                f"{mask(text)!r} is not one mailbox.",
                hint="Write 'ada@example.com' or 'Ada Lovelace <ada@example.com>', with quotes around a name that has "
                "a comma or a colon; pass several addresses as a list.",
            )
        name, email = found
        return cls(email, name)

    @property
    def domain(self) -> str:
        """The part behind the @, lower case."""
        return self.email.rpartition("@")[2].lower()

    @property
    def masked(self) -> str:
        """The address with its local part masked, for logs."""
        return mask(self.email)

    def formatted(self) -> str:
        """The address as a header value (RFC 5322 §3.4), the name quoted or encoded (RFC 2047) where it must be."""
        if not self.name:
            return self.email
        if _PLAIN_NAME.match(self.name):
            return f"{self.name} <{self.email}>"
        if self.name.isascii() and _ENCODED_WORD not in self.name:
            escaped = self.name.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}" <{self.email}>'
        from email.header import Header

        # RFC 2047 §2: an encoded word has at most 75 characters, and several are set apart by white space.
        words = Header(self.name, "utf-8", maxlinelen=75).encode(linesep="")
        return f"{words} <{self.email}>"

    def __str__(self) -> str:
        return self.formatted()

    def __repr__(self) -> str:
        return f"<Address {self.masked}>"


def address_key(text: str) -> str:
    """The form in which two spellings of one mailbox compare equal: bare, lower case, ASCII domain. Never raises.

    Local parts are case-sensitive by RFC 5321 §2.4 and in no mailbox that exists; SES's own suppression list ignores
    case as well.

    Example:
        >>> address_key("Ada <Ada@Example.COM>")
        'ada@example.com'
    """
    if _KEY.match(text):
        return text
    found = _split(text)
    email = (found[1] if found else text).strip().strip("<>").lower()
    local, _, domain = email.rpartition("@")
    try:
        return f"{local}@{ascii_domain(domain)}" if local else email
    except ValueError:
        return email


def _split(text: str) -> tuple[str, str] | None:
    """Name and bare address of one mailbox; None where it is a list, a group, or nothing of the kind.

    `email.utils` drops comments, groups and routes silently, and so may read another address than is written.
    """
    text = text.strip()
    if len(text) > MAX_MAILBOX:
        return None
    if not text.endswith(">"):
        comment = _TRAILING_COMMENT.match(text)  # the older way to write a name: ada@example.com (Ada Lovelace)
        email, name = comment.groups() if comment else (text, "")
    else:
        start = text.rfind("<")
        email, found = text[start + 1 : -1].strip(), _words(text[:start])
        if start < 0 or found is None:
            return None
        name = found
    return (name, email) if email and _is_one_word(email) else None


def _words(text: str) -> str | None:
    """A display name without its quotes; None if it contains something that no name may contain."""
    text = text.rstrip()
    words: list[str] = []
    position = 0
    while position < len(text):
        found = _WORD.match(text, position)
        if not found:
            return None
        quoted = found[1]
        words.append(found[2] if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        position = found.end()
    return " ".join(words)


def _is_one_word(email: str) -> bool:
    """Whether it can be one mailbox; a quoted local part may hold anything."""
    local, _, domain = email.rpartition("@")
    quoted = len(local) > 1 and local[0] == local[-1] == '"'
    return not _SPECIAL.search(domain if quoted else local + domain)


def _checked_name(name: str) -> str:
    if UNPRINTABLE.search(name):
        raise InvalidAddress("The display name contains a control character.", hint="Remove line breaks and tabs.")
    if BIDI_CONTROL.search(name):
        raise InvalidAddress(
            "The display name contains a bidirectional control character.",
            hint="Remove the characters U+202A to U+202E, U+2066 to U+2069, U+200E, U+200F and U+061C.",
        )
    if len(name) > MAX_NAME:
        raise InvalidAddress(f"The display name is longer than {MAX_NAME} characters.", hint="Shorten it.")
    return name.strip()


def _checked_email(email: str) -> str:
    if UNPRINTABLE.search(email):
        raise InvalidAddress("The address contains a control character.", hint="Remove line breaks and tabs.")
    if len(email) > MAX_MAILBOX:
        raise InvalidAddress(f"{mask(email)!r} is too long.", hint="Correct the address; nothing was sent.")
    local, at, domain = email.rpartition("@")
    problem = "has no @" if not at else _problem_of_local_part(local)
    if not problem:
        try:
            domain = ascii_domain(domain)
        except ValueError as error:
            problem = f"has an invalid domain: {error}"
    problem = (
        problem
        or ("is too long" if len(local) > MAX_LOCAL_PART or len(local) + 1 + len(domain) > MAX_ADDRESS else "")
        or ("has a domain without a dot" if "." not in domain else "")
    )
    if problem:
        raise InvalidAddress(f"{mask(email)!r} {problem}.", hint="Correct the address; nothing was sent.")
    return f"{local}@{domain}"


def _problem_of_local_part(local: str) -> str:
    checks = (
        (not local, "has no local part before the @"),
        (not local.isascii(), "has non-ASCII characters before the @, which SES does not support"),
        # RFC 5321 §4.1.2: "a host that expects to receive mail SHOULD avoid" defining such mailboxes.
        (local.startswith('"'), "has a quoted local part, which this library does not support"),
        (not _LOCAL_PART.match(local), "has a local part that RFC 5322 does not allow unquoted"),
        # RFC 2047 §5 (3): not within an addr-spec. Mail programs decode it all the same, to another address.
        (_ENCODED_WORD in local, "has an encoded word before the @, which RFC 2047 does not allow"),
    )
    return next((problem for wrong, problem in checks if wrong), "")
