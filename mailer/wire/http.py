"""One kept HTTP/1.1 connection: a POST with a body, an answer, within a deadline (RFC 9112).

Not for sharing: one thread uses it at a time. Writing and reading are two steps, because what is known of a failed
request depends on which of them failed; the class that is raised says it.
"""

import select
import socket
import ssl
import time
from base64 import b64encode
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from mailer.wire.deadline import Deadline, bounded
from mailer.wire.errors import AnswerLost, NotWritten
from mailer.wire.forks import GATE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from urllib.parse import SplitResult

    # As `socket.getaddrinfo` gives it; of an interpreter without IPv6, numbers and bytes.
    _Place = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
    _Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, _Place]

_CRLF, _END_OF_HEAD = b"\r\n", b"\r\n\r\n"
# Bytes. A head of SES or DynamoDB has under one kilobyte; BatchGetItem gives back 16 MB at most.
_MAX_HEAD, _MAX_BODY = 64 * 1024, 32 * 1024 * 1024
_READ = 64 * 1024
_MAX_INTERIM = 8
# Seconds by which a socket may wait longer than its deadline says.
_TIMEOUT_STEP = 0.1
_PORTS = {"http": 80, "https": 443}
# Seconds: the first probe well before a NAT forgets a silent connection, https://docs.aws.amazon.com/vpc/latest/
# userguide/nat-gateway-troubleshooting.html has 350; Linux's default is two hours.
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


