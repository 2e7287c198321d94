"""Looks at a mail in every way that this machine can, and reports it."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mailer.errors import TemplateError
from mailer.install import install_command
from mailer.quality.report import Check, Score

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.message import Message
    from mailer.quality.page import Page
    from mailer.templates.brand import Brand


def score(message: "Message", brand: "Brand", *, browser: bool = True, spam: bool = True) -> Score:
    """Look at a mail.

    Args:
        message: The mail, with its sender and one recipient.
        brand: Whose mail it is.
        browser: Whether to show it in Chromium.
        spam: Whether to ask SpamAssassin.

    Raises:
        TemplateError: The extra `score` is not installed, or a program does not work.
    """
    try:
        import justhtml
        import tinycss2
    except ImportError as error:
        raise TemplateError(
            "Scoring needs justhtml and tinycss2, which are not installed.",
            hint=f"Install them: {install_command('score')}",
        ) from error
    del justhtml, tinycss2
    from mailer.quality import clients
    from mailer.quality.page import read

    page = read(message.html)
    found = tuple(_checks(message, page, brand, browser=browser, spam=spam))
    return Score(message.template_name, found, clients.support(page) if message.html else {})


def _checks(message: "Message", page: "Page", brand: "Brand", *, browser: bool, spam: bool) -> "Iterator[Check]":
    from mailer.quality import clients, content, rendering
    from mailer.quality.spam import checks

    if message.html:
        yield from content.checks(message, page, hosts(brand))
        yield clients.check(page)
        if browser:
            yield from rendering.checks(message.html)
    else:
        yield content.subject(message.subject)
        yield Check("HTML", "skip", "the mail is plain text alone")
    if spam:
        yield from checks([message])


def hosts(brand: "Brand") -> frozenset[str]:
    """The hosts of the brand's website, logo, links and profiles; none where it names no website."""
    if not brand.website:
        return frozenset()
    named = [brand.website, brand.logo, brand.logo_dark, *(one.url for one in (*brand.links, *brand.social))]
    return frozenset(host for url in named if url and (host := urlsplit(url).hostname))
