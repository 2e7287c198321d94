"""A message as MIME, for transports that carry bytes. Not for SES's API, which takes the parts as parameters.

`Bcc` is never written. Headers are folded here and stored as they are: the standard library writes a long word, such as
a URL in List-Unsubscribe, as an encoded word, which RFC 2047 §5 does not allow there.
"""

import json
import re
from base64 import encodebytes
from binascii import b2a_qp
from email import message_from_bytes
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from os import urandom
from typing import TYPE_CHECKING

from mailer.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from mailer.address import Address
    from mailer.attachment import Attachment
    from mailer.message import Message

# 7-bit, so that no server needs 8BITMIME (RFC 6152).
_POLICY = SMTP.clone(cte_type="7bit", refold_source="none")
# RFC 5322 §2.1.1: characters of a line that should not be exceeded, and those of a word that must be encoded to be cut.
_LINE, _WORD = 78, 900
_SINGLE_SPACE = re.compile(r"(?<=[^ ]) (?=[^ ])")
_COMPOSITE = ("message/", "multipart/")


def message_id(message: "Message") -> str:
    """The `Message-ID` of a message that this library writes: its own id in the sender's domain.

    Example:
        >>> from mailer.message import Message
        >>> message_id(Message(subject="a", text="b", to="ada@example.com", sender="b@example.org").identified("7"))
        '<7@example.org>'
    """
    domain = message.sender.domain if message.sender else "localhost"
    return f"<{message.id or urandom(16).hex()}@{domain}>"


def mime(message: "Message", *, date: "datetime", identifier: str, headers: "Iterable[tuple[str, str]]" = ()) -> bytes:
    """The message as MIME with CRLF line ends, in ASCII.

    Args:
        message: The message. Raw MIME is kept, and gets what it lacks of `Date` and `Message-ID`.
        date: The value of `Date`.
        identifier: The value of `Message-ID`.
        headers: Further headers for the server, such as `X-SES-CONFIGURATION-SET`.

    Raises:
        InvalidMessage: A header contains a line break.
    """
    ours = (("Date", format_datetime(date)), ("Message-ID", identifier))
    if message.raw:
        head = message.raw.data.partition(b"\r\n\r\n")[0].lower()
        missing = [(name, value) for name, value in ours if b"\r\n%s:" % name.lower().encode() not in b"\r\n" + head]
        lines = [f"{name}: {_folded(name, value)}\r\n" for name, value in (*headers, *missing)]
        return "".join(lines).encode() + message.raw.data
    mail = _body(message)
    top = (("From", (message.sender,) if message.sender else ()), ("To", message.to), ("Cc", message.cc))
    for name, addresses in (*top, ("Reply-To", message.reply_to)):
        if addresses:
            _add(mail, name, _listed(addresses))
    _add(mail, "Subject", _encoded("Subject", message.subject or _title(message)))
    for name, value in (*ours, *message.headers, *headers):
        _add(mail, name, value)
    if "MIME-Version" not in mail:
        _add(mail, "MIME-Version", "1.0")
    return mail.as_bytes()


def identifier_of(written: bytes) -> str:
    """The `Message-ID` in the headers of MIME."""
    head = written.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
    found = re.search(r"^message-id:\s*(\S+)", head, re.IGNORECASE | re.MULTILINE)
    return found[1] if found else ""


def _listed(addresses: "Iterable[Address]") -> str:
    return ", ".join(address.formatted() for address in addresses)


def _add(part: EmailMessage, name: str, value: str) -> None:
    part.set_raw(name, _folded(name, value))


def _folded(name: str, value: str) -> str:
    r"""The value in lines of 78 characters where its spaces allow it (RFC 5322 §2.2.3).

    Example:
        >>> _folded("X", "a" * 40 + " " + "b" * 40).count("\r\n")
        1
        >>> _folded("Subject", "Hello\nBcc: eve@example.org")
        Traceback (most recent call last):
        mailer.errors.InvalidMessage: The header 'Subject' contains a line break. Remove it.
    """
    if "\r" in value or "\n" in value or "\0" in value or not value.isascii():
        what = "a line break" if value.isascii() else "characters that are not ASCII"
        raise InvalidMessage(f"The header {name!r} contains {what}.", hint="Remove it.")
    lines, room = [""], _LINE - len(name) - 2
    for word in _SINGLE_SPACE.split(value):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(word)
            room = _LINE - 1
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return "\r\n ".join(lines)


def _encoded(name: str, text: str) -> str:
    """The text, as encoded words (RFC 2047) where it must be."""
    if text.isascii() and max(map(len, text.split(" "))) <= _WORD:
        return text
    return Header(text, "utf-8", maxlinelen=75, header_name=name).encode(linesep="")


def _body(message: "Message") -> EmailMessage:
    inline = [file for file in message.attachments if message.html and file.chosen_disposition == "INLINE"]
    beside = [file for file in message.attachments if file not in inline]
    shown = [_text(text, kind) for text, kind in ((shown_text(message), "plain"), (message.html, "html")) if text]
    if inline:
        shown[-1] = _multipart("related", [shown[-1], *map(_attachment, inline)])
    body = shown[0] if len(shown) == 1 else _multipart("alternative", shown)
    return _multipart("mixed", [body, *map(_attachment, beside)]) if beside else body


def shown_text(message: "Message") -> str:
    """The plain text; of a template stored in SES, its name and data."""
    if not message.template:
        return message.text
    data = json.dumps(json.loads(message.template.json), indent=2, ensure_ascii=False)
    return f"SES would render {message.template!r} with:\n{data}\n"


def _title(message: "Message") -> str:
    return repr(message.template) if message.template else ""


def _text(text: str, subtype: str) -> EmailMessage:
    part = EmailMessage(_POLICY)
    part.set_content(text, subtype=subtype)
    del part["MIME-Version"]
    return part


def _multipart(subtype: str, parts: "Iterable[EmailMessage]") -> EmailMessage:
    whole = EmailMessage(_POLICY)
    whole["Content-Type"] = f"multipart/{subtype}"
    for part in parts:
        whole.attach(part)
    return whole


def _attachment(file: "Attachment") -> EmailMessage:
    part = EmailMessage(_POLICY)
    part["Content-Type"] = file.content_type
    part["Content-Transfer-Encoding"] = file.chosen_encoding.lower().replace("_", "-").replace("seven-bit", "7bit")
    part.add_header("Content-Disposition", file.chosen_disposition.lower(), filename=file.filename)
    if file.content_id:
        _add(part, "Content-ID", f"<{file.content_id}>")
    if file.description:
        _add(part, "Content-Description", _encoded("Content-Description", file.description))
    if file.content_type.lower().startswith(_COMPOSITE):  # a mail in the mail, which the generator writes by its parts
        part.set_payload("")
        head = part.as_bytes().partition(b"\r\n\r\n")[0]
        return message_from_bytes(head + b"\r\n\r\n" + file.content, policy=_POLICY)
    part.set_payload(_PAYLOADS[file.chosen_encoding](file.content).decode("ascii"))
    return part


def _quoted(content: bytes) -> bytes:
    return b2a_qp(content, istext=False)


_PAYLOADS = {"BASE64": encodebytes, "QUOTED_PRINTABLE": _quoted, "SEVEN_BIT": bytes}