class Answer(NamedTuple):
    """The response, from AWS or a proxy. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Malformed(Exception):  # noqa: N818 - internal, and becomes AnswerLost or NotWritten
    """Bytes that are no HTTP answer."""


class Destination(NamedTuple):
    """Where connections go.

    Attributes:
        url: The service's: scheme, host, port; its path is the caller's business.
        proxy: An http proxy that is asked to connect, or to forward where the service is http; None for none.
        tls: What verifies the service, for https.
    """

    url: "SplitResult"
    proxy: "SplitResult | None"
    tls: ssl.SSLContext | None

    @property
    def is_forwarded(self) -> bool:
        """Whether the proxy reads the requests: it is asked for whole URLs, as RFC 9112 §3.2.2 has it."""
        return self.proxy is not None and self.tls is None


class Connection:
    """An open connection.

    Attributes:
        reusable: Whether another request may follow: the last answer was read to its end and left it open.
    """

    def __init__(self, destination: Destination, deadline: Deadline, *, max_body: int = _MAX_BODY) -> None:
        """Connect, through the proxy where there is one, and shake hands. `max_body` limits an answer, in bytes.

        Raises:
            NotWritten: No connection came about in time.
        """
        try:
            self._socket = _open(destination, deadline)
        except (OSError, ValueError, Malformed) as error:  # UnicodeError: a host name that no DNS takes
            raise NotWritten(f"No connection to {destination.url.hostname}: {_reason(error)}") from error
        self.reusable = True
        self._rest, self._max_body = b"", max_body
        self._timeout = 0.0
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll:
            self._poll.register(self._socket, select.POLLIN)
        self._started = self._used = (time.monotonic(), time.time())

    def exchange(self, request: "Iterable[bytes]", deadline: Deadline) -> Answer:
        """Write a request, piece by piece, and read its answer.

        The connection can be used again only where `reusable` is left true.

        Raises:
            NotWritten: The request was not written to its end.
            AnswerLost: It was, and no answer came in time, or none that can be read.
        """
        self.reusable = False
        try:
            for piece in request:
                self._write(piece, deadline)
        except OSError as error:
            raise NotWritten(f"The request could not be written: {_reason(error)}") from error
        try:
            answer, self.reusable = self._read(deadline)
        except (OSError, Malformed) as error:
            raise AnswerLost(_reason(error)) from error
        self._used = (time.monotonic(), time.time())
        return answer

    def is_fresh(self, idle: float, age: float) -> bool:
        """Whether a request may be written to it now.

        Not where it was idle or open for longer than so many seconds, by either clock: the monotonic one stands still
        while a Lambda is frozen. And not where there is something to read: the peer has closed it, or sent an answer
        that nobody asked for.
        """
        now = (time.monotonic(), time.time())
        if max(now[0] - self._used[0], now[1] - self._used[1]) > idle:
            return False
        return max(now[0] - self._started[0], now[1] - self._started[1]) <= age and not self._is_readable()

    def close(self) -> None:
        """Close this process's end. Says nothing to the peer: a forked child closes what its parent goes on using."""
        self.reusable = False
        self._socket.close()

    def __del__(self) -> None:
        if hasattr(self, "_socket"):  # its client is gone without a word
            self._socket.close()

    def _is_readable(self) -> bool:
        if self._rest or (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()):
            return True
        if self._poll is None:
            return bool(select.select([self._socket], [], [], 0)[0])
        return bool(self._poll.poll(0))

    def _wait_until(self, deadline: Deadline) -> None:
        """Let the socket wait no longer than the deadline, to a tenth of a second: each change is a system call."""
        left = deadline.remaining()
        if not left <= self._timeout <= left + _TIMEOUT_STEP:
            self._timeout = left
            self._socket.settimeout(left)

    def _write(self, piece: bytes, deadline: Deadline) -> None:
        self._wait_until(deadline)
        sent = self._socket.send(piece)
        rest = memoryview(piece)[sent:]
        while rest:
            self._wait_until(deadline)
            rest = rest[self._socket.send(rest) :]

    def _receive(self, deadline: Deadline) -> bytes:
        self._wait_until(deadline)
        data = self._socket.recv(_READ)
        if not data:
            raise Malformed("the connection was closed before the answer was complete")
        return data

    def _read(self, deadline: Deadline) -> tuple[Answer, bool]:
        for _ in range(_MAX_INTERIM):
            status, headers, keep = self._read_head(deadline)
            if status >= 200:  # noqa: PLR2004 - RFC 9110 §15.2: what comes before is no answer yet
                break
        else:
            raise Malformed("interim answers without an end")
        body, delimited = self._read_body(headers, deadline)
        return Answer(status, headers, body), keep and delimited and not self._rest

    def _read_head(self, deadline: Deadline) -> tuple[int, dict[str, str], bool]:
        data = self._rest
        while (end := data.find(_END_OF_HEAD)) < 0:
            if len(data) > _MAX_HEAD:
                raise Malformed(f"a head of more than {_MAX_HEAD} bytes")
            data += self._receive(deadline)
        self._rest = data[end + len(_END_OF_HEAD) :]
        return parse_head(data[:end])

    def _read_body(self, headers: dict[str, str], deadline: Deadline) -> tuple[bytes, bool]:
        """The body, and whether it says itself where it ends."""
        if "transfer-encoding" in headers:
            if headers["transfer-encoding"].lower() != "chunked":
                raise Malformed("a transfer encoding that was not requested")
            return self._read_chunks(deadline), True
        if "content-length" in headers:
            return self._read_exactly(_length(headers["content-length"], 10), deadline), True
        return self._read_to_end(deadline), False

    def _read_exactly(self, size: int, deadline: Deadline) -> bytes:
        if size > self._max_body:
            raise Malformed(f"a body of more than {self._max_body} bytes")
        parts, missing = [self._rest], size - len(self._rest)
        while missing > 0:
            parts.append(self._receive(deadline))
            missing -= len(parts[-1])
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]

    def _read_chunks(self, deadline: Deadline) -> bytes:
        body = bytearray()
        while size := _length(self._read_line(deadline).partition(";")[0].strip(), 16):
            if len(body) + size > self._max_body:
                raise Malformed(f"a body of more than {self._max_body} bytes")
            body += self._read_exactly(size, deadline)
            if self._read_exactly(len(_CRLF), deadline) != _CRLF:
                raise Malformed("a chunk that does not end where it says")
        while self._read_line(deadline):  # trailers
            pass
        return bytes(body)

    def _read_line(self, deadline: Deadline) -> str:
        while (end := self._rest.find(_CRLF)) < 0:
            if len(self._rest) > _MAX_HEAD:
                raise Malformed(f"a line of more than {_MAX_HEAD} bytes")
            self._rest += self._receive(deadline)
        line, self._rest = self._rest[:end], self._rest[end + len(_CRLF) :]
        return line.decode("latin-1")

    def _read_to_end(self, deadline: Deadline) -> bytes:
        parts, size = [self._rest], len(self._rest)
        self._rest = b""
        while True:
            self._wait_until(deadline)
            data = self._socket.recv(_READ)
            if not data:
                return b"".join(parts)
            parts.append(data)
            size += len(data)
            if size > self._max_body:
                raise Malformed(f"a body of more than {self._max_body} bytes")


