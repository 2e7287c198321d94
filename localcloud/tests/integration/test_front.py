"""The HTTP/1.1 server, byte by byte: what AWS's clients do on a connection, and what is refused."""

import asyncio
import base64
import json
import os
import select
import socket
import subprocess
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit

import pytest

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.http import Message, Receive, Scope, Send
from mailstack_localcloud.server.http11.connection import _REQUEST_SECONDS
from mailstack_localcloud.server.http11.exchange import _lines
from mailstack_localcloud.server.http11.listener import Server
from tests.system import require_tool
from tests.waiting import BRIEF, PATIENCE, eventually, moment

pytestmark = pytest.mark.integration
HEALTH = b"GET /_localcloud/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Client:
    """A socket that reads answers one after the other."""

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened
        self.file = opened.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, *, has_body: bool = True) -> tuple[int, dict[str, str], bytes]:
        status = int(self.file.readline().split()[1])
        lines = iter(self.file.readline, b"\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (line.decode().partition(":") for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            return status, headers, b"".join(iter(self._chunk, b""))
        return status, headers, self.file.read(int(headers.get("content-length", 0))) if has_body else b""

    def _chunk(self) -> bytes:
        chunk = self.file.read(int(self.file.readline(), 16))
        self.file.readline()
        return chunk

    def is_closed(self) -> bool:
        return self.file.read(1) == b""


@contextmanager
def connected(host: str, port: int) -> Generator[Client]:
    with socket.create_connection((host, port), timeout=PATIENCE) as opened:
        client = Client(opened)
        with client.file:
            yield client


@pytest.fixture
def client(cloud: LocalCloud) -> Iterator[Client]:
    url = urlsplit(cloud.endpoint)
    with connected(str(url.hostname), int(url.port or 0)) as opened:
        yield opened


def test_a_connection_serves_one_request_after_the_other(client: Client):
    for _ in range(3):
        client.send(HEALTH)
        status, headers, body = client.answer()
        assert (status, json.loads(body)["status"]) == (200, "ok")
        assert headers["date"].endswith("GMT")
        assert "connection" not in headers


def test_requests_sent_ahead_are_answered_in_their_order(client: Client):
    client.send(HEALTH + HEALTH.replace(b"health", b"nothing") + HEALTH)
    assert [client.answer()[0] for _ in range(3)] == [200, 404, 200]


def test_a_request_in_single_bytes_is_understood(client: Client):
    body = b'{"outcome": "bounce"}'
    head = b"PUT /_localcloud/recipients/*@gone.test HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )
    for byte in head + body:
        client.send(bytes([byte]))
    assert client.answer()[0] == 200


def test_a_body_in_chunks_is_put_together(client: Client, cloud: LocalCloud):
    client.send(
        b"PUT /_localcloud/recipients/ada@gone.test HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'c\r\n{"outcome": \r\n9\r\n"bounce"}\r\n0\r\n\r\n'
    )
    assert client.answer()[0] == 200
    assert cloud.control("GET", "recipients")["patterns"] == {"ada@gone.test": "bounce"}


def test_expect_100_continue_is_answered(client: Client):
    client.send(
        b"POST /_localcloud/reset HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    )
    assert client.file.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert client.file.readline() == b"\r\n"
    client.send(b"{}")
    assert client.answer()[0] == 200


def test_a_megabyte_goes_through_and_head_has_no_body(cloud: LocalCloud, client: Client):
    s3, sent = cloud.client("s3"), os.urandom(1_000_000)
    s3.create_bucket(Bucket="front")
    s3.put_object(Bucket="front", Key="a b/ü", Body=sent)
    assert s3.get_object(Bucket="front", Key="a b/ü")["Body"].read() == sent
    client.send(b"HEAD /front/a%20b/%C3%BC HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    status, headers, _ = client.answer(has_body=False)
    assert (status, headers["content-length"]) == (200, "1000000")
    client.send(HEALTH)
    assert client.answer()[0] == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HEALTH.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n"), 200),
        (HEALTH.replace(b"HTTP/1.1", b"HTTP/1.0"), 200),
        (b"NONSENSE\r\n\r\n", 400),
        (HEALTH.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: %b\r\n" % (b"x" * 1000) * 80, 431),
    ],
    ids=["asked to close", "HTTP/1.0", "no HTTP", "two lengths", "endless headers"],
)
def test_these_end_the_connection(client: Client, request_: bytes, status: int):
    client.send(request_)
    answered, headers, _ = client.answer()
    assert (answered, headers["connection"]) == (status, "close")
    assert client.is_closed()


def test_an_absolute_address_is_an_address(client: Client):
    client.send(HEALTH.replace(b"GET /", b"GET http://127.0.0.1/"))
    assert client.answer()[0] == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /_localcloud/health HTTP/1.1\r\n", 400),
        (b"GET /_localcloud/health HTTP/1.0\r\n", 400),
        (b"GET /_localcloud/health HTTP/1.1\r\nHost:\r\n", 400),
        (b"GET /_localcloud/health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n", 400),
        (b"GET /bucket/key HTTP/1.1\r\n", 400),
        (b"GET /_localcloud/health HTTP/1.1\r\nHost: example.com\r\n", 403),
        (b"GET http://example.com/_localcloud/health HTTP/1.1\r\nHost: 127.0.0.1\r\n", 403),
        (b"GET http://127.0.0.1@example.com/ HTTP/1.1\r\nHost: 127.0.0.1\r\n", 403),
        (b"GET http://127.0.0.1/_localcloud/health HTTP/1.1\r\nHost: example.com\r\n", 200),
    ],
)
def test_host_header_and_absolute_target(client: Client, head: bytes, status: int):
    """RFC 9112 section 3.2: one Host header, over which the host of an absolute address prevails."""
    client.send(head + b"\r\n")
    assert client.answer()[0] == status


