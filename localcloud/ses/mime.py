"""The MIME source of an accepted mail and its headers. Built only when somebody looks: building costs a millisecond."""

import functools
from collections.abc import Mapping
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import SMTP
from email.utils import format_datetime, getaddresses, parseaddr
from typing import Any, cast

from localcloud.ses.rules import is_plain
from localcloud.ses.state import StoredMessage

# us-east-1, the oldest region, has a Message-ID domain of its own.
_MESSAGE_ID_DOMAINS = {"us-east-1": "email.amazonses.com"}
_DISPOSITIONS = {"ATTACHMENT": "attachment", "INLINE": "inline"}
_OCTETS = "application/octet-stream"


def bare(address: str) -> str:
    """`Ada <ada@example.com>` → `ada@example.com`."""
    return address if is_plain(address) else _parsed(address)


@functools.lru_cache(maxsize=10_000)
def _parsed(address: str) -> str:
    return parseaddr(address)[1] or address


def message_id_header(message_id: str, region: str) -> str:
    """The Message-ID that SES gives a mail, whatever the sender had."""
    return f"<{message_id}@{_MESSAGE_ID_DOMAINS.get(region, f'{region}.amazonses.com')}>"


def raw_recipients(raw: bytes) -> dict[str, list[str]]:
    """To, Cc and Bcc as a raw mail's headers have them; From, Reply-To and Subject beside them."""
    parsed = BytesHeaderParser().parsebytes(raw)
    names = ("From", "To", "Cc", "Bcc", "Reply-To")
    found = {name: _mailboxes(parsed, name) for name in names}
    return {**found, "Subject": [_decoded(str(parsed.get("Subject", "")))]}


def _decoded(header: str) -> str:
    """Words encoded by RFC 2047 as people read them; what cannot be decoded stays as it is."""
    try:
        return str(make_header(decode_header(header)))
    except (LookupError, UnicodeDecodeError, HeaderParseError):
        return header


def _mailboxes(parsed: Message, name: str) -> list[str]:
    values = [str(value) for value in parsed.get_all(name, [])]
    return [f"{shown} <{address}>" if shown else address for shown, address in getaddresses(values) if address]


def headers(message: StoredMessage) -> list[tuple[str, str]]:
    """The headers that events carry, without building the mail."""
    if "Raw" in message.content:
        parsed = BytesHeaderParser().parsebytes(message.content["Raw"]["Data"])
        shown = [(name, value) for name, value in parsed.items() if name.lower() != "bcc"]
        return [(name, " ".join(str(value).split())) for name, value in shown]
    content_type = next((value for name, value in _top(message) if name == "Content-Type"), "")
    addressed = [("From", message.source), ("Reply-To", ", ".join(message.reply_to))]
    addressed += [("To", ", ".join(message.to)), ("Cc", ", ".join(message.cc)), ("Subject", message.subject)]
    own = [(header["Name"], header["Value"]) for header in message.content["Simple"].get("Headers", [])]
    shown = [*addressed, ("MIME-Version", "1.0"), ("Content-Type", content_type), *own]
    return [(name, value) for name, value in shown if value]


def _top(message: StoredMessage) -> list[tuple[str, str]]:
    simple = message.content["Simple"]
    kinds = ["text/plain" if kind == "Text" else "text/html" for kind in simple["Body"]]
    if simple.get("Attachments"):
        return [("Content-Type", f'multipart/mixed; boundary="{_boundary(message, "mixed")}"')]
    if len(kinds) > 1:
        return [("Content-Type", f'multipart/alternative; boundary="{_boundary(message, "alternative")}"')]
    return [("Content-Type", f"{kinds[0]}; charset=UTF-8")]


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
        mail[name] = value
    for header in simple.get("Headers", []):
        if header["Name"].lower() not in {"message-id", "date"}:
            mail[header["Name"]] = header["Value"]
    mail["Message-ID"] = identifier
    mail["Date"] = format_datetime(message.accepted_at)
    return mail.as_bytes()


def _addressing(message: StoredMessage) -> dict[str, str]:
    listed = {"From": [message.source], "Reply-To": message.reply_to, "To": message.to, "Cc": message.cc}
    return {**{name: ", ".join(value) for name, value in listed.items() if any(value)}, "Subject": message.subject}


def _body(message: StoredMessage, body: Mapping[str, Mapping[str, str]]) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    if "Text" in body:
        mail.set_content(body["Text"]["Data"], cte="quoted-printable")
        if "Html" in body:
            mail.add_alternative(body["Html"]["Data"], subtype="html", cte="quoted-printable")
            mail.set_boundary(_boundary(message, "alternative"))
    else:
        mail.set_content(body["Html"]["Data"], subtype="html", cte="quoted-printable")
    return mail


def _attach(mail: EmailMessage, attachment: Mapping[str, Any]) -> None:
    main, _, sub = str(attachment.get("ContentType") or _OCTETS).partition(";")[0].partition("/")
    content_id = attachment.get("ContentId")
    mail.add_attachment(
        attachment["RawContent"],
        maintype=main or "application",
        subtype=sub or "octet-stream",
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
