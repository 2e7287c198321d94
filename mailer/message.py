"""A message and its attachments: values, checked when they are made, so that what exists can be sent.

Not for sending, and not for MIME: SES takes the parts as parameters.
"""

import mimetypes
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TypedDict, cast

from mailer.address import UNPRINTABLE, Address
from mailer.errors import InvalidMessage

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html: To, Cc and Bcc together; the message with its attachments in
# base64 (API v2).
MAX_RECIPIENTS = 50
MAX_BYTES = 40 * 1024 * 1024
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Message.html and API_MessageHeader.html
MAX_HEADERS = 15
MAX_HEADER_NAME, MAX_HEADER_VALUE, MAX_HEADER = 126, 995, 996
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html
MAX_TAG = 256
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Attachment.html
MAX_FILENAME, MAX_CONTENT_ID, MAX_CONTENT_TYPE = 255, 78, 78

# What SES or this library writes itself; https://docs.aws.amazon.com/ses/latest/dg/header-fields.html
FORBIDDEN_HEADERS = frozenset(  # a list of words reads best as words
    "bcc cc content-disposition content-transfer-encoding content-type date dkim-signature from message-id "  # noqa: SIM905
    "mime-version received reply-to return-path sender subject to".split()
)
# The v1 way to name a configuration set and tags; here they are parameters.
FORBIDDEN_HEADER_PREFIX = "x-ses-"
# SES refuses these; https://docs.aws.amazon.com/ses/latest/dg/mime-types.html
FORBIDDEN_EXTENSIONS = frozenset(
    "ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js "  # noqa: SIM905
    "jse ksh lib lnk mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msh1 "
    "msh2 mshxml msh1xml msh2xml msi msp mst ops pcd pif plg prf prg reg scf scr sct shb shs sys ps1 "
    "ps1xml ps2 ps2xml psc1 psc2 tmp url vb vbe vbs vps vsmacros vss vst vsw vxd ws wsc wsf wsh xnk".split()
)

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_HEADER_NAME = re.compile(r"[!-9;-~]+\Z")  # RFC 5322 §2.2: printable ASCII without the colon
_HEADER_VALUE = re.compile(r"[ -~]+\Z")
_TAG = re.compile(r"[A-Za-z0-9_-]+\Z")
_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]+\Z")
_CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(; ?[!-~]+)*\Z")

Mailboxes = str | Address | Iterable[str | Address]
Pairs = Mapping[str, str] | Iterable[tuple[str, str]]


class Envelope(TypedDict, total=False):
    """Everything of a message but its content; see `Message` for what each means."""

    to: Mailboxes
    cc: Mailboxes
    bcc: Mailboxes
    reply_to: Mailboxes
    sender: str | Address | None
    headers: Pairs
    tags: Pairs
    attachments: "Iterable[Attachment]"
    stream: str
    tenant: str


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """A file that travels with the message.

    Attributes:
        filename: As the recipient sees it, with its extension; no path.
        content: The bytes.
        content_type: Guessed from the extension when left out.
        content_id: Set for an image that the HTML shows inline as `<img src="cid:...">`, without angle brackets.

    Raises:
        InvalidMessage: SES would refuse it.

    Example:
        >>> Attachment("invoice.pdf", b"%PDF-1.7").content_type
        'application/pdf'
    """

    filename: str
    content: bytes
    content_type: str = ""
    content_id: str = ""

    def __post_init__(self) -> None:
        if not self.content_type:
            guessed, encoding = mimetypes.guess_type(self.filename)
            # A .tar.gz guesses as a tar: what travels is the compressed file.
            object.__setattr__(self, "content_type", (not encoding and guessed) or "application/octet-stream")
        _refuse(_attachment_problems(self))

    @classmethod
    def from_path(cls, path: str | Path, *, content_type: str = "", content_id: str = "") -> "Attachment":
        """Read a file.

        Raises:
            OSError: It cannot be read.
            InvalidMessage: SES would refuse it.
        """
        path = Path(path)
        return cls(path.name, path.read_bytes(), content_type, content_id)

    def __repr__(self) -> str:
        return f"Attachment({self.filename!r}, {len(self.content)} bytes, {self.content_type})"


