"""The gallery as a WSGI application. It answers to this machine alone, and its pages load nothing from elsewhere."""

import json
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from mailer.errors import MailerError
from mailer.preview.comparison import comparison, last_commit_of
from mailer.preview.views import Choice, checks, page, parts, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment

    from mailer.preview.collection import Collection
    from mailer.preview.outgoing import Outgoing

_STATIC = {
    "/": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
_OWN_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:"
)
# A mail runs no script and sends no form, here as in a mail program.
_MAIL = "sandbox allow-same-origin allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src {}"
_IMAGES = "https: http: data:"


class Gallery:
    """A WSGI application.

    Args:
        collection: The templates.
        hosts: The values of `Host` that are answered. Other names may lead to this machine by DNS rebinding.
        outgoing: Where "Send to me" sends; None for no such button.
    """

    def __init__(self, collection: "Collection", hosts: "Iterable[str]", outgoing: "Outgoing | None" = None) -> None:
        self._collection = collection
        self._outgoing = outgoing
        self._hosts = frozenset(hosts)
        self._data = {
            "templates": self._templates,
            "version": self._version,
            "parts": self._parts,
            "checks": self._checks,
            "lines": self._lines,
            "difference": self._difference,
        }

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        """Answer a request."""
        if environ.get("HTTP_HOST") not in self._hosts:
            return _answer(start_response, "403 Forbidden", "text/plain", b"This page is for this machine alone.")
        if environ.get("REQUEST_METHOD") == "POST" and self._outgoing:
            return self._send(environ, start_response)
        if environ.get("REQUEST_METHOD") != "GET":
            return _answer(start_response, "405 Method Not Allowed", "text/plain", b"Only GET.")
        return self._get(environ, start_response)

    def _get(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        path, query = environ.get("PATH_INFO", "/"), dict(parse_qsl(environ.get("QUERY_STRING", "")))
        if path in _STATIC:
            name, kind = _STATIC[path]
            content = (files("mailer.preview") / "static" / name).read_bytes()
            return _answer(start_response, "200 OK", kind, content, _OWN_PAGE)
        area, _, name = path.removeprefix("/").partition("/")
        show = self._data.get(area)
        if show:
            return _answer(start_response, "200 OK", "application/json", json.dumps(show(name, query)).encode())
        if area == "mail":
            return self._mail(name, query, start_response)
        return _answer(start_response, "404 Not Found", "text/plain", b"There is no such page.")

    def _templates(self, _name: str, _query: "Mapping[str, str]") -> object:
        return {
            "brand": self._collection.brand.name,
            "languages": self._collection.languages,
            "recipient": self._outgoing.label if self._outgoing else "",
            "templates": [
                {"name": name, "area": self._collection.area(name), "about": _about(kind)}
                for name, kind in self._collection.kinds.items()
            ],
        }

    def _version(self, name: str, _query: "Mapping[str, str]") -> object:
        """The files' version and, of a template that is compared, the commit."""
        return {"version": self._collection.version, "commit": last_commit_of(self._collection, name)}

    def _parts(self, name: str, query: "Mapping[str, str]") -> object:
        return parts(self._collection, name, Choice.of(query))

    def _checks(self, name: str, query: "Mapping[str, str]") -> object:
        return checks(self._collection, name, Choice.of(query))

    def _lines(self, name: str, _query: "Mapping[str, str]") -> object:
        return places(self._collection, name)

    def _difference(self, name: str, query: "Mapping[str, str]") -> object:
        return comparison(self._collection, name, Choice.of(query))

    def _mail(self, name: str, query: "Mapping[str, str]", start_response: "StartResponse") -> list[bytes]:
        choice = Choice.of(query)
        policy = _MAIL.format(_IMAGES if choice.has_images else "'none'")
        try:
            content = page(self._collection, name, choice).encode()
        except MailerError as error:
            return _answer(start_response, "422 Unprocessable Content", "text/plain", f"{error}".encode(), policy)
        return _answer(start_response, "200 OK", "text/html", content, policy)

    def _send(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        """Send a template, for a page of ours only: browsers say where a request comes from."""
        origin = environ.get("HTTP_ORIGIN", "").partition("://")[2]
        area, _, name = environ.get("PATH_INFO", "/").removeprefix("/").partition("/")
        if origin not in self._hosts or area != "send" or self._outgoing is None:
            return _answer(start_response, "403 Forbidden", "text/plain", b"Only from the gallery's own page.")
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        said = self._outgoing.send(self._collection, name, Choice.of(query))
        return _answer(start_response, "200 OK", "application/json", json.dumps({"said": said}).encode())


def _about(kind: type) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0]


def _answer(
    start_response: "Callable[..., object]", status: str, kind: str, content: bytes, policy: str = "default-src 'none'"
) -> list[bytes]:
    headers = [
        ("Content-Type", f"{kind}; charset=utf-8"),
        ("Content-Length", str(len(content))),
        ("Content-Security-Policy", policy),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ]
    start_response(status, headers)
    return [content]
