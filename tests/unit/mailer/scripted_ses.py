"""A real HTTP server on loopback that answers SendEmail as it is told to, for what the local cloud does not do:
lost answers, broken connections, throttling on demand.
"""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from botocore.config import Config

from tests.waiting import PATIENCE

Answer = Callable[["_Handler"], None]


class ScriptedSes:
    """What was posted, and what is answered: one step of the script a request, then acceptance."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.script: list[Answer] = []
        self.connections: set[object] = set()
        self.endpoint = ""
        self.over = threading.Event()

    def client(self, read_timeout: float = PATIENCE) -> Any:
        """A client as `mailer.transports.ses.ses_client` makes it, for this server."""
        return boto3.session.Session().client(
            "sesv2",
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            config=Config(
                signature_version="v4",  # for a multi-region endpoint botocore would take another, which needs awscrt
                connect_timeout=PATIENCE,
                read_timeout=read_timeout,
                retries={"total_max_attempts": 1},
            ),
        )


def accept(handler: "_Handler") -> None:
    handler.reply(200, {"MessageId": f"message-{len(handler.ses.posted)}"})


def refuse(status: int, code: str, message: str) -> Answer:
    return lambda handler: handler.reply(status, {"message": message}, code)


def stay_silent(handler: "_Handler") -> None:
    """Take the request in, as SES may, and answer nothing as long as the server runs."""
    handler.ses.over.wait()
    handler.close_connection = True


def hang_up(handler: "_Handler") -> None:
    handler.connection.close()
    handler.close_connection = True


def talk_nonsense(handler: "_Handler") -> None:
    handler.reply(200, "<html>a proxy's page</html>")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ses: ScriptedSes

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.ses.posted.append(json.loads(body))
        self.ses.connections.add(self.client_address)
        (self.ses.script.pop(0) if self.ses.script else accept)(self)

    def reply(self, status: int, value: object, code: str = "") -> None:
        data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        if code:
            self.send_header("x-amzn-ErrorType", code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
        pass


@contextmanager
def scripted_ses() -> Generator[ScriptedSes]:
    ses = ScriptedSes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"ses": ses}))
    server.daemon_threads = True
    ses.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield ses
    finally:
        ses.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
