"""A client's connection, for what HTTP has no word for: waiting until the client is gone, and hanging up on it."""

import asyncio
import contextlib
import socket
import struct
from typing import Any, cast

from localcloud.http import Receive, Send

# l_onoff, l_linger: closing sends a reset at once instead of an orderly end.
_RESET = struct.pack("ii", 1, 0)


class Connection:
    """The connection that a request came over.

    Args:
        receive: The request's, once its body has been read.
        send: The request's.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def wait(self, seconds: float) -> None:
        """Wait, or until the client has hung up."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone(), seconds)

    def reset(self) -> None:
        """Hang up without an answer, as a broken network does."""
        reset(_transport(self._send))

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def reset(transport: asyncio.WriteTransport) -> None:
    """End a TCP connection with a reset."""
    sock = cast("socket.socket | None", transport.get_extra_info("socket"))
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def _transport(send: Send) -> asyncio.WriteTransport:
    """The way from ASGI's `send` to the socket: the one place that reaches inside hypercorn."""
    stream = cast("Any", send).__self__
    protocol = stream.send.__self__
    return cast("asyncio.WriteTransport", protocol.send.__self__.writer.transport)
