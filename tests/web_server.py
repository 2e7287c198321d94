"""An HTTPS server on loopback with pages by host and path, as a domain's own web server would have them."""

import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

from mailer.doctor.web import Web
from tests.unit.mailer.wire.certificates import server_context


@dataclass
class WebServer:
    """The pages, and a client that finds every host here.

    Attributes:
        pages: Status, type and text, by host and path.
    """

    client: Web
    pages: dict[tuple[str, str], tuple[int, str, str]] = field(default_factory=dict)

    def serve(self, host: str, path: str, text: str, *, kind: str = "text/plain", status: int = 200) -> None:
        self.pages[host, path] = (status, kind, text)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: WebServer


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = cast("_Server", self.server).site
        status, kind, text = site.pages.get((self.headers["Host"], self.path), (404, "text/plain", "none"))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def web_server(folder: Path, host: str) -> Generator[WebServer]:
    """A server with a certificate for a host, or `*.DOMAIN`, until the block ends."""
    context, authority = server_context(folder, host)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.site = WebServer(
            Web(ssl.create_default_context(cafile=authority), "127.0.0.1", int(server.server_address[1]))
        )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server.site
        server.shutdown()
        thread.join()