def parse_head(head: bytes) -> tuple[int, dict[str, str], bool]:
    """The status, the headers, and whether the connection stays open.

    Raises:
        Malformed: It is none, or one that two readers could read in two ways (RFC 9112 §6.3).
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    code = rest[:3]
    if version not in {"HTTP/1.1", "HTTP/1.0"} or not (code.isascii() and code.isdigit()) or rest[3:4] not in {"", " "}:
        raise Malformed("an answer that is not HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise Malformed("a header that is none")
        name, value = name.lower(), value.strip()
        if name in {"content-length", "transfer-encoding"} and headers.get(name, value) != value:
            raise Malformed(f"two different {name} headers")
        headers[name] = value
    if "content-length" in headers and "transfer-encoding" in headers:
        raise Malformed("both a content length and a transfer encoding")
    connection = headers.get("connection", "").lower()
    return int(code), headers, version == "HTTP/1.1" and "close" not in connection


def _length(text: str, base: int) -> int:
    digits = "0123456789abcdef"[:base]
    if not text or not all(character in digits for character in text.lower()):
        raise Malformed("a length that is no number")
    return int(text, base)


def _open(destination: Destination, deadline: Deadline) -> socket.socket:
    dialled = destination.proxy or destination.url
    opened = dial(dialled.hostname or "", dialled.port or _PORTS[dialled.scheme], deadline)
    try:
        tune(opened)
        if destination.tls is None:
            return opened
        if destination.proxy:
            _tunnel(opened, destination, deadline)
        opened.settimeout(deadline.remaining())
        with GATE.no_fork():
            return destination.tls.wrap_socket(opened, server_hostname=destination.url.hostname)
    except BaseException:
        opened.close()
        raise


def dial(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect to the first address that answers. Each has its share of the time, so that a dead one costs little."""
    addresses = bounded(partial(_addresses, host, port), deadline)
    problem: OSError = OSError(f"{host} has no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        dialled = socket.socket(family, kind, protocol)
        try:
            dialled.settimeout(deadline.remaining() / (len(addresses) - position))
            dialled.connect(address)
        except OSError as error:
            dialled.close()
            problem = error
        except BaseException:
            dialled.close()
            raise
        else:
            return dialled
    raise problem


def _addresses(host: str, port: int) -> "list[_Address]":
    with GATE.no_fork():
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def tune(opened: socket.socket) -> None:
    """Send small writes at once, and probe a silent connection."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):  # macOS calls one of them otherwise, and does without
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _tunnel(opened: socket.socket, destination: Destination, deadline: Deadline) -> None:
    """Ask the proxy to connect (RFC 9110 §9.3.6)."""
    authority = f"{destination.url.hostname}:{destination.url.port or _PORTS['https']}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    lines += [f"{name}: {value}" for name, value in proxy_headers(destination).items()]
    opened.settimeout(deadline.remaining())
    opened.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
    head = b""
    while not head.endswith(_END_OF_HEAD):  # byte by byte: what follows belongs to TLS
        opened.settimeout(deadline.remaining())
        data = opened.recv(1)
        if not data or len(head) > _MAX_HEAD:
            raise Malformed("the proxy hung up")
        head += data
    status = parse_head(head[: -len(_END_OF_HEAD)])[0]
    if not 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 §9.3.6: any of these means yes
        raise Malformed(f"the proxy answered {status}")


def proxy_headers(destination: Destination) -> dict[str, str]:
    """Extra headers for the proxy: the credentials in its URL, if there are any (RFC 7617)."""
    proxy = destination.proxy
    if proxy is None or proxy.username is None:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"proxy-authorization": f"Basic {b64encode(login.encode()).decode()}"}


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
