"""A client's connection: requests one after the other, parsed by llhttp; other protocols are handed to hypercorn."""

import asyncio
from collections import deque
from typing import Protocol
from urllib.parse import unquote

import httptools

from mailstack_localcloud.http import TRANSPORT
from mailstack_localcloud.server.http11.exchange import Exchange

# A connection on which nothing comes is closed after so many seconds; one that holds half a request sooner: a head must
# be whole in this time, and a body go on.
_IDLE_SECONDS, _REQUEST_SECONDS = 75.0, 30.0
# Of a request line and headers together.
_MAX_HEAD = 64 * 1024
# How HTTP/2 begins where the client knows that the server speaks it.
_HTTP2 = b"PRI "
_ABSOLUTE = (b"http://", b"https://")


class Server(Protocol):
    """What a connection needs of its server; see `listener.Server`."""

    connections: "set[Connection]"
    is_stopping: bool

    def run(self, exchange: Exchange) -> None:
        """Have a request answered."""
        ...

    def take_over(self, transport: asyncio.Transport, begun: bytes) -> None:
        """Have hypercorn serve a connection on which `begun` has come."""
        ...


class Connection(asyncio.Protocol):
    """One connection; an `exchange.ClientConnection`."""

    transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self.is_full = False
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        # What has come of a head that is not whole yet.
        self._head = b""
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._incoming: Exchange | None = None
        self._is_half = False
        # The first is being answered, the others wait: a client may send before it has the answer. Nothing more is read
        # while one waits.
        self._exchanges: deque[Exchange] = deque()
        self._drained = asyncio.Event()
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's: a client is there."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self.transport = transport
        self._server.connections.add(self)
        self._wait(_IDLE_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """asyncio's: it is gone."""
        self._forget()
        self._drained.set()
        for exchange in self._exchanges:
            exchange.hang_up()

    def pause_writing(self) -> None:
        """asyncio's: it reads too slowly."""
        self.is_full = True
        self._drained.clear()

    def resume_writing(self) -> None:
        """asyncio's: it has caught up."""
        self.is_full = False
        self._drained.set()

    def data_received(self, data: bytes) -> None:
        """asyncio's: some of a request, or of several."""
        if self._incoming or not self._is_half:
            self._stop_waiting()
        if self._incoming is None:
            self._head += data
            if self._head.startswith(_HTTP2):
                self._hand_over()
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._hand_over()
        except httptools.HttpParserError:
            self._refuse(b"400 Bad Request")
        else:
            if self._incoming is None and len(self._head) > _MAX_HEAD:
                self._refuse(b"431 Request Header Fields Too Large")
            elif not self._is_half:
                self._stop_waiting()
            elif self._patience is None:
                self._wait(_REQUEST_SECONDS)

    def on_message_begin(self) -> None:
        """httptools': the first byte of a request."""
        self._is_half = True

    def on_url(self, url: bytes) -> None:
        """httptools': some of the address."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools': a header."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """httptools': enough to begin with an answer."""
        url, headers, self._url, self._headers = self._url, self._headers, b"", []
        if self._parser.should_upgrade():
            return
        self._head = b""
        if url.startswith(_ABSOLUTE):
            # RFC 9112 section 3.2.2: the target's host counts, whatever the Host header says.
            _, _, host, *rest = url.split(b"/", 3)
            url = b"/" + b"".join(rest)
            headers = [(b"host", host), *(header for header in headers if header[0] != b"host")]
        path, _, query = url.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self._parser.get_http_version(),
            "method": self._parser.get_method().decode("ascii"),
            "scheme": "http",
            "path": unquote(path.decode("latin-1")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "extensions": {TRANSPORT: {"transport": self.transport}},
            "headers": headers,
            "client": self.transport.get_extra_info("peername"),
            "server": self.transport.get_extra_info("sockname"),
        }
        expects = any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)
        keep_alive = self._parser.should_keep_alive()
        self._incoming = Exchange(self, scope, keep_alive=keep_alive, expects_continue=expects)
        self._exchanges.append(self._incoming)
        if len(self._exchanges) == 1:
            self._server.run(self._incoming)
        else:
            self.transport.pause_reading()

    def on_body(self, body: bytes) -> None:
        """httptools': some of the body."""
        if self._incoming:
            self._incoming.feed(body)

    def on_message_complete(self) -> None:
        """httptools': the request is whole."""
        if self._incoming:
            self._incoming.finish()
        self._incoming, self._is_half = None, False

    async def drain(self) -> None:
        """See `ClientConnection`."""
        await self._drained.wait()

    def done(self, exchange: Exchange) -> None:
        """See `ClientConnection`: the next request's turn."""
        self._exchanges.popleft()
        if not exchange.keep_alive or self._server.is_stopping:
            self.transport.close()
            return
        if self._exchanges:
            self._server.run(self._exchanges[0])
        elif self._patience is None:
            self._wait(_IDLE_SECONDS)
        if len(self._exchanges) == 1:
            self.transport.resume_reading()

    def close_if_idle(self) -> None:
        """Close it unless a request is being answered, after which it is closed."""
        if not self._exchanges:
            self.transport.close()

    def _wait(self, seconds: float) -> None:
        self._patience = asyncio.get_running_loop().call_later(seconds, self._lose_patience)

    def _stop_waiting(self) -> None:
        if self._patience:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        if self._is_answering() or not self.transport.is_reading():  # it is not the client who is slow
            self._wait(_REQUEST_SECONDS)
        elif self._is_half:
            self._refuse(b"408 Request Timeout")
        else:
            self.transport.close()

    def _is_answering(self) -> bool:
        """Whether an earlier request than the one that is coming in has its answer still to come."""
        return bool(self._exchanges) and self._exchanges[0] is not self._incoming

    def _forget(self) -> None:
        self._server.connections.discard(self)
        self._stop_waiting()

    def _refuse(self, status: bytes) -> None:
        if self._incoming:
            self._incoming.hang_up()
        if self._is_answering():
            self._exchanges[-1].keep_alive = False
            return
        self.transport.write(b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
        self.transport.close()

    def _hand_over(self) -> None:
        """Let hypercorn go on, from the first byte of the request that asks for WebSocket or HTTP/2."""
        self._forget()
        self._server.take_over(self.transport, self._head)
