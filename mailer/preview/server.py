"""Serves the gallery on the loopback address, with a thread for each request."""

from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from mailer.errors import ConfigurationError
from mailer.preview.app import Gallery

if TYPE_CHECKING:
    from mailer.preview.collection import Collection
    from mailer.preview.outgoing import Outgoing

ADDRESS = "127.0.0.1"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking DNS for the machine's name, which may take seconds."""
        super(WSGIServer, self).server_bind()
        self.setup_environ()


class _Quiet(WSGIRequestHandler):
    timeout = 30  # seconds that a browser may take to send its request

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Say nothing of each request."""


def serve(collection: "Collection", port: int, outgoing: "Outgoing | None" = None) -> WSGIServer:
    """A server that listens; `serve_forever` answers.

    Args:
        collection: The templates.
        port: 0 for a free one.
        outgoing: Where "Send to me" sends; None for no such button.

    Raises:
        ConfigurationError: The port is taken.
    """
    try:
        server = make_server(ADDRESS, port, lambda _environ, _start: [], server_class=_Server, handler_class=_Quiet)
    except (OSError, OverflowError) as error:
        words = f"Port {port} of {ADDRESS} cannot be used: {error}."
        raise ConfigurationError(words, hint="Give another one: --port 8026, or --port 0 for a free one.") from error
    bound = server.server_port
    server.set_app(Gallery(collection, (f"{ADDRESS}:{bound}", f"localhost:{bound}"), outgoing))
    return server
