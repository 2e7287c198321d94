"""The client of an HTTP request, as faults see it: delays, resets and malformed answers."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from mailstack_localcloud.faults.effects import InjectedError
from mailstack_localcloud.http import Receive, Response, Scope, transport_of

# l_onoff, l_linger: close() sends a TCP reset at once instead of an orderly end.
_LINGER_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class HttpClient:
    """The client of one request: an `effects.Client`.

    Attributes:
        scope: The request's ASGI scope.
        receive: The request's ASGI `receive`, once its body has been read.
        as_response: Writes an error as the API does that was called.
    """

    scope: Scope
    receive: Receive
    as_response: Callable[[InjectedError], Response]

    async def wait(self, seconds: float) -> None:
        """Wait, at most until the client disconnects."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._disconnected(), seconds)

    def reset(self) -> None:
        """Reset the connection."""
        reset(transport_of(self.scope))

    def refuse(self, error: InjectedError) -> Response:
        """The API's answer for an error."""
        return self.as_response(error)

    def garble(self, answer: Response, body: str | None) -> Response:
        """An answer with half of its body, or with another."""
        return replace(answer, body=answer.body[: len(answer.body) // 2] if body is None else body.encode())

    async def _disconnected(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


def reset(transport: asyncio.BaseTransport) -> None:
    """End a TCP connection with a reset."""
    sock = cast("socket.socket | None", transport.get_extra_info("socket"))
    with contextlib.suppress(OSError):  # the client has disconnected already
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    cast("asyncio.WriteTransport", transport).abort()
