"""Refuses cross-site requests: it serves programs and our own pages, never other web pages.

A web page, or the HTML of a mail, runs in a browser that can reach the loopback interface, and a caller that can create
a Lambda function here can run code on this machine (CSRF). Browsers send where a request comes from (Sec-Fetch-Site,
Origin); programs such as SDKs and curl send neither header. DNS rebinding shows in the Host header, which then names
the attacker's domain. Another page may only do what a link does: open one of our pages in a tab.

https://www.w3.org/TR/fetch-metadata/, https://web.dev/articles/fetch-metadata
"""

import functools
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mailstack_localcloud.http import Message, Scope, Send, headers_of

_HOST = re.compile(r"(?P<name>[^\s:@/\[\]]+|\[[0-9a-f:.]+\])(?::[0-9]*)?", re.IGNORECASE)
_SAME = frozenset({"same-origin", "none"})  # `none`: a person typed the address or opened a bookmark
_READS = frozenset({"GET", "HEAD"})
_CORS = (b"access-control-", b"timing-allow-origin")
# Host names are short; a longer one must not fill the memory.
_REMEMBERED = 100


class Refusal(NamedTuple):
    """Why a request is not served."""

    status: int
    reason: str


def refusal(scope: Scope, is_page: Callable[[], bool]) -> Refusal | None:
    """Why the request is refused; None if it is served.

    Args:
        scope: The request, an HTTP or a WebSocket one.
        is_page: Whether it is for a page of our own that other sites may link to.
    """
    hosts = [bytes(value).decode("latin-1") for name, value in scope["headers"] if bytes(name).lower() == b"host"]
    if len(hosts) != 1 or not hosts[0]:  # RFC 9112 section 3.2: exactly one, else 400
        return Refusal(400, "A request must have exactly one Host header.")
    host = hosts[0]
    if not _is_loopback(host):
        return Refusal(403, f"Nothing is served under the name {host}: use 127.0.0.1 or localhost.")
    headers = headers_of(scope)
    stranger = _other_origin(headers, host) or _other_site(headers)
    if not stranger or (_follows_a_link(scope, headers) and is_page()):
        return None
    return Refusal(403, f"Requests from {stranger} are not served: only those of programs and of our own pages.")


def without_cors(scope: Scope, send: Send) -> Send:
    """`send` without the headers by which ministack lets every web page read its answers.

    Only our own origin passes `refusal`, so a request with an Origin may see them.
    """
    if "origin" in headers_of(scope):
        return send

    async def stripped(message: Message) -> None:
        if "headers" in message:
            kept = [header for header in message["headers"] if not bytes(header[0]).lower().startswith(_CORS)]
            message = {**message, "headers": kept}
        await send(message)

    return stripped


def _other_origin(headers: Mapping[str, str], host: str) -> str:
    """The foreign origin that the request names; empty if there is none. Sandboxed pages have the origin `null`."""
    origin = headers.get("origin")
    if origin is None or origin.lower() == f"http://{host.lower()}":
        return ""
    return "a sandboxed page" if origin == "null" else origin or "an empty origin"


def _other_site(headers: Mapping[str, str]) -> str:
    """`another site` if that is what the browser says. Another port of this machine is the same site, not ours."""
    return "" if headers.get("sec-fetch-site", "none").lower() in _SAME else "another site"


def _follows_a_link(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether a browser opens an address in a tab: not in a frame, and without a body, as a form would send it."""
    navigates = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return scope["type"] == "http" and scope["method"] in _READS and navigates and "origin" not in headers


@functools.lru_cache(maxsize=_REMEMBERED)
def _is_loopback(host: str) -> bool:
    """Whether no DNS server can have a say in where the name points (RFC 6761 section 6.3)."""
    found = _HOST.fullmatch(host)
    name = found["name"].lower().removesuffix(".") if found else ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