def test_a_websocket_of_another_page_is_refused(client: Client):
    key = base64.b64encode(os.urandom(16))
    client.send(
        b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://example.com\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n" % key
    )
    assert client.answer()[0] == 403


def test_http2_is_refused_to_other_pages_too(cloud: LocalCloud):
    ask = [
        require_tool("curl"),
        "--silent",
        "--http2-prior-knowledge",
        "--output",
        os.devnull,
        "--write-out",
        "%{http_code}",
    ]
    url = f"{cloud.endpoint}/_localcloud/health"
    for header, status in (
        ("Accept: */*", "200"),
        ("Origin: https://example.com", "403"),
        ("Host: example.com", "403"),
    ):
        answer = subprocess.run(
            [*ask, "--header", header, url], capture_output=True, text=True, check=True, timeout=PATIENCE
        )
        assert answer.stdout == status


def test_reset_fault_resets_an_http2_connection(cloud: LocalCloud):
    url = f"{cloud.endpoint}/v2/email/account"
    ask = [require_tool("curl"), "--silent", "--http2-prior-knowledge", "--write-out", "%{http_code}", url]
    with cloud.fault("reset-before", operation="GetAccount"):
        answer = subprocess.run(ask, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (answer.returncode != 0, answer.stdout) == (True, "000")


def test_websocket_is_served_by_hypercorn(client: Client):
    key = base64.b64encode(os.urandom(16))
    client.send(
        b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n" % key
    )
    # No WebSocket API is at this address, and ministack says so in the way of WebSocket.
    assert client.answer()[0] == 403


def test_http2_with_prior_knowledge(client: Client):
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5))
    length, kind = int.from_bytes(client.file.read(3)), client.file.read(1)
    assert (kind, length % 6) == (b"\x04", 0)  # SETTINGS, RFC 9113 §6.5


# An application of our own behind the server


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        for answer in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{answer}.complete"})
        return
    await _PATHS[scope["path"]](receive, send)


async def _stream(receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(3):
        await send({"type": "http.response.body", "body": b"part %d " % number, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _flood(receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % (64 << 20))]})
    for _ in range(64):
        await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
        _WRITTEN.append(1)
    await send({"type": "http.response.body", "body": b""})


async def _fail(receive: Receive, send: Send) -> None:
    raise OSError("broken")


