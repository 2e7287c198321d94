"""Django's `EmailMessage` as a message of this library. The caller's message is only read.

What SES's API takes as parts travels as parts. The rest travels as raw MIME, which the role must be allowed to send
(`mailstack:access.raw`): a message without a subject or text, other alternatives than HTML, parts of one's own.
"""

import re
from copy import copy
from dataclasses import dataclass, field
from email import message_from_bytes
from email.generator import BytesGenerator
from email.header import Header
from email.message import Message as MimePart
from email.policy import SMTP
from io import BytesIO
from mimetypes import guess_extension
from typing import TYPE_CHECKING, Any, cast

from django.core.mail import EmailMessage, EmailMultiAlternatives

from mailer.address import Address
from mailer.attachment import Attachment
from mailer.content import RawMime
from mailer.errors import InvalidMessage
from mailer.message import MAX_HEADER_VALUE, MAX_HEADERS, Message
from mailer.options import SendOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What a caller may set as `message.mailstack_options`: arguments of `Mailer.send` that Django's message lacks.
OPTIONS = {"stream": str, "tenant": str, "tags": object, "options": SendOptions, "secret": bool, "idempotency_key": str}
ATTRIBUTE = "mailstack_options"
STREAM_HEADER = "X-Mailstack-Stream"
# Headers of SES's v1 API, for applications that come from django-ses: they become parameters.
SET_HEADER, TAGS_HEADER = "X-SES-CONFIGURATION-SET", "X-SES-MESSAGE-TAGS"
_OURS = {name.lower() for name in (STREAM_HEADER, SET_HEADER, TAGS_HEADER)}
# Django's defaults of DEFAULT_FROM_EMAIL and SERVER_EMAIL: nobody has chosen a sender.
_NO_SENDERS = {"webmaster@localhost", "root@localhost"}
# SES writes these itself: https://docs.aws.amazon.com/ses/latest/dg/header-fields.html
_WRITTEN_BY_SES = {"date", "message-id"}
# Headers that are parts of a message and differ from its recipients, or that SES takes in MIME alone.
_MIME_ONLY = {"to", "cc", "sender"}
# Methods of Django's message that a subclass overrides to write other MIME.
_WRITERS = re.compile(r"message$|_create_|_add_")
_SEVEN_BIT = SMTP.clone(cte_type="7bit", refold_source="none")
_HTML = "text/html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A message of Django, read.

    Attributes:
        content: Its content, without sender, recipients and stream.
        arguments: The arguments of `Mailer.compose` beside the content and the stream.
        stream: The stream that the caller named; empty for none.
        configuration_set: The configuration set that a header of SES's v1 API named.
        idempotency_key: The key that the caller gave.
    """

    content: "Message | RawMime"
    arguments: "Mapping[str, Any]"
    stream: str = ""
    configuration_set: str = ""
    idempotency_key: str | None = None


@dataclass(slots=True)
class _Read:
    """What is read of a message step by step."""

    email: EmailMessage
    headers: dict[str, str] = field(default_factory=dict[str, str])
    ours: dict[str, str] = field(default_factory=dict[str, str])


def convert(email: EmailMessage, *, default_sender: Address) -> Converted:
    """Read a message of Django.

    Args:
        email: The message.
        default_sender: The sender of a message whose project has not chosen one.

    Raises:
        InvalidMessage: It cannot be sent as it is. Django's `BadHeaderError` is raised, too, for a line break in a
            header; both are `ValueError`.
    """
    read = _Read(email)
    for name, value in email.extra_headers.items():
        place = read.ours if str(name).lower() in _OURS else read.headers
        place[str(name)] = str(value)
    given = _options(email)
    ours = {name.lower(): value for name, value in read.ours.items()}
    content = _content(read, _sender(read, default_sender))
    arguments: dict[str, Any] = {
        "to": [str(one) for one in email.to if one],
        "cc": [str(one) for one in email.cc if one],
        "bcc": [str(one) for one in email.bcc if one],
        **{name: given[name] for name in ("tenant", "options", "secret") if name in given},
    }
    tags = (*_tags(ours.get(TAGS_HEADER.lower(), "")), *_pairs(given.get("tags")))
    return Converted(
        content=content,
        arguments={**arguments, "tags": tags} if tags else arguments,
        stream=str(given.get("stream") or ours.get(STREAM_HEADER.lower(), "")).strip(),
        configuration_set=ours.get(SET_HEADER.lower(), "").strip(),
        idempotency_key=given.get("idempotency_key"),
    )


def _options(email: EmailMessage) -> dict[str, Any]:
    given: object = getattr(email, ATTRIBUTE, None) or {}
    if not isinstance(given, dict):
        raise InvalidMessage(f"{ATTRIBUTE} is of type {type(given).__name__}.", hint="Set a dict.")
    options = cast("dict[str, Any]", given)
    unknown = sorted(map(str, options.keys() - OPTIONS.keys()))
    if unknown:
        hint = f"It may have: {', '.join(OPTIONS)}."
        raise InvalidMessage(f"{ATTRIBUTE} has unknown keys: {', '.join(unknown)}.", hint=hint)
    for name, value in options.items():
        if value is not None and not isinstance(value, OPTIONS[name]):
            raise InvalidMessage(
                f"{ATTRIBUTE}[{name!r}] is of type {type(value).__name__}.", hint=f"Set {OPTIONS[name].__name__}."
            )
    return options


def _pairs(given: object) -> "Iterable[tuple[str, str]]":
    from mailer.message import as_pairs

    return as_pairs(given, "tags")


def _tags(header: str) -> "Iterable[tuple[str, str]]":
    """The tags of SES's header: `name=value, other=value`."""
    for item in filter(None, map(str.strip, header.split(","))):
        name, _, value = item.partition("=")
        yield name.strip(), value.strip()


