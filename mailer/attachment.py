"""A file that travels with a message: a value, checked when it is made. Not for the message itself."""

import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from mailer.address import BIDI_CONTROL, UNPRINTABLE
from mailer.errors import InvalidMessage, refuse
from mailer.text import as_text

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Attachment.html
MAX_FILENAME, MAX_CONTENT_ID, MAX_CONTENT_TYPE, MAX_DESCRIPTION = 255, 78, 78, 1000
DISPOSITIONS = ("ATTACHMENT", "INLINE")
TRANSFER_ENCODINGS = ("BASE64", "QUOTED_PRINTABLE", "SEVEN_BIT")
# RFC 5322 §2.1.1: octets of a line without its end.
MAX_LINE = 998
# SES refuses these; https://docs.aws.amazon.com/ses/latest/dg/mime-types.html
FORBIDDEN_EXTENSIONS = frozenset(
    "ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js "  # noqa: SIM905
    "jse ksh lib lnk mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msh1 "
    "msh2 mshxml msh1xml msh2xml msi msp mst ops pcd pif plg prf prg reg scf scr sct shb shs sys ps1 "
    "ps1xml ps2 ps2xml psc1 psc2 tmp url vb vbe vbs vps vsmacros vss vst vsw vxd ws wsc wsf wsh xnk".split()
)

_ANYTHING = "application/octet-stream"
_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]+\Z")
# RFC 2045 §5.1; names of types and subtypes by RFC 6838 §4.2.
_NAME, _TOKEN = r"[A-Za-z0-9!#$&^_.+-]+", r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"
_CONTENT_TYPE = re.compile(rf'{_NAME}/{_NAME}(?:; ?{_TOKEN}=(?:{_TOKEN}|"[ !#-\[\]-~]*"))*\Z')


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """A file that travels with the message.

    Attributes:
        filename: The name that the recipient sees, with its extension and without a path.
        content: The bytes.
        content_type: Default: guessed from the extension.
        content_id: Set for an image that the HTML shows inline as `<img src="cid:...">`, without angle brackets.
        description: What the file is, for mail programs that show it (Content-Description, RFC 2045 §8).
        disposition: `ATTACHMENT` or `INLINE`. Default: `INLINE` if it has a content id.
        transfer_encoding: `BASE64`, `QUOTED_PRINTABLE` or `SEVEN_BIT`. Default: `SEVEN_BIT` for a mail inside the mail,
            as RFC 2046 §5.2.1 wants, else `BASE64`.

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
    description: str = ""
    disposition: Literal["", "ATTACHMENT", "INLINE"] = ""
    transfer_encoding: Literal["", "BASE64", "QUOTED_PRINTABLE", "SEVEN_BIT"] = ""

    def __post_init__(self) -> None:
        name = as_text(self.filename, "The attachment's file name")
        object.__setattr__(self, "filename", name)
        object.__setattr__(self, "content", _content(self.content, name))
        object.__setattr__(self, "content_id", as_text(self.content_id, "The attachment's content id"))
        kind = as_text(self.content_type, "The attachment's content type") or _guessed(name, self.content)
        object.__setattr__(self, "content_type", kind)
        object.__setattr__(self, "description", as_text(self.description, "The attachment's description"))
        refuse(_attachment_problems(self))

    @property
    def chosen_disposition(self) -> Literal["ATTACHMENT", "INLINE"]:
        """How mail programs must show it."""
        return self.disposition or ("INLINE" if self.content_id else "ATTACHMENT")

    @property
    def chosen_encoding(self) -> Literal["BASE64", "QUOTED_PRINTABLE", "SEVEN_BIT"]:
        """How SES must encode it. SES's own default is SEVEN_BIT, which breaks anything that is not ASCII."""
        return self.transfer_encoding or ("SEVEN_BIT" if _is_composite(self.content_type) else "BASE64")

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


