"""A real HTTP server on loopback that answers SendEmail as it is told to, for what the local cloud does not do:
lost answers, broken connections, throttling on demand.
"""

import json
import os
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

import boto3
from botocore.config import Config

from mailer.stack import StackOutputs
from mailer.transports.ses import SesTransport
from mailer.wire.deadline import Limits
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

    def transport(self, kind: str, stack: StackOutputs, seconds: float = PATIENCE) -> SesTransport:
        """A transport to this server over connections of our own (`wire`), or over a client of boto3's (`boto3`)."""
        if kind == "boto3":
            return SesTransport(stack, client=self.client(seconds))
        return SesTransport(stack, limits=Limits(connect=seconds, attempt=seconds))

    def client(self, read_timeout: float = PATIENCE) -> Any:
        """A boto3 client with retries off."""
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


def echo_tag(handler: "_Handler") -> None:
    number = next(tag["Value"] for tag in handler.posted["EmailTags"] if tag["Name"] == "n")
    handler.reply(200, {"MessageId": f"message-for-{number}"})


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
        self.posted = json.loads(body)
        self.ses.posted.append(self.posted)
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


def environment(endpoint: str) -> AbstractContextManager[object]:
    """What a process is told by its environment: where SES is, and as whom to ask it."""
    return patch.dict(
        os.environ,
        {
            "AWS_ENDPOINT_URL_SESV2": endpoint,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        },
    )


@contextmanager
def scripted_ses() -> Generator[ScriptedSes]:
    ses = ScriptedSes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"ses": ses}))
    server.daemon_threads = True
    ses.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        with environment(ses.endpoint):
            yield ses
    finally:
        ses.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
