"""The page of the metrics: three files without data. Its script reads `/metrics/email/…` with the key of who looks."""

from importlib.resources import files
from typing import TYPE_CHECKING

from mailer.webhooks.http import OK, Answer, Endpoint, page_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.webhooks.http import Handler, Request

# The page loads its own two files, reads its own server, and nothing else.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
_KEY_FIELD = '<label>Key <input id="key" type="password" autocomplete="off" required></label>\n'
_FILES = {
    "": ("metrics.html", "text/html; charset=utf-8"),
    "/page.js": ("metrics.js", "text/javascript; charset=utf-8"),
    "/page.css": ("metrics.css", "text/css; charset=utf-8"),
}


def page_endpoints(path: str, *, by_session: bool = False) -> "Iterator[Endpoint]":
    """The page at a path, and its files below. By session, it asks for no key."""
    for suffix, (name, kind) in _FILES.items():
        yield Endpoint(f"{path}{suffix}", ("GET", "HEAD"), 0, _serving(name, kind, by_session=by_session))


def is_page(path: str) -> bool:
    """Whether an endpoint is the page or one of its files, which no document describes."""
    return path.endswith(("/metrics/email", "/page.js", "/page.css"))


def _serving(name: str, kind: str, *, by_session: bool) -> "Handler":
    text = (files("mailer.webhooks") / "static" / name).read_text(encoding="utf-8")
    if by_session:
        text = text.replace(_KEY_FIELD, "").replace('<form id="key-form">', '<form id="key-form" data-session="yes">')
    answer = page_answer(OK, text)
    headers = {**answer.headers, "content-type": kind, "content-security-policy": _POLICY}

    def serve(request: "Request") -> Answer:  # noqa: ARG001 - a handler
        return Answer(OK, answer.body, headers)

    return serve
