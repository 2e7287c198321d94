"""Mail as files on this machine, with an index page and a line on the console. For work without AWS; sends nothing."""

import sys
from datetime import UTC, datetime
from html import escape
from os import urandom
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from mailer.errors import Refused
from mailer.results import RecipientResult, Status
from mailer.transports.mime import message_id, mime, shown_text

if TYPE_CHECKING:
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
        written = mime(message, date=now, identifier=message_id(message))
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / f"{name}.eml").write_bytes(written)
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


def _title(message: "Message") -> str:
    return repr(message.template) if message.template else "Raw MIME"


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
    raw = message.raw.data.decode(errors="replace") if message.raw else shown_text(message)
    return (
        f'<!doctype html><meta charset="utf-8"><title>{escape(message.subject)}</title>'
        "<style>body{font:16px system-ui;margin:2rem;max-width:60rem}th{text-align:left;padding-right:1rem}</style>"
        f'<p><a href="index.html">All mails</a> · <a href="{name}.eml">Source</a></p>'
        f"<h1>{escape(message.subject or _title(message))}</h1><table>{rows}</table>{html}<pre>{escape(raw)}</pre>"
    )