def _sender(read: _Read, default: Address) -> Address:
    name = next((one for one in read.headers if one.lower() == "from"), None)
    text = str(read.email.from_email) if name is None else read.headers.pop(name)
    return default if text in _NO_SENDERS else Address.parse(text)


def _content(read: _Read, sender: Address) -> "Message | RawMime":
    parts = _parts(read)
    if parts is None:
        return _raw(read, sender)
    return Message(**parts, sender=sender)


def _parts(read: _Read) -> dict[str, Any] | None:
    """The arguments of `Message`; None where only MIME can say it."""
    email, headers = read.email, _headers(read.headers)
    attachments = [_attachment(one) for one in cast("Iterable[object]", email.attachments)]
    bodies = _bodies(email)
    if _writes_mime(type(email)) or headers is None or bodies is None or None in attachments:
        return None
    subject = str(email.subject)
    if not subject.strip():
        return None
    listed = [one for name in list(headers) if name.lower() == "reply-to" for one in _listed(headers.pop(name))]
    return {
        "subject": subject,
        **bodies,
        "headers": headers,
        "attachments": attachments,
        "reply_to": listed or [str(one) for one in email.reply_to if one],
    }


def _writes_mime(kind: type[EmailMessage]) -> bool:
    """Whether a subclass overrides how the MIME is written, such as to sign it."""
    own = (name for base in kind.__mro__ for name in vars(base) if base.__module__ != EmailMessage.__module__)
    return any(_WRITERS.match(name) and hasattr(EmailMultiAlternatives, name) for name in own)


def _bodies(email: EmailMessage) -> dict[str, str] | None:
    alternatives = [(one[0], one[1]) for one in getattr(email, "alternatives", None) or ()]
    body, kind = email.body, email.content_subtype
    if isinstance(body, bytes):
        return None
    text = str(body or "")
    if not alternatives and kind in {"plain", "html"} and text:
        return {"text" if kind == "plain" else "html": text}
    if kind != "plain" or len(alternatives) != 1 or alternatives[0][1] != _HTML:
        return None
    content = cast("object", alternatives[0][0])
    html = content.decode() if isinstance(content, bytes) else str(content)
    return {"text": text, "html": html} if html else None


def _headers(given: dict[str, str]) -> dict[str, str] | None:
    """The further headers in ASCII; None where only MIME can carry them."""
    kept: dict[str, str] = {}
    for name, value in given.items():
        key = name.lower()
        if key in _WRITTEN_BY_SES:
            continue
        if key in _MIME_ONLY or not value.strip():
            return None
        # With a line break it stays as it is, and is refused.
        plain = value.isascii() or "\n" in value or "\r" in value or key == "reply-to"
        kept[name] = value if plain else Header(value, "utf-8", maxlinelen=75, header_name=name).encode(linesep="")
        if len(kept[name]) > MAX_HEADER_VALUE:
            return None
    return kept if len(kept) <= MAX_HEADERS else None


def _listed(header: str) -> list[str]:
    """The addresses of a header's value. One that cannot be read stays as it is, and is refused."""
    if "\n" in header or "\r" in header:
        return [header]
    found: Any = SMTP.header_factory("Reply-To", header)
    return [header] if found.defects else [str(one) for one in found.addresses]


def _attachment(given: object) -> Attachment | None:
    """An attachment that SES's API takes; None where only MIME can carry it."""
    if isinstance(given, MimePart):
        return _of_part(cast("MimePart[Any, Any]", given))
    filename, content, mimetype = cast("tuple[object, object, object]", given)
    kind = str(mimetype or "")
    if not filename or not isinstance(content, str | bytes | bytearray | memoryview) or kind.startswith("message/"):
        return None
    if isinstance(content, str):
        kind = f"{kind}; charset=utf-8" if kind.startswith("text/") and ";" not in kind else kind
        content = content.encode()
    return Attachment(str(filename), bytes(cast("bytes", content)), kind)


def _of_part(part: "MimePart[Any, Any]") -> Attachment | None:
    """A part that the caller made, such as an inline image (`Content-ID`)."""
    payload: object = None if part.is_multipart() else part.get_payload(decode=True)
    kind = part.get_content_type()
    if not isinstance(payload, bytes) or kind.startswith(("message/", "multipart/")):
        return None
    content_id = str(part.get("Content-ID", "")).strip().strip("<>")
    filename = part.get_filename() or (content_id and f"image{guess_extension(kind) or '.bin'}")
    if not filename:
        return None
    charset = part.get_content_charset()
    return Attachment(
        str(filename),
        payload,
        f"{kind}; charset={charset}" if charset else kind,
        content_id=content_id,
        disposition="ATTACHMENT" if part.get_content_disposition() == "attachment" else "",
    )


def _raw(read: _Read, sender: Address) -> RawMime:
    """The MIME that Django writes, in 7 bits, which is what SES takes."""
    email = copy(read.email)
    email.from_email = sender.formatted()
    email.extra_headers = dict(read.headers)
    written = BytesIO()
    mime = email.message()
    BytesGenerator(written, mangle_from_=False, policy=mime.policy.clone(linesep="\r\n")).flatten(mime)
    data = written.getvalue()
    if not data.isascii():
        # https://docs.aws.amazon.com/ses/latest/dg/send-email-raw.html#send-email-mime-encoding
        data = message_from_bytes(data, policy=_SEVEN_BIT).as_bytes()
    return RawMime(data)
