"""Mail as files on this machine, with an index page and a line on the console. For work without AWS; sends nothing."""

import json
import sys
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from os import urandom
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, cast

from mailer.errors import Refused
from mailer.results import RecipientResult, Status

if TYPE_CHECKING:
    from mailer.attachment import Attachment
    from mailer.message import Message

# The index is appended to, so that processes can share it; the list is shown from its end.
_INDEX = """<!doctype html><meta charset="utf-8"><title>Mails</title>
<style>body{font:16px system-ui;margin:2rem;max-width:60rem}ul{display:flex;flex-direction:column-reverse;padding:0}
li{list-style:none;padding:.5rem 0;border-bottom:1px solid #ddd}small{color:#555}</style>
<h1>Mails</h1><p>Newest first; reload to see new ones. Nothing was sent.</p><ul>
"""
# Links open in a new tab; scripts, forms and the page around are out of the mail's reach.
_FRAME = (
    '<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" style="width:100%;height:40rem" srcdoc="{}">'
    "</iframe>"
)


class FileTransport:
    """A `mailer.transports.base.Transport` that writes each mail to a folder: `index.html`, a page and a `.eml` file.

    Args:
        folder: Created when needed, for its owner alone: mails hold codes and links.
        console: Whether to print recipients, subject, text and page of each mail to standard error.
    """

    def __init__(self, folder: str | Path, *, console: bool = True) -> None:
        self.folder, self._console = Path(folder).absolute(), console
        self._lock = Lock()

    def send(self, message: "Message") -> tuple[RecipientResult, ...]:
        """See `Transport.send`."""
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%S.%f}-{urandom(4).hex()}"
        try:
            page = self._write(name, message, now)
        except OSError as error:
            raise Refused(
                f"The mail cannot be written to {self.folder}: {error.strerror}.",
                hint="Name a folder that is writable.",
            ) from error
        if self._console:
            to = ", ".join(address.email for address in message.recipients)
            sys.stderr.write(f"Mail to {to}: {message.subject}\n{page.as_uri()}\n{message.text}\n")
        return tuple(RecipientResult(address, Status.SENT, f"local-{name}") for address in message.recipients)

    def _write(self, name: str, message: "Message", now: datetime) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / f"{name}.eml").write_bytes(mime(message))
        page = self.folder / f"{name}.html"
        page.write_text(_page(name, message), encoding="utf-8")
        to = ", ".join(str(address) for address in message.recipients)
        row = (
            f'<li><a href="{name}.html">{escape(message.subject or _title(message))}</a><br>'
            f"<small>{now:%Y-%m-%d %H:%M:%S} UTC, {escape(to)}</small></li>\n"
        )
        index = self.folder / "index.html"
        with self._lock:
            if not index.exists():
                index.write_text(_INDEX, encoding="utf-8")
            with index.open("a", encoding="utf-8") as file:
                file.write(row)
        return page


def mime(message: "Message") -> bytes:
    """The mail as MIME, about as SES would build it. A template stored in SES is shown with its data."""
    if message.raw:
        return message.raw.data
    mail = EmailMessage(policy=SMTP)
    for name in ("to", "cc", "reply_to"):
        addresses = cast("tuple[object, ...]", getattr(message, name))
        if addresses:
            mail[name.replace("_", "-").title()] = ", ".join(map(str, addresses))
    mail["From"], mail["Subject"] = str(message.sender), message.subject or _title(message)
    for name, value in message.headers:
        mail[name] = value
    mail.set_content(_shown_text(message))
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    for attachment in message.attachments:
        _attach(mail, attachment)
    return mail.as_bytes()


def _attach(mail: EmailMessage, attachment: "Attachment") -> None:
    part = EmailMessage(policy=SMTP)
    maintype, _, subtype = attachment.content_type.partition(";")[0].partition("/")
    # A mail inside the mail is kept as a file: only its bytes matter here.
    kind = ("application", "octet-stream") if maintype in {"message", "multipart"} else (maintype, subtype)
    part.set_content(
        attachment.content,
        *kind,
        disposition=attachment.chosen_disposition.lower(),
        filename=attachment.filename,
        cid=f"<{attachment.content_id}>" if attachment.content_id else None,
    )
    if mail.get_content_type() != "multipart/mixed":
        mail.make_mixed()
    mail.attach(part)


def _title(message: "Message") -> str:
    return repr(message.template) if message.template else "Raw MIME"


def _shown_text(message: "Message") -> str:
    if not message.template:
        return message.text
    data = json.dumps(json.loads(message.template.json), indent=2, ensure_ascii=False)
    return f"SES would render {message.template!r} with:\n{data}\n"


def _page(name: str, message: "Message") -> str:
    facts = {
        "From": str(message.sender),
        **{part.title(): ", ".join(map(str, getattr(message, part))) for part in ("to", "cc", "bcc")},
        "Stream": message.stream,
        "Tenant": message.tenant,
        "Tags": ", ".join(f"{tag}={value}" for tag, value in message.tags),
        "Headers": "; ".join(f"{header}: {value}" for header, value in message.headers),
        "Attachments": ", ".join(file.filename for file in message.attachments),
    }
    rows = "".join(f"<tr><th>{what}<td>{escape(text)}" for what, text in facts.items() if text)
    html = _FRAME.format(escape(f'<base target="_blank">{message.html}')) if message.html else ""
    raw = message.raw.data.decode(errors="replace") if message.raw else _shown_text(message)
    return (
        f'<!doctype html><meta charset="utf-8"><title>{escape(message.subject)}</title>'
        "<style>body{font:16px system-ui;margin:2rem;max-width:60rem}th{text-align:left;padding-right:1rem}</style>"
        f'<p><a href="index.html">All mails</a> · <a href="{name}.eml">Source</a></p>'
        f"<h1>{escape(message.subject or _title(message))}</h1><table>{rows}</table>{html}<pre>{escape(raw)}</pre>"
    )
