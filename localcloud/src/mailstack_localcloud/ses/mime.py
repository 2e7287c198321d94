"""The MIME source of an accepted mail and its headers. Built on demand, since that takes a millisecond."""

import functools
import re
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any, cast

from mailstack_localcloud.ses import raw_headers
from mailstack_localcloud.ses.rules import is_plain
from mailstack_localcloud.ses.state import StoredMessage

# us-east-1, the oldest region, has a Message-ID domain of its own.
_MESSAGE_ID_DOMAINS = {"us-east-1": "email.amazonses.com"}
_DISPOSITIONS = {"ATTACHMENT": "attachment", "INLINE": "inline"}
_OCTETS = "application/octet-stream"
_ENCODINGS = {"BASE64": "base64", "QUOTED_PRINTABLE": "quoted-printable", "SEVEN_BIT": "7bit"}
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_ASCII = "us-ascii"
_SUBTYPES = {"Text": "plain", "Html": "html"}
# As events name them → a raw mail's headers.
_ADDRESSES = {"from": "from", "replyTo": "reply-to", "to": "to", "cc": "cc"}
_TEXTS = {"returnPath": "return-path", "date": "date", "sender": "sender", "messageId": "message-id"}


def bare(address: str) -> str:
    """`Ada <ada@example.com>` → `ada@example.com`."""
    return address if is_plain(address) else named(address)[1] or address


@functools.lru_cache(maxsize=10_000)
def named(address: str) -> tuple[str, str]:
    """`Ada <ada@example.com>` → `("Ada", "ada@example.com")`."""
    return parseaddr(address)


def message_id_header(message_id: str, region: str) -> str:
    """The Message-ID that SES gives a mail, whatever the sender had."""
    return f"<{message_id}@{_MESSAGE_ID_DOMAINS.get(region, f'{region}.amazonses.com')}>"


def charset(part: Mapping[str, str]) -> str:
    """The character set of a subject or a body. SES's own is ASCII."""
    return part.get("Charset") or _ASCII


def text(part: Mapping[str, str]) -> str:
    """A subject or a body as its reader sees it: what its character set lacks has become question marks."""
    data = part["Data"]
    return data if data.isascii() else data.encode(charset(part), "replace").decode(charset(part))


def headers(message: StoredMessage) -> list[tuple[str, str]]:
    """The headers that events carry, without building the mail."""
    if "Raw" in message.content:
        found = raw_headers.parsed(message.content["Raw"]["Data"])
        return [(name, value) for name, value in found if name.lower() != "bcc"]
    shown = [
        ("From", message.source),
        ("Reply-To", ", ".join(message.reply_to)),
        ("To", ", ".join(message.to)),
        ("Cc", ", ".join(message.cc)),
        ("Subject", message.subject),
        ("MIME-Version", "1.0"),
        ("Content-Type", _content_type(message)),
        *[(header["Name"], header["Value"]) for header in message.content["Simple"].get("Headers", ())],
    ]
    return [header for header in shown if header[1]]


def common_headers(message: StoredMessage) -> dict[str, Any]:
    """The common headers that events repeat. A raw mail's are its own, the Message-ID included."""
    if "Raw" in message.content:
        found = headers(message)
        lists = {shown: raw_headers.mailboxes(found, name) for shown, name in _ADDRESSES.items()}
        texts = {shown: next(iter(raw_headers.values(found, name)), "") for shown, name in _TEXTS.items()}
        common: dict[str, Any] = {**lists, **texts, "messageId": texts["messageId"] or message.message_id}
    else:
        common = {
            "from": [message.source],
            "replyTo": message.reply_to,
            "to": message.to,
            "cc": message.cc,
            "messageId": message.message_id,
        }
    return {name: value for name, value in {**common, "subject": message.subject}.items() if value}


