"""The tags of a link in a mail, as its `ses:tags` attribute has them; Click events carry them. Pure.

https://docs.aws.amazon.com/ses/latest/dg/faqs-metrics.html
"""

from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser

from mailstack_localcloud.ses.mime import text
from mailstack_localcloud.ses.state import StoredMessage


def link_tags(message: StoredMessage, link: str) -> dict[str, list[str]]:
    """The values by name of the first link in the mail's HTML that leads there and has tags.

    Written `<a ses:tags="where:footer;kind:shop" href="https://example.com/">`.
    """
    parser = _Tags(link)
    parser.feed(_markup(message))
    tags = dict[str, list[str]]()
    for pair in parser.found.split(";"):
        name, colon, value = pair.strip().partition(":")
        if colon:
            tags.setdefault(name.strip(), []).append(value.strip())
    return tags


def _markup(message: StoredMessage) -> str:
    if "Simple" in message.content:
        html = message.content["Simple"]["Body"].get("Html")
        return text(html) if html else ""
    part = message_from_bytes(message.content["Raw"]["Data"], policy=default).get_body(("html",))
    try:
        return str(part.get_content()) if part else ""
    except LookupError:  # an unknown character set
        return ""


class _Tags(HTMLParser):
    """The tags of a link."""

    def __init__(self, link: str) -> None:
        super().__init__()
        self._link = link
        self.found = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and not self.found and (given.get("href") or "").strip() == self._link:
            self.found = given.get("ses:tags") or ""
