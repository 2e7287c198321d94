"""A load generator: one request over and over on a few keep-alive connections, counted. A process of its own.

Reads one JSON line on standard input (`Load`), writes one on standard output (`Report`). It does as little as possible
for each answer, so that what is measured is the server.
"""

import asyncio
import dataclasses
import json
import sys
import time
from urllib.parse import urlsplit


@dataclasses.dataclass(frozen=True)
class Load:
    """What to send: `requests` times the same request to a server, over `connections` connections."""

    url: str
    headers: dict[str, str]
    body: str
    requests: int
    connections: int


@dataclasses.dataclass(frozen=True)
class Report:
    """What came back: seconds from the first request to the last answer, and answers that were no 200."""

    seconds: float
    failed: int
    sample: str


class _Client(asyncio.Protocol):
    """Sends, waits for the whole answer, sends again, while the run has requests left."""

    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        assert self._transport
        if self._run.left:
            self._run.left -= 1
            self._transport.write(self._run.request)
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if found and len(rest) >= _content_length(head):
            self._received = b""
            self._run.answered(head, rest)
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._run.done.done():
            self._run.lost(exc)


class _Run:
    def __init__(self, load: Load) -> None:
        self.left = load.requests
        self.request = _request(load)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.failed = 0
        self.sample = ""
        self._unanswered = load.requests

    def answered(self, head: bytes, body: bytes) -> None:
        if not head.startswith(b"HTTP/1.1 200") or b'"Status":"FAILED"' in body:
            self.failed += 1
        self.sample = self.sample or body[:500].decode(errors="replace")
        self._unanswered -= 1
        if not self._unanswered:
            self.done.set_result(None)

    def lost(self, error: Exception | None) -> None:
        if self.left or error:
            self.done.set_exception(ConnectionError(f"The server closed a connection: {error}"))


def _content_length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


def _request(load: Load) -> bytes:
    url = urlsplit(load.url)
    body = load.body.encode()
    headers = {"Host": url.netloc, "Content-Length": str(len(body)), **load.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {url.path} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def run(load: Load) -> Report:
    """Send the whole load; ends when the last answer is in."""
    url = urlsplit(load.url)
    loop = asyncio.get_running_loop()
    state = _Run(load)
    started = time.perf_counter()
    for _ in range(load.connections):
        await loop.create_connection(lambda: _Client(state), url.hostname or "", url.port or 80)
    await state.done
    return Report(time.perf_counter() - started, state.failed, state.sample)


def main() -> None:
    load = Load(**json.loads(sys.stdin.readline()))
    print(json.dumps(dataclasses.asdict(asyncio.run(run(load)))))


if __name__ == "__main__":
    main()
