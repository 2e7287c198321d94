"""Checks of a mail that need no other program: size, subject, text, links, images, language, validity, Outlook."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mailer.quality.report import Check

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mailer.message import Message
    from mailer.quality.page import Element, Page

# Gmail shows "[Message clipped]" after so many bytes of HTML; a common observation, which Google does not document.
GMAIL_CLIPS = 102 * 1024
_NEAR = 0.8
_LONG_SUBJECT = 60
_LINE = 998  # RFC 5322 §2.1.1
_SCHEMES = frozenset({"https", "mailto", "tel", "sms", "cid"})
_URLS = (
    *(("a", "href"), ("area", "href"), ("img", "src"), ("link", "href"), ("form", "action")),
    *((tag, "background") for tag in ("body", "table", "td")),
)
# What a style sheet loads: an image, a font or another sheet.
_LOADED = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])([^"')\s]+)""", re.IGNORECASE)
_OPEN, _END = re.compile(r"<!--\[if [^\]]*\]>"), re.compile(r"<!\[endif\]-->")
_REVEALED = re.compile(r"<!--\[if !mso[^\]]*\]><!-->|<!--<!\[endif\]-->")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z")
_WORDS = re.compile(r"\w{3,}")
# The page may say more: that a button which does not work can be copied, for one.
_ENOUGH = 0.4


def checks(message: "Message", page: "Page", hosts: "Collection[str]") -> "Iterator[Check]":
    """Every check.

    Args:
        message: The mail.
        page: Its HTML.
        hosts: The hosts of the brand. Links to others are warned of.
    """
    yield size(message.html)
    yield subject(message.subject)
    yield text(message, page, hosts)
    yield from links(page, hosts)
    yield images(page)
    yield language(page)
    yield valid(message.html)
    yield outlook(message.html)


def size(html: str) -> Check:
    """Whether Gmail shows all of it."""
    number = len(html.encode())
    words = f"{number / 1024:.1f} kB of HTML; Gmail clips after {GMAIL_CLIPS // 1024} kB"
    state = "fail" if number >= GMAIL_CLIPS else "warn" if number > GMAIL_CLIPS * _NEAR else "pass"
    return Check("size", state, words)


def subject(words: str) -> Check:
    """Whether the subject is short; a message without one cannot be created."""
    problems = [f"{len(words)} characters; phones show about {_LONG_SUBJECT}"] if len(words) > _LONG_SUBJECT else []
    return Check.of("subject", problems, f"{len(words)} characters", state="warn")


def text(message: "Message", page: "Page", hosts: "Collection[str]") -> Check:
    """Whether the plain text is there and says what the page says, with its links but that to the brand's home page."""
    if not message.text.strip():
        return Check("plain text", "fail", "there is none")
    written, shown = set(_WORDS.findall(message.text.lower())), set(_WORDS.findall(page.text.lower()))
    share = len(written & shown) / (len(shown) or 1)
    problems = [f"only {share:.0%} of the page's words are in it"] if share < _ENOUGH else []
    targets = sorted({one.attributes.get("href", "") for one in page.all("a")})
    lacking = [url for url in targets if url.startswith("http") and url not in message.text]
    problems += [f"it lacks the link {_short(url)}" for url in lacking if not _is_home(url, hosts)]
    longest = max(map(len, message.text.splitlines()))
    problems += [f"a line has {longest} characters, more than the {_LINE} of RFC 5322"] if longest > _LINE else []
    return Check.of("plain text", problems, f"{share:.0%} of the page's words, every link", state="warn")


def _is_home(url: str, hosts: "Collection[str]") -> bool:
    parts = urlsplit(url)
    return parts.hostname in hosts and parts.path in {"", "/"} and not parts.query


def links(page: "Page", hosts: "Collection[str]") -> "Iterator[Check]":
    """Whether links and images are absolute, https, and on the brand's hosts."""
    found = list(_urls(page))
    wrong = [f"{where} has {_short(url)!r}, {reason}" for where, url in found if (reason := _wrong(url))]
    yield Check.of("links", wrong, f"{len(found)} links and images, absolute and https")
    if not hosts:
        yield Check("hosts", "skip", "the brand names no website to compare with")
        return
    named = sorted({host for _, url in found if (host := urlsplit(url).hostname)})
    foreign = [host for host in named if not any(f".{host}".endswith(f".{one}") for one in hosts)]
    problems = [f"{host} is not a host of the brand" for host in foreign]
    yield Check.of("hosts", problems, "all on the brand's hosts", state="warn")


def _urls(page: "Page") -> "Iterator[tuple[str, str]]":
    """Every address of the page, and where it is."""
    for tag, name in _URLS:
        yield from (
            (f"line {one.line}: <{tag}>", one.attributes[name]) for one in page.all(tag) if name in one.attributes
        )
    for one in page.elements:
        yield from ((f"line {one.line}: a style", url) for url in _LOADED.findall(one.attributes.get("style", "")))
    for sheet in page.styles:
        yield from (("a style sheet", url) for url in _LOADED.findall(sheet))


def _wrong(url: str) -> str:
    scheme = urlsplit(url).scheme.lower()
    if not url.strip():
        return "which is empty"
    if url.startswith("#"):
        return ""
    if not scheme:
        return "which is relative"
    return "" if scheme in _SCHEMES else f"which is {scheme} and not https"


def images(page: "Page") -> Check:
    """Whether each image says what it shows, and the page says something without images."""
    every = list(page.all("img"))
    silent = [one for one in every if "alt" not in one.attributes]
    problems = [f"line {one.line}: an image has no alt: {_short(one.attributes.get('src', ''))}" for one in silent]
    problems += [f"line {one.line}: a link has only an image without a text" for one in _mute_links(page)]
    if not page.text:
        problems.append("without images nothing can be read")
    return Check.of("images off", problems, f"{len(every)} images, each with a text")


def _mute_links(page: "Page") -> "Iterator[Element]":
    """Images that are the only content of a link, and say nothing."""
    for before, element in zip(page.elements, page.elements[1:], strict=False):
        if before.tag == "a" and element.tag == "img" and element.attributes.get("alt") == "":
            yield element


def language(page: "Page") -> Check:
    """Whether the page says its language, for screen readers."""
    tag = next((one.attributes.get("lang", "") for one in page.all("html")), "")
    problems = [] if _LANGUAGE.match(tag) and tag != "und" else [f"<html> has lang={tag!r}"]
    problems += [] if any(page.all("title")) else ["there is no <title>"]
    return Check.of("language", problems, tag)


def valid(html: str) -> Check:
    """Whether it is HTML as the WHATWG's standard has it."""
    from justhtml import JustHTML

    errors = [f"{one}" for one in JustHTML(html, collect_errors=True).errors]
    return Check.of("valid HTML", errors, "no error of the parser")


def outlook(html: str) -> Check:
    """Whether each conditional comment of Outlook has an end."""
    rest = _REVEALED.sub("", html)
    opened, ended = len(_OPEN.findall(rest)), len(_END.findall(rest))
    problems = [] if opened == ended else [f"{opened} conditional comments begin and {ended} end"]
    return Check.of("Outlook", problems, f"{opened} conditional comments, each with an end")


def _short(url: str) -> str:
    most = 80
    return url if len(url) <= most else f"{url[: most - 1]}…"
