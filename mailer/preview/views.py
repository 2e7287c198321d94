"""What the gallery shows of one template: its parts, its headers, its sizes, and its page in light or dark mode."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from html import escape
from typing import TYPE_CHECKING

from mailer.errors import MailerError, TemplateError
from mailer.preview.samples import sample
from mailer.quality.score import score
from mailer.templates.compose import compose
from mailer.templates.engine import render
from mailer.transports.mime import message_id, mime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.message import Message
    from mailer.preview.collection import Collection
    from mailer.templates.base import EmailTemplate

_DARK = re.compile(r"@media\s*\(\s*prefers-color-scheme:\s*dark\s*\)")
_SENDER, _RECIPIENT = "Example <no-reply@example.com>", "Ada <ada@example.org>"
# Gmail clips a message's HTML there: https://www.caniemail.com/ and Gmail's "[Message clipped]".
GMAIL_CLIPS_AT = 102 * 1024


@dataclass(frozen=True, slots=True)
class Choice:
    """How a template is shown."""

    locale: str = ""
    second: str = ""
    is_dark: bool = False
    has_images: bool = True
    has_lines: bool = False

    @classmethod
    def of(cls, query: "Mapping[str, str]") -> "Choice":
        """Read the query of an address."""
        return cls(
            query.get("locale", ""),
            query.get("second", ""),
            query.get("scheme") == "dark",
            query.get("images") != "off",
            query.get("lines") == "on",
        )


def parts(collection: "Collection", name: str, choice: Choice) -> dict[str, object]:
    """Everything but the page: subject, text, headers and sizes, or the problem."""
    try:
        message = _message(collection, name, choice)
        written = mime(message, date=datetime.now(UTC), identifier=message_id(message))
    except MailerError as error:
        return {"problem": f"{error.message} {error.hint}".strip()}
    html = message.html.encode()
    headers = message_from_bytes(written, policy=default).items()
    return {
        "problem": collection.problem,
        "subject": str(message.subject),
        "text": str(message.text),
        "headers": [[key, str(value)] for key, value in headers],
        "sizes": {"html": len(html), "text": len(message.text.encode()), "mime": len(written)},
        "clipped": len(html) > GMAIL_CLIPS_AT,
        "secret": message.secret,
    }


def checks(collection: "Collection", name: str, choice: Choice) -> dict[str, object]:
    """What `mailer templates score` finds without Chromium and SpamAssassin, or the problem."""
    try:
        found = score(_message(collection, name, choice), collection.brand, browser=False, spam=False)
    except MailerError as error:
        return {"problem": f"{error.message} {error.hint}".strip(), "checks": []}
    return {
        "problem": "",
        "checks": [
            {"name": one.name, "state": one.state, "summary": one.summary, "details": list(one.details)}
            for one in found.checks
        ],
    }


def places(collection: "Collection", name: str) -> list[str]:
    """The lines that the elements of a page come from, by number; empty where they are unknown."""
    kind = collection.kinds.get(name)
    try:
        return collection.lines.places(kind, collection.brand) if kind else []
    except MailerError:  # which the page itself shows
        return []


def page(collection: "Collection", name: str, choice: Choice) -> str:
    """The HTML, with the media query of dark mode answered as chosen: a frame has no other way to set it.

    Raises:
        TemplateError: The template cannot be rendered.
    """
    mail = sample_mail(collection, name, choice)
    brand = collection.lines.brand(type(mail), collection.brand) if choice.has_lines else collection.brand
    made = render(mail, brand)
    html = made.html.reveal() or f'<meta charset="utf-8"><pre>{escape(made.text.reveal())}</pre>'
    return _DARK.sub("@media all" if choice.is_dark else "@media not all", html)


def _message(collection: "Collection", name: str, choice: Choice) -> "Message":
    return compose(sample_mail(collection, name, choice), collection.brand, to=_RECIPIENT, sender=_SENDER)


def sample_mail(collection: "Collection", name: str, choice: Choice) -> "EmailTemplate":
    """A template with its sample, in the chosen language.

    Raises:
        TemplateError: There is no such template, or it has no sample.
    """
    kind = collection.kinds.get(name)
    if kind is None:
        raise TemplateError(f"There is no template {name!r}.", hint="`mailer templates` lists the catalog.")
    return sample(kind).localized(choice.locale, second=choice.second)
