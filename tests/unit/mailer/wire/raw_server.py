"""A server of raw bytes on loopback: it reads a whole request, keeps it, and then does whatever a network can do.

What was received in whole is the ground truth: only that can have been acted on.
"""

import itertools
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Behaviour = Callable[[socket.socket, "Request"], None]


@dataclass(frozen=True)
class Request:
    """One request that arrived in whole."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RawServer:
    """What arrived, and what is done next: one step of the script a request, then acceptance."""

    received: list[Request] = field(default_factory=list[Request])
    script: list[Behaviour] = field(default_factory=list[Behaviour])
    connections: int = 0
    port: int = 0
    scheme: str = "http"
    default: Behaviour | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"


def answer(status: int, body: bytes, *headers: str) -> Behaviour:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]
    return raw("\r\n".join(lines).encode() + body)


def ok(value: object, *headers: str) -> Behaviour:
    return answer(200, json.dumps(value).encode(), *headers)


def raw(data: bytes, *, then_close: bool = False) -> Behaviour:
    """These bytes, whatever they are."""

    def send(connection: socket.socket, _: Request) -> None:
        connection.sendall(data)
        if then_close:
            raise ConnectionResetError

    return send


def hang_up(connection: socket.socket, _: Request) -> None:
    raise ConnectionResetError


def reset(connection: socket.socket, _: Request) -> None:
    """Close so that the peer sees a reset, not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError


def silent(connection: socket.socket, _: Request) -> None:
    """Say nothing for as long as the peer stays."""
    with suppress(OSError):
        connection.recv(1)
    raise ConnectionResetError


def drip(data: bytes, pause: float = 0.02) -> Behaviour:
    """One byte at a time, for ever: a time-out of each read never ends it."""

    def send(connection: socket.socket, _: Request) -> None:
        paused = threading.Event()
        for byte in itertools.chain(data, itertools.repeat(ord(" "))):
            connection.sendall(bytes([byte]))
            paused.wait(pause)

    return send


def numbered(connection: socket.socket, request: Request) -> None:
    """Accept, with an id that only this request's answer can have."""
    ok({"MessageId": f"message-for-{request.json['n']}"})(connection, request)


def numbered_ids() -> Behaviour:
    """Accept each request, with an id that no other has."""
    numbers = itertools.count(1)

    def accept(connection: socket.socket, request: Request) -> None:
        ok({"MessageId": f"message-{next(numbers)}"})(connection, request)

    return accept


@contextmanager
def raw_server(context: ssl.SSLContext | None = None) -> Generator[RawServer]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(port=listener.getsockname()[1], scheme="https" if context else "http")
    threading.Thread(target=_accept, args=(listener, server, context), daemon=True).start()
    try:
        yield server
    finally:
        listener.close()


def _accept(listener: socket.socket, server: RawServer, context: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, server, context), daemon=True).start()


def _serve(connection: socket.socket, server: RawServer, context: ssl.SSLContext | None) -> None:
    with suppress(OSError, EOFError), connection:
        with server.lock:
            server.connections += 1
        stream = context.wrap_socket(connection, server_side=True) if context else connection
        with stream:
            while True:
                request = _read(stream)
                with server.lock:
                    server.received.append(request)
                    step = server.script.pop(0) if server.script else server.default or ok({"MessageId": "message-1"})
                step(stream, request)


def _read(stream: socket.socket) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(stream)
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    size = int(headers.get("content-length", "0"))
    while len(body) < size:
        body += _more(stream)
    return Request(line, headers, body)


def _more(stream: socket.socket) -> bytes:
    data = stream.recv(65536)
    if not data:
        raise EOFError
    return data
