"""Content that SES or the caller renders: a template stored in SES, and raw MIME. Not for templates of this library."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from mailer.address import Address
from mailer.errors import InvalidMessage, refuse
from mailer.redaction import Secret, raise_masked
from mailer.text import as_text

if TYPE_CHECKING:
    from email.headerregistry import AddressHeader

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Template.html
MAX_TEMPLATE_DATA = 262_144
# RFC 5322 §2.1.1, in octets without CRLF. SES: https://docs.aws.amazon.com/ses/latest/dg/send-email-raw.html
MAX_LINE = 998
# https://docs.aws.amazon.com/ses/latest/dg/quotas.html (API v2)
MAX_RAW_BYTES = 40 * 1024 * 1024
# Fields that RFC 5322 §3.6 and SES allow once: https://docs.aws.amazon.com/ses/latest/dg/header-fields.html
_ONCE = frozenset(
    "auto-submitted bcc cc content-disposition content-id content-transfer-encoding content-type date "  # noqa: SIM905
    "from in-reply-to list-unsubscribe list-unsubscribe-post message-id mime-version references reply-to return-path "
    "sender subject to".split()
)
# A header that would do what an argument does, past the checks of this library → the argument.
_ARGUMENTS = {"return-path": "SendOptions(feedback_address=...)", "x-ses-": "`stream`, `tags`, `tenant` or `options`"}
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_ARN = re.compile(r"arn:aws[a-z-]*:ses:[a-z0-9-]+:\d{12}:template/\S+\Z")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


@dataclass(frozen=True, slots=True, repr=False)
class StoredTemplate:
    """A template that is stored in SES, which renders it. The role needs `access.bulk`.

    SES does not escape HTML, and reports a missing variable only after it accepted the mail, as a Rendering Failure
    event. Templates of this library (`EmailTemplate`) have neither problem.

    Args:
        name: The template's name in SES: at most 64 letters, digits, `_` and `-`.
        data: The values of its variables, as JSON can hold them.
        arn: The template's ARN, instead of the name.

    Raises:
        InvalidMessage: There is neither a name nor an ARN, or the data is no JSON or too long.

    Example:
        >>> StoredTemplate("welcome", {"name": "Ada"})
        StoredTemplate('welcome')
    """

    name: str = ""
    data: Mapping[str, object] = field(default_factory=dict[str, object], hash=False, compare=False)
    arn: str = ""
    json: str = field(default="", init=False)
    has_secret: bool = field(default=False, init=False, compare=False)

    def __post_init__(self) -> None:
        name, arn = as_text(self.name, "The template's name"), as_text(self.arn, "The template's ARN")
        written = _json(self.data)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "arn", arn)
        object.__setattr__(self, "json", written)
        object.__setattr__(self, "has_secret", _has_secret(self.data))
        checks = (
            (bool(name) == bool(arn), "a stored template needs either a name or an ARN"),
            (name and not _NAME.match(name), f"{name[:64]!r} is not a template name of SES"),
            (arn and not _ARN.match(arn), f"{arn[:200]!r} is not the ARN of an SES template"),
            (
                len(written) > MAX_TEMPLATE_DATA,
                f"the template's data is {len(written):,} characters long; SES allows {MAX_TEMPLATE_DATA:,}",
            ),
        )
        refuse(problem for wrong, problem in checks if wrong)

    def __repr__(self) -> str:
        return f"StoredTemplate({self.name or self.arn!r})"


def _json(data: object) -> str:
    if not isinstance(data, Mapping):
        raise InvalidMessage(f"The template's data is of type {type(data).__name__}.", hint="Pass a mapping.")
    try:
        return json.dumps(dict(cast("Mapping[str, object]", data)), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        problem = InvalidMessage("The template's data cannot be written as JSON.", hint="Pass text, numbers and lists.")
        raise_masked(problem, error)


def _has_secret(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_secret, cast("Mapping[object, object]", value).values()))
    if isinstance(value, list | tuple):
        return any(map(_has_secret, cast("Iterable[object]", value)))
    return isinstance(value, Secret)


@dataclass(frozen=True, slots=True, repr=False)
class RawMime:
    r"""A whole message in MIME, for those who have one. The role needs `access.raw`.

    Line ends may be CRLF or LF. `Bcc` is removed; its addresses are recipients like those of `To` and `Cc`. SES writes
    `Message-ID` and `Date` itself.

    Args:
        data: The bytes, as of `EmailMessage.as_bytes()`.

    Raises:
        InvalidMessage: The headers are malformed or injected, or SES would refuse the message.

    Example:
        >>> RawMime(b"From: shop@example.com\nTo: ada@example.org\nSubject: Hello\n\nHello Ada\n").to[0].email
        'ada@example.org'
    """

    data: bytes
    sender: Address = field(init=False, compare=False)
    to: tuple[Address, ...] = field(init=False, compare=False)
    cc: tuple[Address, ...] = field(init=False, compare=False)
    bcc: tuple[Address, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.data, bytes | bytearray):  # pyright: ignore[reportUnnecessaryIsInstance] - not every program is checked
            raise InvalidMessage(f"Raw MIME is of type {type(self.data).__name__}.", hint="Pass bytes.")
        data = bytes(self.data)
        if b"\r\n" not in data:
            data = data.replace(b"\n", b"\r\n")
        head, _, body = data.partition(b"\r\n\r\n")
        fields = _fields(head)
        refuse(_raw_problems(data, head, fields))
        kept = b"\r\n".join(lines for name, lines in fields if name != "bcc")
        object.__setattr__(self, "data", kept + b"\r\n\r\n" + body)
        (sender,) = _addresses(fields, "from")
        object.__setattr__(self, "sender", sender)
        for name in ("to", "cc", "bcc"):
            object.__setattr__(self, name, _addresses(fields, name))

    def __repr__(self) -> str:
        return f"<RawMime of {len(self.data)} bytes>"


def _fields(head: bytes) -> list[tuple[str, bytes]]:
    """Each field's name in lower case, and its lines; the name is empty where a line belongs to no field."""
    fields: list[tuple[str, bytes]] = []
    for line in head.split(b"\r\n"):
        found = _FIELD.match(line)
        if line[:1] in {b" ", b"\t"} and line.strip() and fields:
            name, lines = fields[-1]
            fields[-1] = (name, lines + b"\r\n" + line)
        else:
            fields.append((found[1].decode().lower() if found else "", line))
    return fields


