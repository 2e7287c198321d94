"""The server: an ASGI application's lifespan around a listening socket."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, cast

from mailstack_localcloud.http import TRANSPORT, App, Message, Receive, Scope, Send
from mailstack_localcloud.server.http11.connection import Connection
from mailstack_localcloud.server.http11.exchange import Exchange

_GRACE_SECONDS = 1.0


class Server:
    """Serves one application on one socket.

    Args:
        app: The application, which must know ASGI's lifespan.
    """

    def __init__(self, app: App) -> None:
        self.connections: set[Connection] = set()
        self.is_stopping = False
        self._app = app
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """Start the application, serve until `stop` is set, end it.

        Args:
            listener: The socket, which is closed at the end.
            ready: Called once requests are answered.
            stop: Tells to stop.
        """
        async with _lifespan(self._app):
            server = await asyncio.get_running_loop().create_server(lambda: Connection(self), sock=listener)
            ready()
            await stop.wait()
            self.is_stopping = True
            server.close()
            for connection in list(self.connections):
                connection.close_if_idle()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_GRACE_SECONDS)
        for connection in list(self.connections):
            connection.transport.abort()

    def run(self, exchange: Exchange) -> None:
        """Have a request answered."""
        self._keep(exchange.run(self._app))

    def take_over(self, transport: asyncio.Transport, begun: bytes) -> None:
        """Have hypercorn serve a connection on which `begun` has come."""
        from hypercorn.app_wrappers import ASGIWrapper
        from hypercorn.asyncio.tcp_server import TCPServer
        from hypercorn.asyncio.worker_context import WorkerContext
        from hypercorn.config import Config

        loop, config = asyncio.get_running_loop(), Config()
        config.accesslog = config.errorlog = None
        config.include_date_header = config.include_server_header = False  # AWS's own come from the application
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        reader.feed_data(begun)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        app = ASGIWrapper(cast("Any", _over(transport, self._app)))
        self._keep(TCPServer(app, loop, config, WorkerContext(None), cast("Any", {}), reader, writer).run())

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _over(transport: asyncio.Transport, app: App) -> App:
    """The application, with the transport in each scope, as `Connection` does it."""

    async def extended(scope: Scope, receive: Receive, send: Send) -> None:
        extensions = {**scope.get("extensions", {}), TRANSPORT: {"transport": transport}}
        await app({**scope, "extensions": extensions}, receive, send)

    return extended


@contextlib.asynccontextmanager
async def _lifespan(app: App) -> AsyncGenerator[None]:
    """https://asgi.readthedocs.io/en/latest/specs/lifespan.html."""
    asked: asyncio.Queue[Message] = asyncio.Queue()
    said: asyncio.Queue[Message] = asyncio.Queue()
    task = asyncio.ensure_future(cast("Coroutine[Any, Any, None]", app({"type": "lifespan"}, asked.get, said.put)))

    async def turn(name: str) -> None:
        await asked.put({"type": f"lifespan.{name}"})
        answer = asyncio.ensure_future(said.get())
        await asyncio.wait({answer, task}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            await task  # raises what it failed with

    await turn("startup")
    try:
        yield
    finally:
        await turn("shutdown")
        await task
