"""What the gallery shows of one template: its parts, its headers, its sizes, and its page in light or dark mode."""

import re
from dataclasses import dataclass, replace
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
    from mailer.templates.brand import Brand

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
    is_committed: bool = False

    @classmethod
    def of(cls, query: "Mapping[str, str]") -> "Choice":
        """Read the query of an address."""
        return cls(
            query.get("locale", ""),
            query.get("second", ""),
            query.get("scheme") == "dark",
            query.get("images") != "off",
            query.get("lines") == "on",
            query.get("commit") == "last",
        )

    def of_last_commit(self) -> "Choice":
        """The same, of the template as the last commit has it."""
        return replace(self, is_committed=True)


def parts(collection: "Collection", name: str, choice: Choice) -> dict[str, object]:
    """Everything but the page: subject, text, headers and sizes, or the problem."""
    try:
        message = message_of(collection, name, choice)
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
        found = score(message_of(collection, name, choice), collection.brand, browser=False, spam=False)
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
    mail, brand = sample_mail(collection, name, choice)
    if choice.has_lines:
        brand = collection.lines.brand(type(mail), brand)
    made = render(mail, brand)
    html = made.html.reveal() or f'<meta charset="utf-8"><pre>{escape(made.text.reveal())}</pre>'
    return _DARK.sub("@media all" if choice.is_dark else "@media not all", html)


def message_of(collection: "Collection", name: str, choice: Choice) -> "Message":
    """A template with its sample as a message.

    Raises:
        TemplateError: The template cannot be rendered.
    """
    mail, brand = sample_mail(collection, name, choice)
    return compose(mail, brand, to=_RECIPIENT, sender=_SENDER)


def sample_mail(collection: "Collection", name: str, choice: Choice) -> "tuple[EmailTemplate, Brand]":
    """A template with its sample, in the chosen language, and its brand.

    Raises:
        TemplateError: There is no such template, it has no sample, or the last commit does not have it.
    """
    kind, brand = collection.kinds.get(name), collection.brand
    if kind is None:
        raise TemplateError(f"There is no template {name!r}.", hint="`mailer templates` lists the catalog.")
    if choice.is_committed:
        past = collection.committed.past(kind, brand)
        kind, brand = past.kind, past.brand
    return sample(kind).localized(choice.locale, second=choice.second), brand
