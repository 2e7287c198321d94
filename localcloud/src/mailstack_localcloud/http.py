"""A request and a response over ASGI, for the local cloud's own pages and APIs. Not a framework."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# A scope's extension: the transport of the connection that a request came over.
TRANSPORT = "mailstack_localcloud.transport"
# The paths that AWS does not have.
CONTROL_PREFIX = "/_localcloud"
INBOX_PREFIX = "/inbox"
# SES v2 takes messages of 40 MB after base64 encoding; JSON around them is small.
MAX_BODY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `path` as it was sent, still percent-encoded."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class BodyTooLargeError(Exception):
    """The body is larger than any message that SES accepts."""


class GoneError(Exception):
    """The client disconnected before its request was complete."""


async def read(scope: Scope, receive: Receive) -> Request:
    """The whole request.

    Raises:
        BodyTooLargeError: The body is longer than `MAX_BODY`.
        GoneError: The client disconnected: half a request must not be carried out.
    """
    parts, size, more = list[bytes](), 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            raise BodyTooLargeError
        more = bool(message.get("more_body"))
    raw = bytes(scope.get("raw_path") or str(scope["path"]).encode())
    return Request(
        method=str(scope["method"]),
        path=raw.partition(b"?")[0].decode("latin-1"),
        query=parse_qs(bytes(scope["query_string"]).decode("latin-1"), keep_blank_values=True),
        headers=headers_of(scope),
        body=b"".join(parts),
    )


def transport_of(scope: Scope) -> asyncio.Transport:
    """The transport of the connection that a request came over."""
    return cast("asyncio.Transport", scope["extensions"][TRANSPORT]["transport"])


def headers_of(scope: Scope) -> dict[str, str]:
    """A request's headers, by name in lower case."""
    return {bytes(n).decode("latin-1").lower(): bytes(v).decode("latin-1") for n, v in scope["headers"]}


async def respond(send: Send, response: Response) -> None:
    """Write the answer."""
    headers = {
        "content-type": response.content_type,
        "content-length": str(len(response.body)),
        **response.headers,
    }
    encoded = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": response.body})


def as_json(value: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(status, json.dumps(value).encode())
