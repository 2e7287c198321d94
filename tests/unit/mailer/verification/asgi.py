"""A browser for an ASGI application in this process: it keeps cookies and sends forms."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit


@dataclass
class Reply:
    """An answer."""

    url: str
    status: int
    headers: dict[str, str]
    body: str
    forms: list["Form"] = field(default_factory=list)

    @property
    def title(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.body)
        return found[1] if found else ""


@dataclass
class Form:
    """A form of a page: its method, where it goes, and its fields."""

    method: str
    action: str
    fields: dict[str, str]


class Forms(HTMLParser):
    """Finds the forms of a page, and what a scanner of links would follow."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.forms, self.outside = url, list[Form](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = urljoin(self.url, given.get("action", "") or self.url)
            self.forms.append(Form(given.get("method", "get").upper(), action, {}))
        elif tag == "input" and self.forms:
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        for name in ("src", "href"):
            if name in given:
                self.outside.append(urljoin(self.url, given[name]))


class Browser:
    """Speaks to an application."""

    def __init__(self, app: Any, host: str = "https://app.example.com", client: str = "192.0.2.7") -> None:
        self._app, self._host, self._client = app, host, client
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {}

    def get(self, url: str, method: str = "GET") -> Reply:
        return self._request(method, url, b"", {})

    def post(self, url: str, form: Mapping[str, str] | bytes, **headers: str) -> Reply:
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._request("POST", url, body, {"content-type": "application/x-www-form-urlencoded", **names})

    def submit(self, form: Form, **values: str) -> Reply:
        assert form.method in {"GET", "POST"}
        return self.post(form.action, {**form.fields, **values}) if form.method == "POST" else self.get(form.action)

    def _request(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        target = urljoin(self._host, url)
        given = {"host": urlsplit(target).netloc, **self.headers, **headers}
        if self.cookies:
            given["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        reply = asyncio.run(self._exchange(method, target, body, given))
        if "set-cookie" in reply.headers:
            name, _, rest = reply.headers["set-cookie"].partition("=")
            self.cookies[name] = rest.partition(";")[0]
        parser = Forms(target)
        parser.feed(reply.body)
        reply.forms = parser.forms
        return reply

    async def _exchange(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        parts, sent = urlsplit(url), list[Any]()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": parts.scheme,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "root_path": "",
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": (self._client, 50_000),
            "server": (parts.hostname, 443),
        }
        halves = [body[: len(body) // 2], body[len(body) // 2 :]]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": halves.pop(0), "more_body": bool(halves)}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        content = b"".join(one.get("body", b"") for one in sent[1:])
        return Reply(url, sent[0]["status"], found, content.decode())
