"""One request and its answer, as ASGI has them. Knows nothing of sockets beyond a transport to write to.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import asyncio
import functools
import logging
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol

from mailstack_localcloud.http import App, Message, Scope

# A client that sends faster than the application reads has to wait once so much lies here.
_BUFFER = 256 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_FAILED = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_BODILESS = frozenset({204, 304})
# Decided here, whatever the application says.
_OURS = frozenset({b"connection", b"keep-alive", b"transfer-encoding"})
_LOG = logging.getLogger(__name__)


class ClientConnection(Protocol):
    """The connection to the client. `is_full` is true while the client reads too slowly."""

    transport: asyncio.Transport
    is_full: bool

    async def drain(self) -> None:
        """Wait until it is not full."""

    def done(self, exchange: "Exchange") -> None:
        """The exchange is over."""


class Exchange:
    """One request and its answer.

    Args:
        client: The connection to the client.
        scope: The request's, by ASGI.
        keep_alive: Whether the client goes on after it on the same connection.
        expects_continue: Whether the client waits for `100 Continue` before it sends the body.
    """

    def __init__(self, client: ClientConnection, scope: Scope, *, keep_alive: bool, expects_continue: bool) -> None:
        self.client = client
        self.keep_alive = keep_alive
        self.is_read = self.is_gone = False
        self._scope = scope
        self._expects_continue = expects_continue
        self._parts: list[bytes] = []
        self._size = 0
        self._news = asyncio.Event()
        self._start: Message = {}
        self._is_taken = self._is_begun = self._is_chunked = self._is_answered = False

    # The client's side

    def feed(self, part: bytes) -> None:
        """Some of the body."""
        self._parts.append(part)
        self._size += len(part)
        if self._size > _BUFFER:
            self.client.transport.pause_reading()
        self._news.set()

    def finish(self) -> None:
        """The body is whole."""
        self.is_read = True
        self._news.set()

    def hang_up(self) -> None:
        """The client is gone."""
        self.is_gone = True
        self._news.set()

    # The application's side

    async def run(self, app: App) -> None:
        """Have the application answer."""
        try:
            await app(self._scope, self.receive, self.send)
        except Exception:  # noqa: BLE001 - the client must get an answer
            _LOG.exception("%s %s failed", self._scope["method"], self._scope["path"])
        if not self._is_answered and not self.is_gone:
            self.keep_alive = False
            if self._is_begun:
                self.client.transport.abort()  # half an answer must not look like a whole one
            else:
                self.client.transport.write(_FAILED)
        self.client.done(self)

    async def receive(self) -> Message:
        """ASGI's: what has come of the body; after its end, that the client is gone."""
        if self._expects_continue and not self._parts:
            self.client.transport.write(_CONTINUE)
        self._expects_continue = False
        while not self.is_gone:
            if self._parts or (self.is_read and not self._is_taken):
                return self._take()
            self._news.clear()
            await self._news.wait()
        return {"type": "http.disconnect"}

    def _take(self) -> Message:
        body, self._parts, self._size = b"".join(self._parts), [], 0
        self._is_taken = self.is_read
        if not self.is_read:
            self.client.transport.resume_reading()
        return {"type": "http.request", "body": body, "more_body": not self.is_read}

    async def send(self, message: Message) -> None:
        """ASGI's: the answer's start, then its body, in one piece or more."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        body, more = bytes(message.get("body", b"")), bool(message.get("more_body"))
        if self.is_gone or self._is_answered:
            return
        head = b"" if self._is_begun else self._head(len(body), more=more)
        self._is_begun, self._is_answered = True, not more
        if not _has_body(self._scope, self._start):
            body = b""
        elif self._is_chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else b"0\r\n\r\n")
        self.client.transport.write(head + body)
        if self.client.is_full:
            await self.client.drain()

    def _head(self, size: int, *, more: bool) -> bytes:
        status = int(self._start["status"])
        headers = [(bytes(name), bytes(value)) for name, value in self._start.get("headers", ())]
        names = {name.lower() for name, _ in headers}
        if names & _OURS:
            headers = [(name, value) for name, value in headers if name.lower() not in _OURS]
        if b"date" not in names:
            headers.append((b"date", _date(int(time.time()))))
        if b"content-length" not in names and _has_body(self._scope, self._start):
            headers.append(self._framing(size, more=more))
        if not self.is_read:
            self.keep_alive = False  # what is left of the request's body would be taken for the next request
        if not self.keep_alive:
            headers.append((b"connection", b"close"))
        elif self._scope["http_version"] == "1.0":
            headers.append((b"connection", b"keep-alive"))
        return _status_line(status) + _lines(headers)

    def _framing(self, size: int, *, more: bool) -> tuple[bytes, bytes]:
        if not more:
            return b"content-length", b"%d" % size
        self._is_chunked = self._scope["http_version"] == "1.1"
        self.keep_alive = self.keep_alive and self._is_chunked
        return (b"transfer-encoding", b"chunked") if self._is_chunked else (b"connection", b"close")


def _has_body(scope: Scope, start: Message) -> bool:
    return scope["method"] != "HEAD" and int(start["status"]) not in _BODILESS


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if not len(headers) == lines.count(b"\n") == lines.count(b"\r") or b"\0" in lines:
        raise ValueError("a header of the response contains a line break")
    return lines + b"\r\n"


@functools.cache
def _status_line(status: int) -> bytes:
    known = {int(one): one.phrase for one in HTTPStatus}
    return f"HTTP/1.1 {status} {known.get(status, '')}\r\n".encode()


@functools.lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()
