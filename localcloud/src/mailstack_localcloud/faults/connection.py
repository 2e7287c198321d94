"""A client of HTTP, as faults meet it: kept waiting, hung up on, given an answer that it cannot read."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from mailstack_localcloud.http import Receive, Response, Send
from mailstack_localcloud.ses.errors import SesError

if TYPE_CHECKING:
    from mailstack_localcloud.server.http11.exchange import Exchange

# l_onoff, l_linger: closing sends a reset at once instead of an orderly end.
_RESET = struct.pack("ii", 1, 0)
# How an API writes an error.
Refusal = Callable[[SesError], Response]


class Connection:
    """The connection that a request came over: a `mailstack_localcloud.faults.effects.Client`.

    Args:
        receive: The request's, once its body has been read.
        send: The request's.
        refusal: An error as the API that was asked writes it.
    """

    def __init__(self, receive: Receive, send: Send, refusal: Refusal) -> None:
        self._receive = receive
        self._send = send
        self._refusal = refusal

    async def wait(self, seconds: float) -> None:
        """Wait, or until the client has hung up."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone(), seconds)

    def reset(self) -> None:
        """Hang up."""
        reset(_transport(self._send))

    def refuse(self, error: SesError) -> Response:
        """An error as SES writes it."""
        return self._refusal(error)

    def garble(self, answer: Response, body: str | None) -> Response:
        """An answer with half of its body, or with another."""
        return replace(answer, body=answer.body[: len(answer.body) // 2] if body is None else body.encode())

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def reset(transport: asyncio.BaseTransport) -> None:
    """End a TCP connection with a reset."""
    sock = cast("socket.socket | None", transport.get_extra_info("socket"))
    with contextlib.suppress(OSError):  # closed already: the client has hung up
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    cast("asyncio.WriteTransport", transport).abort()


def _transport(send: Send) -> asyncio.WriteTransport:
    """The way from ASGI's `send` to the socket: the one place that knows whose method it is."""
    return cast("Exchange", cast("Any", send).__self__).way.transport
