"""An e-mail address: read, checked, compared, masked and written as a header.

Standard library only, because the feedback Lambda compares addresses too.
"""

import re
from dataclasses import dataclass
from email.headerregistry import Address as _HeaderAddress
from email.utils import getaddresses, parseaddr

from mailer.errors import InvalidAddress

# RFC 5321 §4.5.3.1: octets of the local part and of the whole path without its angle brackets.
MAX_LOCAL_PART, MAX_ADDRESS = 64, 254
# Characters; what is longer is no name, and leaves no room in the header.
MAX_NAME = 128

_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")  # RFC 5322 dot-atom
_DOMAIN_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")  # RFC 1035 §2.3.4
# Control characters, everything that Unicode calls the end of a line, and halves of a surrogate pair.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox: an address and, optionally, the name shown beside it.

    The domain is kept in its ASCII form (RFC 5891), which is the one SES takes. The local part must be ASCII: SES does
    not support SMTPUTF8.

    Raises:
        InvalidAddress: The address or the name cannot stand in a header.

    Example:
        >>> Address("ada@bücher.example", "Ada Lovelace").formatted()
        'Ada Lovelace <ada@xn--bcher-kva.example>'
    """

    email: str
    name: str = ""

    def __post_init__(self) -> None:
        if UNPRINTABLE.search(self.name):
            raise InvalidAddress("The display name holds a control character.", hint="Remove line breaks and tabs.")
        if len(self.name) > MAX_NAME:
            raise InvalidAddress(f"The display name is longer than {MAX_NAME} characters.", hint="Shorten it.")
        object.__setattr__(self, "email", _checked(self.email))

    @classmethod
    def parse(cls, value: "str | Address") -> "Address":
        """Read `ada@example.com` or `Ada Lovelace <ada@example.com>` (RFC 5322 §3.4, one mailbox).

        Raises:
            InvalidAddress: The text is not one mailbox.
        """
        if isinstance(value, Address):
            return value
        if UNPRINTABLE.search(value):
            raise InvalidAddress("The address holds a control character.", hint="Remove line breaks and tabs.")
        mailboxes = getaddresses([value])
        name, email = mailboxes[0] if len(mailboxes) == 1 else ("", "")
        if not email or email not in value:  # the reader drops spaces and comments: that would be another address
            raise InvalidAddress(
                f"{mask(value)!r} is not one mailbox.",
                hint="Write 'ada@example.com' or 'Ada Lovelace <ada@example.com>'; pass several addresses as a list.",
            )
        return cls(email, name)

    @property
    def key(self) -> str:
        """What the suppression list knows this mailbox by; see `address_key`."""
        return address_key(self.email)

    @property
    def domain(self) -> str:
        """The part behind the @, lower case."""
        return self.email.rpartition("@")[2].lower()

    @property
    def masked(self) -> str:
        """The address as it may stand in a log line."""
        return mask(self.email)

    def formatted(self) -> str:
        """The address as a header value; a name outside ASCII is encoded (RFC 2047)."""
        if self.name.isascii():
            return str(_HeaderAddress(self.name, addr_spec=self.email))
        from email.header import Header

        # RFC 2047 §2: an encoded word has at most 75 characters, and several are set apart by white space.
        words = Header(self.name, "utf-8", maxlinelen=75).encode(linesep="")
        return f"{words} <{self.email}>"

    def __str__(self) -> str:
        return self.formatted()


def address_key(text: str) -> str:
    """The form in which two spellings of one mailbox compare equal: bare, lower case, ASCII domain. Never raises.

    Local parts are case-sensitive by RFC 5321 §2.4 and in no mailbox that exists; SES's own suppression list ignores
    case as well.

    Example:
        >>> address_key("Ada <Ada@Example.COM>")
        'ada@example.com'
    """
    email = (parseaddr(text)[1] or text).strip().strip("<>").lower()
    local, _, domain = email.rpartition("@")
    try:
        return f"{local}@{_ascii_domain(domain)}" if local else email
    except UnicodeError:
        return email


def mask(text: str) -> str:
    """The text with the local part of its address hidden, for logs and error messages.

    Example:
        >>> mask("ada@example.com")
        'a***@example.com'
    """
    email = parseaddr(text)[1] or text
    local, at, domain = email.rpartition("@")
    return f"{local[:1]}***@{domain}" if at else "***"


def _checked(email: str) -> str:
    local, at, domain = email.rpartition("@")
    try:
        domain = _ascii_domain(domain)
    except UnicodeError as error:
        raise InvalidAddress(f"{mask(email)!r} has a domain that DNS cannot hold.") from error
    labels = domain.split(".")
    problem = (
        ("has no @" if not at else "")
        or ("has no part before the @" if not local else "")
        or ("has characters outside ASCII before the @, which SES does not deliver to" if not local.isascii() else "")
        or ("has a part before the @ that RFC 5322 does not allow unquoted" if not _LOCAL_PART.match(local) else "")
        or ("is too long" if len(local) > MAX_LOCAL_PART or len(local) + 1 + len(domain) > MAX_ADDRESS else "")
        or ("has a domain without a dot" if len(labels) < 2 else "")  # noqa: PLR2004
        or ("has a domain that DNS cannot hold" if not all(map(_DOMAIN_LABEL.match, labels)) else "")
    )
    if problem:
        raise InvalidAddress(f"{mask(email)!r} {problem}.", hint="Correct the address; nothing was sent.")
    return f"{local}@{domain}"


def _ascii_domain(domain: str) -> str:
    return domain.lower() if domain.isascii() else domain.encode("idna").decode("ascii")