@dataclass(frozen=True, init=False, repr=False)
class Message:
    r"""A message that can be sent: checked when made, never changed after. `dataclasses.replace` makes a changed one.

    All recipients share it: whoever stands in `to` or `cc` sees the others there. For mail of their own, send to each.
    A mailbox that is named twice is kept where it stands first.

    Args:
        subject: One line.
        text: Plain text; at least one of `text` and `html` is needed, and both are better.
        html: HTML.
        to: An address, or several: text (`ada@example.com`, `Ada <ada@example.com>`) or `Address`.
        cc: As `to`.
        bcc: As `to`; the other recipients do not see them.
        reply_to: Where replies go; the sender when left out.
        sender: The From address; the stack's own when left out.
        headers: Further headers, in ASCII, at most 15. What SES writes itself is refused.
        tags: Names and values that SES's events and metrics carry: ASCII letters, digits, `_` and `-`.
        attachments: Files.
        stream: The name of one of the stack's streams; its default when left out.
        tenant: The name of one of the stack's tenants, for whom it is sent; nobody's when left out.

    Raises:
        InvalidMessage: SES would refuse it, or it would not arrive as meant; every problem is named.
        InvalidAddress: One of the addresses cannot be one.

    Example:
        >>> message = Message(subject="Hello", text="Hello Ada", to="Ada Lovelace <ada@example.com>")
        >>> message.to[0].name
        'Ada Lovelace'
        >>> Message(subject="Hello\nBcc: eve@example.org", text="Hello", to="ada@example.com")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        mailer.errors.InvalidMessage: The message cannot be sent: the subject holds a line break ...
    """

    subject: str
    text: str
    html: str
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    sender: Address | None
    headers: tuple[tuple[str, str], ...]
    tags: tuple[tuple[str, str], ...]
    attachments: tuple[Attachment, ...] = field(hash=False)
    stream: str
    tenant: str

    def __init__(  # noqa: PLR0913 - a message has that many parts
        self,
        *,
        subject: str,
        text: str = "",
        html: str = "",
        to: Mailboxes = (),
        cc: Mailboxes = (),
        bcc: Mailboxes = (),
        reply_to: Mailboxes = (),
        sender: str | Address | None = None,
        headers: Pairs = (),
        tags: Pairs = (),
        attachments: Iterable[Attachment] = (),
        stream: str = "",
        tenant: str = "",
    ) -> None:
        seen: set[str] = set()
        values = (
            subject,
            text,
            html,
            _first_of_each(_mailboxes(to), seen),
            _first_of_each(_mailboxes(cc), seen),
            _first_of_each(_mailboxes(bcc), seen),
            _first_of_each(_mailboxes(reply_to), set()),
            None if sender is None else Address.parse(sender),
            _pairs(headers),
            _pairs(tags),
            tuple(attachments),
            stream,
            tenant,
        )
        for part, value in zip(fields(self), values, strict=True):
            object.__setattr__(self, part.name, value)
        _refuse(_message_problems(self))

    @property
    def recipients(self) -> tuple[Address, ...]:
        """Everybody it goes to: to, cc, bcc."""
        return self.to + self.cc + self.bcc

    @property
    def size(self) -> int:
        """About how many bytes SES counts: the parts, with attachments in base64 (RFC 2045 §6.8, lines of 76)."""
        text = len(self.text.encode(errors="replace")) + len(self.html.encode(errors="replace"))
        return text + sum(-(-len(attachment.content) // 57) * 78 for attachment in self.attachments)

    def __repr__(self) -> str:
        return f"<Message {self.subject!r} to {', '.join(one.masked for one in self.recipients)}>"


def _mailboxes(value: Mailboxes) -> tuple[Address, ...]:
    return tuple(map(Address.parse, (value,) if isinstance(value, str | Address) else value))


def _first_of_each(addresses: tuple[Address, ...], seen: set[str]) -> tuple[Address, ...]:
    kept: list[Address] = []
    for address in addresses:
        if address.key not in seen:
            seen.add(address.key)
            kept.append(address)
    return tuple(kept)


def _pairs(value: Pairs) -> tuple[tuple[str, str], ...]:
    if isinstance(value, Mapping):
        return tuple(cast("Mapping[str, str]", value).items())
    return tuple(value)


def _refuse(problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        raise InvalidMessage(f"The message cannot be sent: {'; '.join(found)}.")


def _message_problems(message: Message) -> Iterable[str]:
    count = len(message.recipients)
    checks = (
        (not count, "it has no recipient"),
        (count > MAX_RECIPIENTS, f"it has {count} recipients and SES takes {MAX_RECIPIENTS} a message"),
        (not message.subject.strip(), "it has no subject"),
        (UNPRINTABLE.search(message.subject), "the subject holds a line break or another control character"),
        (_SURROGATE.search(message.text + message.html), "it holds half of a surrogate pair, which is no text"),
        (not message.text and not message.html, "it has neither text nor HTML"),
        (len(message.headers) > MAX_HEADERS, f"it has {len(message.headers)} headers and SES takes {MAX_HEADERS}"),
        (message.size > MAX_BYTES, f"it is about {message.size:,} bytes and SES takes {MAX_BYTES:,}"),
        (message.tenant and not _TAG.match(message.tenant), f"{message.tenant!r} cannot be the name of a tenant"),
    )
    yield from (problem for wrong, problem in checks if wrong)
    seen: set[str] = set()
    for name, value in message.headers:
        yield from _header_problems(name, value, seen)
    for name, value in message.tags:
        for what, text in (("name", name), ("value", value)):
            if len(text) > MAX_TAG or not _TAG.match(text):
                yield f"the tag {what} {text!r} is not 1 to {MAX_TAG} ASCII letters, digits, '_' and '-'"


def _header_problems(name: str, value: str, seen: set[str]) -> Iterable[str]:
    key = name.lower()
    checks = (
        (not _HEADER_NAME.match(name) or len(name) > MAX_HEADER_NAME, "has a name that RFC 5322 or SES does not allow"),
        (key in FORBIDDEN_HEADERS, "is written from the message's own parts; use those"),
        (key.startswith(FORBIDDEN_HEADER_PREFIX), "is SES's older API; use `stream` and `tags`"),
        (key in seen, "is there twice"),
        (not _HEADER_VALUE.match(value), "has a value that is empty or holds more than printable ASCII"),
        (len(value) > MAX_HEADER_VALUE or len(name) + len(value) > MAX_HEADER, "is longer than SES takes"),
    )
    seen.add(key)
    yield from (f"the header {name!r} {problem}" for wrong, problem in checks if wrong)


def _attachment_problems(attachment: Attachment) -> Iterable[str]:
    name, cid = attachment.filename, attachment.content_id
    extension = name.rpartition(".")[2].lower()
    checks = (
        (not name or len(name) > MAX_FILENAME, f"needs a file name of 1 to {MAX_FILENAME} characters"),
        (UNPRINTABLE.search(name) or "/" in name or "\\" in name, "has a name with a path or a control character"),
        (extension in FORBIDDEN_EXTENSIONS, f"has the extension .{extension}, which SES refuses"),
        (
            len(attachment.content_type) > MAX_CONTENT_TYPE or not _CONTENT_TYPE.match(attachment.content_type),
            f"has a content type that is none: {attachment.content_type!r}",
        ),
        (
            cid and (len(cid) > MAX_CONTENT_ID or not _CONTENT_ID.match(cid)),
            f"has a content id that is not 1 to {MAX_CONTENT_ID} characters of an id without angle brackets",
        ),
    )
    yield from (f"the attachment {name!r} {problem}" for wrong, problem in checks if wrong)
