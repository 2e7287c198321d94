"""A kept mail as its reader sees it, parsed from its source: bodies, headers, links, attachments. Makes no page."""

import base64
import html
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default
from functools import cached_property
from html.parser import HTMLParser
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

from mailstack_localcloud.inbox.people import readable
from mailstack_localcloud.ses import mime, raw_headers
from mailstack_localcloud.ses.state import StoredMessage

if TYPE_CHECKING:
    from collections.abc import Iterator

# `cid:` of an inline image, in an attribute or in CSS.
_CID = re.compile(r"(?<=[\"'(=])cid:([^\"')\s>]+)")
_IMAGE = re.compile(r"image/[a-z0-9.+-]+")
# So many characters of images are put into a mail's HTML, however often it names them.
_MAX_IMAGES = 64 * 1024 * 1024
# Without the full stop that ends a sentence in plain text.
_WEB = re.compile(r"https?://[^\s<>\"')\]]*[^\s<>\"')\].,;:!?]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not a body; its name may be empty."""

    name: str
    content_type: str
    content_id: str
    content: bytes

    @property
    def data_url(self) -> str:
        """An address that holds the content."""
        return f"data:{self.content_type};base64,{base64.b64encode(self.content).decode()}"


@dataclass(frozen=True)
class Mail:
    """A mail, read as a mail client reads it."""

    message: StoredMessage
    region: str

    @cached_property
    def source(self) -> bytes:
        """The MIME source."""
        return mime.source(self.message, self.region)

    @cached_property
    def _parsed(self) -> EmailMessage:
        return message_from_bytes(self.source, policy=default)

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """Every header, decoded."""
        return [(name, readable(value)) for name, value in raw_headers.parsed(self.source)]

    @cached_property
    def text(self) -> str:
        """The plain body; empty if there is none."""
        return self._body("plain")

    @cached_property
    def html(self) -> str:
        """The HTML body; empty if there is none."""
        return self._body("html")

    @property
    def shown_html(self) -> str:
        """The HTML with its inline images in it: its document is sandboxed, so that it may load nothing from here."""
        images = {part.content_id: part for part in self.attachments if _IMAGE.fullmatch(part.content_type)}
        left = _MAX_IMAGES

        def inlined(match: re.Match[str]) -> str:
            nonlocal left
            image = images.get(unquote(html.unescape(match[1])))
            left -= len(image.content) * 4 // 3 if image else 0
            return image.data_url if image and left > 0 else match[0]

        return _CID.sub(inlined, self.html)

    def _body(self, kind: str) -> str:
        part = self._parsed.get_body((kind,))
        try:
            return str(part.get_content()) if part else ""
        except LookupError:  # an unknown character set
            return _bytes(part).decode("latin-1")

    @cached_property
    def links(self) -> list[str]:
        """The web addresses to click on, each once, in order: of the HTML, else of the text."""
        found = _hrefs(self.html) or _WEB.findall(self.text)
        return list(dict.fromkeys(link for link in found if _WEB.match(link)))

    @cached_property
    def attachments(self) -> list[Attachment]:
        """Everything but the bodies: files, inline images, invitations."""
        bodies = [self._parsed.get_body((kind,)) for kind in ("plain", "html")]
        return [_attachment(part) for part in _leaves(self._parsed) if not any(part is body for body in bodies)]


def _leaves(part: EmailMessage) -> "Iterator[EmailMessage]":
    """The parts that hold something, a mail within the mail as one of them."""
    if part.get_content_maintype() != "multipart":
        yield part
        return
    for inner in cast("Iterator[EmailMessage]", part.iter_parts()):
        yield from _leaves(inner)


def _attachment(part: EmailMessage) -> Attachment:
    content_id = str(part["Content-ID"] or "").strip("<> ")
    return Attachment(part.get_filename() or content_id, part.get_content_type(), content_id, _bytes(part))


def _bytes(part: MIMEPart | None) -> bytes:
    if part is not None and part.get_content_maintype() == "message":
        return b"".join(inner.as_bytes() for inner in cast("list[EmailMessage]", part.get_payload()))
    content = part.get_payload(decode=True) if part else b""
    return content if isinstance(content, bytes) else b""


def _hrefs(markup: str) -> list[str]:
    parser = _Links()
    parser.feed(markup)
    return parser.found


class _Links(HTMLParser):
    """The targets of `<a>`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value.strip() for name, value in attrs if name == "href" and value]
