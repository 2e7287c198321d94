"""SNS on this machine for tests: signed messages, a server of certificates, and requests to both faces."""

import asyncio
import base64
import io
import json
import threading
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from mailstack_localcloud.backend.signatures import Signer
from tests.unit.mailer.stack_outputs import outputs

TOPIC = outputs().events_topic_arn
Json = dict[str, Any]


@dataclass
class Pages:
    """What the server answers to a path: status, headers, body. Requests are counted."""

    endpoint: str
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving() -> Generator[Pages]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages.asked.append(self.path)
            status, headers, body = pages.answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pages = Pages(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield pages
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Sns:
    """Signs as SNS does, and serves the certificate."""

    def __init__(self, pages: Pages) -> None:
        self.pages, self.signer = pages, Signer(pages.endpoint)
        pages.answers[self.signer.path] = (200, {}, self.signer.certificate)

    def notification(self, message: str | Json, **fields: Any) -> Json:
        text = message if isinstance(message, str) else json.dumps(message)
        return self.signed({"Type": "Notification", "Message": text, **fields})

    def confirmation(self, kind: str = "SubscriptionConfirmation", **fields: Any) -> Json:
        url = f"{self.pages.endpoint}/?Action=ConfirmSubscription"
        return self.signed({"Type": kind, "Message": "You have …", "Token": "t" * 64, "SubscribeURL": url, **fields})

    def signed(self, fields: Json) -> Json:
        """The whole envelope; fields that are given as None are left out."""
        envelope = {
            "MessageId": str(uuid.uuid4()),
            "TopicArn": TOPIC,
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "SignatureVersion": "1",
            **fields,
        }
        return json.loads(self.signer.sign(json.dumps({k: v for k, v in envelope.items() if v is not None})))

    def sign_text(self, text: bytes) -> str:
        """The signature of any text, version 1."""
        key = self.signer._pair.key
        return base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA1())).decode()  # noqa: S303


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)


Call = Callable[..., Reply]


def asgi(app: Any) -> Call:
    """Calls an ASGI application."""

    def call(
        path: str = "/webhooks/ses",
        body: bytes = b"",
        method: str = "POST",
        headers: Json | None = None,
        chunks: int = 1,
        query: str = "",
    ) -> Reply:
        start: Json = {}
        sent = bytearray()
        size = max(1, -(-len(body) // chunks))
        parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]

        async def receive() -> Json:
            if not parts:
                return {"type": "http.disconnect"}
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: Json) -> None:
            start.update(message if message["type"] == "http.response.start" else {})
            sent.extend(message.get("body", b""))

        every = {"content-length": str(len(body)), **(headers or {})}
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http"}
        scope |= {"path": path, "raw_path": path.encode(), "root_path": "", "query_string": query.encode()}
        scope |= {
            "headers": [(name.encode(), str(value).encode()) for name, value in every.items() if value is not None]
        }
        scope |= {"server": ("127.0.0.1", 80), "client": ("127.0.0.9", 1)}
        asyncio.run(app(scope, receive, send))
        return Reply(start["status"], {n.decode(): v.decode() for n, v in start["headers"]}, bytes(sent))

    return call


def wsgi(app: Any) -> Call:
    """Calls a WSGI application."""

    def call(
        path: str = "/webhooks/ses",
        body: bytes = b"",
        method: str = "POST",
        headers: Json | None = None,
        chunks: int = 1,
        query: str = "",
    ) -> Reply:
        given = {name.lower(): value for name, value in (headers or {}).items()}
        started: list[Any] = []
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path.encode().decode("latin-1"), "REMOTE_ADDR": "127.0.0.9"}
        environ |= {"wsgi.input": io.BytesIO(body), "QUERY_STRING": query}
        environ |= {"HTTP_AUTHORIZATION": given["authorization"]} if "authorization" in given else {}
        length = given.get("content-length", str(len(body)))
        environ |= {"CONTENT_LENGTH": length} if length is not None else {}
        environ |= {"CONTENT_TYPE": given["content-type"]} if "content-type" in given else {}
        answer = b"".join(app(environ, lambda status, headers: started.extend([status, headers])))
        return Reply(int(started[0].split()[0]), dict(started[1]), answer)

    return call
