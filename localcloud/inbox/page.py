"""The inbox page's routes. Server-rendered; a mail's own HTML never runs in this origin.

The HTML of a mail is a document of its own under a Content-Security-Policy that sandboxes it, shown in a sandboxed
iframe: no script, no form, no plugin, nothing loaded from elsewhere but data: images.
"""

import html
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default
from functools import cached_property
from pathlib import Path
from typing import cast
from urllib.parse import quote, unquote

from jinja2 import Environment, FileSystemLoader

from localcloud.http import Request, Response
from localcloud.ses import mime
from localcloud.ses.context import Context
from localcloud.ses.events import BOUNCES
from localcloud.ses.state import Happening, StoredMessage

PREFIX = "/inbox"
LISTED = 200
# `cid:` of an inline image → our address of the attachment.
_CID = re.compile(r"(?<=[\"'(])cid:([^\"')\s]+)")
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; font-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
_TONES = {"Delivery": "good", "Bounce": "bad", "Complaint": "bad", "Reject": "bad", "DeliveryDelay": "warn"}


@dataclass(frozen=True)
class Mail:
    """A mail as the page shows it."""

    message: StoredMessage
    region: str

    @cached_property
    def source(self) -> bytes:
        """The MIME source."""
        return mime.source(self.message, self.region)

    @cached_property
    def parsed(self) -> EmailMessage:
        """The source, read as a mail client reads it."""
        return message_from_bytes(self.source, policy=default)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Every header."""
        return [(name, str(value)) for name, value in self.parsed.items()]

    def body(self, kind: str) -> str:
        """The `plain` or `html` body; empty if there is none."""
        part = self.parsed.get_body((kind,))
        try:
            return str(part.get_content()) if part else ""
        except LookupError:  # a character set that nobody knows
            return _bytes(part).decode("latin-1")

    @cached_property
    def attachments(self) -> list[EmailMessage]:
        """Everything that has a file name or a content id."""
        parts = cast("Iterable[EmailMessage]", self.parsed.walk())
        return [part for part in parts if part.get_filename() or part["Content-ID"]]


class Inbox:
    """The page over the mails that are kept."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._templates = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
        cast("dict[str, object]", self._templates.globals).update(tone=_tone, explain=_explain, size=_size)

    async def handle(self, request: Request) -> Response:
        """Answer one request under `/inbox`."""
        if request.method not in {"GET", "HEAD"}:
            return _text(405, "Only GET is served here.")
        parts = [unquote(part) for part in request.path.removeprefix(PREFIX).strip("/").split("/") if part]
        if not parts:
            return self._list()
        found = self._context.state.messages.get(parts[0])
        view = _VIEWS.get(parts[1] if len(parts) > 1 else "")
        if found is None or view is None:
            return _text(404, "There is no such mail, or it is no longer kept.")
        return view(self, Mail(found, self._context.state.region), parts[2:])

    def _list(self) -> Response:
        messages = self._context.state.messages
        return self._page("list.html", mails=messages.newest(LISTED), total=len(messages))

    def mail(self, mail: Mail, _: list[str]) -> Response:
        """One mail, everything about it."""
        return self._page(
            "mail.html", mail=mail, message=mail.message, text=mail.body("plain"), has_html=bool(mail.body("html"))
        )

    def rendered(self, mail: Mail, _: list[str]) -> Response:
        """The mail's HTML, sandboxed."""
        attachments = f"{PREFIX}/{quote(mail.message.message_id)}/attachments/cid:"
        markup = _CID.sub(lambda match: attachments + quote(html.unescape(match[1])), mail.body("html"))
        return Response(200, markup.encode(), "text/html; charset=utf-8", _safe(_MAIL_POLICY))

    def raw(self, mail: Mail, _: list[str]) -> Response:
        """The MIME source as text."""
        return Response(200, mail.source, "text/plain; charset=utf-8", _safe(_MAIL_POLICY))

    def attachment(self, mail: Mail, names: list[str]) -> Response:
        """One attachment, by number or content id, always as a download."""
        wanted = names[0] if names else ""
        cid = wanted.removeprefix("cid:") if wanted.startswith("cid:") else None
        for number, part in enumerate(mail.attachments):
            if (cid is not None and str(part["Content-ID"] or "").strip("<> ") == cid) or wanted == str(number):
                return _download(part, as_image=cid is not None)
        return _text(404, "There is no such attachment.")

    def _page(self, template: str, **values: object) -> Response:
        nonce = secrets.token_urlsafe()
        text = self._templates.get_template(template).render(nonce=nonce, **values)
        return Response(200, text.encode(), "text/html; charset=utf-8", _safe(_PAGE_POLICY.format(nonce=nonce)))


def _download(part: EmailMessage, *, as_image: bool) -> Response:
    content = _bytes(part)
    kind = part.get_content_type()
    shown = as_image and kind.startswith("image/") and kind != "image/svg+xml"
    name = quote(part.get_filename() or "attachment")
    disposition = {} if shown else {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(200, content, kind if shown else "application/octet-stream", {**_safe(_MAIL_POLICY), **disposition})


def _safe(policy: str) -> dict[str, str]:
    return {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }


def _text(status: int, text: str) -> Response:
    return Response(status, text.encode(), "text/plain; charset=utf-8", _safe(_MAIL_POLICY))


def _tone(happening: Happening) -> str:
    return _TONES.get(happening.kind, "plain")


def _explain(happening: Happening) -> str:
    if happening.kind == "Bounce":
        bounce_type, status, diagnostic = BOUNCES[happening.detail]
        return f"{bounce_type} / {happening.detail}, {status}: {diagnostic}"
    return happening.detail


def _size(part: EmailMessage) -> str:
    return f"{len(_bytes(part)):,} bytes"


def _bytes(part: MIMEPart | None) -> bytes:
    content = part.get_payload(decode=True) if part else b""
    return content if isinstance(content, bytes) else b""


_VIEWS: dict[str, Callable[[Inbox, Mail, list[str]], Response]] = {
    "": Inbox.mail,
    "html": Inbox.rendered,
    "source": Inbox.raw,
    "attachments": Inbox.attachment,
}