def _content(value: object, name: str) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(cast("bytes", value))
    hint = "Encode the text: text.encode()." if isinstance(value, str) else "Pass bytes; of an open file, file.read()."
    raise InvalidMessage(f"The content of the attachment {name!r} is of type {type(value).__name__}.", hint=hint)


def _guessed(name: str, content: bytes) -> str:
    """The content type by the file name's extension."""
    kind, encoding = mimetypes.guess_type(name)
    # A .tar.gz guesses as a tar: what travels is the compressed file.
    if not kind or encoding or (_is_composite(kind) and not _is_seven_bit(content)):
        return _ANYTHING
    return kind


def _is_composite(kind: str) -> bool:
    """Whether a part of this type must not be in base64 (RFC 2046 §5.2.1, RFC 2045 §6.4; RFC 6532 §3.5 excepts one)."""
    kind = kind.lower()
    return kind.startswith(("message/", "multipart/")) and not kind.startswith("message/global")


def _is_seven_bit(content: bytes) -> bool:
    """RFC 2045 §2.7."""
    return content.isascii() and b"\0" not in content and max(map(len, content.splitlines()), default=0) <= MAX_LINE


def _extensions(name: str) -> set[str]:
    """What may count as a file's extension: Windows drops dots and spaces at the end, and what follows a colon."""
    whole = (part.casefold().rstrip(". \u00a0\u3000") for part in name.split(":"))
    return {part.rpartition(".")[2] for part in whole if "." in part}


def _attachment_problems(attachment: Attachment) -> Iterable[str]:
    name, cid, kind = attachment.filename, attachment.content_id, attachment.content_type
    text, encoding = attachment.description, attachment.chosen_encoding
    if len(name) > MAX_FILENAME or len(kind) > MAX_CONTENT_TYPE or len(cid) > MAX_CONTENT_ID:
        yield (
            f"the attachment {name[:MAX_FILENAME]!r} has a file name, a content type or a content id of more than "
            f"{MAX_FILENAME}, {MAX_CONTENT_TYPE} and {MAX_CONTENT_ID} characters"
        )
        return
    forbidden = sorted(_extensions(name) & FORBIDDEN_EXTENSIONS)
    checks = (
        (not name.strip(), "needs a file name"),
        (UNPRINTABLE.search(name) or "/" in name or "\\" in name, "has a name with a path or a control character"),
        (BIDI_CONTROL.search(name), "has a name with a bidirectional control character"),
        (forbidden, f"has the extension .{', .'.join(forbidden)}, which SES refuses"),
        (not _CONTENT_TYPE.match(kind), f"has an invalid content type: {kind!r}"),
        (cid and not _CONTENT_ID.match(cid), "has an invalid content id; write it without angle brackets"),
        (
            _is_composite(kind) and not _is_seven_bit(attachment.content),
            f"is {kind}, which must not be in base64 (RFC 2046 §5.2.1), and is no plain ASCII: make it {_ANYTHING}",
        ),
        (len(text) > MAX_DESCRIPTION, f"has a description of more than {MAX_DESCRIPTION} characters"),
        (
            UNPRINTABLE.search(text) or BIDI_CONTROL.search(text),
            "has a description with a control or bidirectional control character",
        ),
        (attachment.disposition not in ("", *DISPOSITIONS), f"needs a disposition of {', '.join(DISPOSITIONS)}"),
        (encoding not in TRANSFER_ENCODINGS, f"needs a transfer encoding of {', '.join(TRANSFER_ENCODINGS)}"),
        (
            _is_composite(kind) and encoding != "SEVEN_BIT",
            f"is {kind}, which needs the transfer encoding SEVEN_BIT (RFC 2046 §5.2.1)",
        ),
        (
            encoding == "SEVEN_BIT" and not _is_composite(kind) and not _is_seven_bit(attachment.content),
            "is not 7-bit (RFC 2045 §2.7), so it needs the transfer encoding BASE64",
        ),
    )
    yield from (f"the attachment {name!r} {problem}" for wrong, problem in checks if wrong)