def _content_type(message: StoredMessage) -> str:
    simple = message.content["Simple"]
    if simple.get("Attachments"):
        return f'multipart/mixed; boundary="{_boundary(message, "mixed")}"'
    if len(simple["Body"]) > 1:
        return f'multipart/alternative; boundary="{_boundary(message, "alternative")}"'
    [(kind, part)] = simple["Body"].items()
    return f"text/{_SUBTYPES[kind]}; charset={charset(part)}"


def _boundary(message: StoredMessage, kind: str) -> str:
    return f"----=_{kind}_{message.message_id[-40:]}"


def source(message: StoredMessage, region: str) -> bytes:
    """The mail as it would leave SES: with SES's own Message-ID and Date."""
    identifier = message_id_header(message.message_id, region)
    if "Raw" in message.content:
        return _stamped(message.content["Raw"]["Data"], identifier, message.accepted_at)
    simple = cast("dict[str, Any]", message.content["Simple"])
    mail = _body(message, simple["Body"])
    for attachment in simple.get("Attachments", []):
        _attach(mail, attachment)
    if simple.get("Attachments"):
        mail.set_boundary(_boundary(message, "mixed"))
    for name, value in _addressing(message).items():
        _put(mail, name, value)
    for header in simple.get("Headers", []):
        if header["Name"].lower() not in {"message-id", "date"}:
            mail[header["Name"]] = header["Value"]
    mail["Message-ID"] = identifier
    mail["Date"] = format_datetime(message.accepted_at)
    return mail.as_bytes()


def _put(mail: EmailMessage, name: str, value: str) -> None:
    try:
        mail[name] = value
    except UnicodeEncodeError:  # half of a surrogate pair, or an encoded word that holds one: no client can show it
        mail[name] = value.encode("utf-8", "replace").decode().replace("=?", "= ?")


def _addressing(message: StoredMessage) -> dict[str, str]:
    listed = {"From": [message.source], "Reply-To": message.reply_to, "To": message.to, "Cc": message.cc}
    return {**{name: ", ".join(value) for name, value in listed.items() if any(value)}, "Subject": message.subject}


def _body(message: StoredMessage, body: Mapping[str, Mapping[str, str]]) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    first, *other = [(_SUBTYPES[kind], body[kind]) for kind in _SUBTYPES if kind in body]
    mail.set_content(text(first[1]), subtype=first[0], charset=charset(first[1]), cte="quoted-printable")
    for subtype, part in other:
        mail.add_alternative(text(part), subtype=subtype, charset=charset(part), cte="quoted-printable")
        mail.set_boundary(_boundary(message, "alternative"))
    return mail


def _attach(mail: EmailMessage, attachment: Mapping[str, Any]) -> None:
    written = Message()
    written["Content-Type"] = str(attachment.get("ContentType") or _OCTETS)
    main, _, sub = str(written.get_params(failobj=[("", "")])[0][0]).partition("/")
    content_id, description = attachment.get("ContentId"), attachment.get("ContentDescription")
    # Without a word SES takes it for text, and what is not ASCII is lost.
    encoding = _ENCODINGS[attachment.get("ContentTransferEncoding", "SEVEN_BIT")]
    octets = attachment["RawContent"]
    mail.add_attachment(
        _NOT_ASCII.sub(b"?", octets) if encoding == "7bit" else octets,
        maintype=main or "application",
        subtype=sub or "octet-stream",
        cte=encoding,
        params=dict(written.get_params(failobj=[])[1:]),
        headers=[f"Content-Description: {description}"] if description else None,
        filename=attachment["FileName"],
        disposition=_DISPOSITIONS[attachment.get("ContentDisposition", "ATTACHMENT")],
        cid=f"<{content_id.strip('<>')}>" if content_id else None,
    )


def _stamped(raw: bytes, identifier: str, accepted_at: datetime) -> bytes:
    mail = BytesParser(policy=SMTP).parsebytes(raw)
    for name in ("Message-ID", "Bcc"):
        del mail[name]
    mail["Message-ID"] = identifier
    if "Date" not in mail:
        mail["Date"] = format_datetime(accepted_at)
    return mail.as_bytes()