def _raw_problems(data: bytes, head: bytes, fields: list[tuple[str, bytes]]) -> Iterable[str]:
    names = [name for name, _ in fields]
    repeated = sorted({name for name in names if name in _ONCE and names.count(name) > 1})
    stray = data.replace(b"\r\n", b"")
    checks = (
        (len(data) > MAX_RAW_BYTES, f"it is {len(data):,} bytes; SES allows {MAX_RAW_BYTES:,}"),
        (b"\0" in data, "it contains a NUL"),
        (b"\r" in stray or b"\n" in stray, "it has a CR or an LF alone: lines must end in CRLF (RFC 5322 §2.3)"),
        (max(map(len, data.split(b"\r\n"))) > MAX_LINE, f"a line is longer than {MAX_LINE} bytes (RFC 5322 §2.1.1)"),
        (not head.isascii(), "a header is not ASCII; encode it as RFC 2047 says"),
        ("" in names, "a line of its headers is not a field (RFC 5322 §2.2)"),
        (repeated, f"these headers are there more than once: {', '.join(repeated)}"),
        ("from" not in names, "it has no From header"),
    )
    yield from (f"raw MIME: {problem}" for wrong, problem in checks if wrong)
    for prefix, argument in _ARGUMENTS.items():
        if any(name.startswith(prefix) for name in names):
            yield f"raw MIME: the header {prefix} is not allowed; use {argument}"
    if "from" in names and head.isascii() and len(_mailboxes(fields, "from")) != 1:
        yield "raw MIME: its From header must have one address"


def _addresses(fields: list[tuple[str, bytes]], name: str) -> tuple[Address, ...]:
    return tuple(Address(email, shown) for email, shown in _mailboxes(fields, name))


def _mailboxes(fields: list[tuple[str, bytes]], name: str) -> list[tuple[str, str]]:
    from email.policy import default

    text = next((lines.decode().partition(":")[2] for found, lines in fields if found == name), "")
    header = cast("AddressHeader", default.header_factory(name, " ".join(text.split())))
    return [(one.addr_spec, one.display_name) for one in header.addresses]