async def _fail_late(receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise OSError("broken")


async def _wait(receive: Receive, send: Send) -> None:
    _BEGUN.set()
    message: Message = {}
    while message.get("type") != "http.disconnect":
        message = await receive()
    _GONE.set()


async def _early(receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _read(receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        _READ.append(1)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


_PATHS: dict[str, Any] = {
    "/read": _read,
    "/stream": _stream,
    "/flood": _flood,
    "/fail": _fail,
    "/fail-late": _fail_late,
    "/wait": _wait,
    "/early": _early,
}
_WRITTEN: list[int] = []
_READ: list[int] = []
_BEGUN, _GONE = threading.Event(), asyncio.Event()


def asked(path: str, more: bytes = b"") -> bytes:
    return b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (path.encode(), more)


async def served(work: Any) -> Any:
    """What `work` returns of a client's conversation, in a thread, with the application behind a server."""
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(Server(application).serve(listener, ready.set, stop))
    await ready.wait()

    def talk() -> Any:
        with connected(host, port) as client:
            return work(client)

    try:
        return await asyncio.to_thread(talk)
    finally:
        stop.set()
        await serving


def test_response_of_unknown_length_is_chunked():
    def work(client: Client) -> Any:
        client.send(asked("/stream") * 2)
        return client.answer()[2], client.answer()[2]

    assert asyncio.run(served(work)) == (b"part 0 part 1 part 2 ",) * 2


def test_slow_reader_applies_backpressure():
    def work(client: Client) -> int:
        client.send(asked("/flood"))
        eventually(lambda: _WRITTEN, "nothing was written")
        moment()
        written = len(_WRITTEN)
        assert len(client.answer()[2]) == 64 << 20
        return written

    assert asyncio.run(served(work)) < 32


def test_a_failure_is_an_answer_and_half_an_answer_is_none(caplog: pytest.LogCaptureFixture):
    def work(client: Client) -> Any:
        client.send(asked("/fail"))
        return client.answer()[:2], client.is_closed()

    (status, headers), closed = asyncio.run(served(work))
    assert (status, headers["connection"], closed) == (500, "close", True)

    def half(client: Client) -> Any:
        client.send(asked("/fail-late"))
        return client.answer()

    with pytest.raises((ConnectionError, ValueError)):
        asyncio.run(served(half))
    assert caplog.messages == ["GET /fail failed", "GET /fail-late failed"]


def test_application_is_notified_of_a_client_disconnect():
    def begin(client: Client) -> None:
        client.send(asked("/wait"))
        assert _BEGUN.wait(PATIENCE)

    async def run() -> None:
        _BEGUN.clear()
        _GONE.clear()
        await served(begin)
        await asyncio.wait_for(_GONE.wait(), PATIENCE)

    asyncio.run(run())


@pytest.mark.parametrize(
    "half",
    [b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", asked("/wait", b"Content-Length: 9\r\n") + b"a"],
    ids=["a line", "a head", "a body"],
)
def test_half_a_request_does_not_hold_a_connection(monkeypatch: pytest.MonkeyPatch, half: bytes):
    monkeypatch.setattr("mailstack_localcloud.server.http11.connection._REQUEST_SECONDS", BRIEF)

    def work(client: Client) -> Any:
        client.send(asked("/stream"))
        client.answer()
        client.send(half)
        return client.answer()[:2], client.is_closed()

    (status, headers), closed = asyncio.run(served(work))
    assert (status, headers["connection"], closed) == (408, "close", True)


class Ahead:
    """Moves the clock of the event loop that it is made in; from another thread, while the loop runs."""

    def __init__(self) -> None:
        self._loop, self._seconds = asyncio.get_running_loop(), 0.0
        now = self._loop.time
        self._loop.time = lambda: now() + self._seconds

    def move(self, seconds: float) -> None:
        asyncio.run_coroutine_threadsafe(self._move(seconds), self._loop).result(PATIENCE)

    async def _move(self, seconds: float) -> None:
        self._seconds += seconds
        for _ in range(3):  # turns in which what is due is done
            await asyncio.sleep(0)


def test_a_body_must_only_go_on():
    _READ.clear()

    async def run() -> int:
        clock = Ahead()

        def work(client: Client) -> int:
            client.send(asked("/read", b"Content-Length: 6\r\n"))
            for count in range(1, 6):
                clock.move(_REQUEST_SECONDS * 0.7)
                client.send(b"a")
                eventually(lambda count=count: len(_READ) == count, "the body did not arrive")
            client.send(b"a")
            return client.answer()[0]

        return await served(work)

    assert asyncio.run(run()) == 204


def test_a_head_in_single_bytes_must_be_whole_in_time():
    async def run() -> int:
        clock = Ahead()

        def work(client: Client) -> int:
            client.send(b"GET / HTTP/1.1\r\nX: ")
            for _ in range(20):
                if select.select([client.socket], [], [], 0)[0]:
                    break
                client.send(b"x")
                clock.move(_REQUEST_SECONDS * 0.1)
            return client.answer()[0]

        return await served(work)

    assert asyncio.run(run()) == 408


def _sent(client: Client) -> int:
    """How much goes out."""
    try:
        return client.socket.send(asked("/stream", b"X: %b\r\n" % (b"x" * 8000)) * 100)
    except TimeoutError:
        return 0


def test_requests_that_are_sent_ahead_wait_in_the_network():
    """The server reads ahead a bounded amount; the client keeps the rest."""

    def work(client: Client) -> int:
        client.send(asked("/wait"))
        assert _BEGUN.wait(PATIENCE)
        client.socket.settimeout(BRIEF)
        return sum(takewhile(bool, (_sent(client) for _ in range(100))))

    _BEGUN.clear()
    assert asyncio.run(served(work)) < 32 << 20


def test_half_a_request_is_not_carried_out(cloud: LocalCloud, client: Client):
    body = b'{"outcome": "bounce"}'
    client.send(
        b"PUT /_localcloud/recipients/*@gone.test HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%b"
        % (len(body) + 1, body)
    )
    client.socket.close()
    client.file.close()
    assert cloud.control("GET", "recipients")["patterns"] == {}


def test_rest_of_an_unread_body_is_not_a_request():
    def work(client: Client) -> Any:
        client.send(asked("/early", b"Content-Length: 50\r\n"))
        status, headers, _ = client.answer()
        return status, headers["connection"], client.is_closed()

    assert asyncio.run(served(work)) == (413, "close", True)


@pytest.mark.parametrize("value", [b"a\r\nSet-Cookie: x", b"a\nb", b"a\0b"])
def test_no_header_smuggles_another(value: bytes):
    with pytest.raises(ValueError, match="line break"):
        _lines([(b"x-amz-meta-a", value)])
