"""Who may ask for anything here: programs on this machine and our own pages, no other web page.

A page of the web, or a mail's HTML, runs in a browser that can reach the loopback interface, and whoever may make a
Lambda function here may run what they like. Such a page can neither change anything here (the Origin and Sec-Fetch-Site
headers give it away), not even by a picture whose address AWS's Query protocol takes for an action, nor read through a
name of its own that points here.
"""

import functools
import ipaddress
from collections.abc import Mapping
from urllib.parse import parse_qs

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def problem(method: str, headers: Mapping[str, str], query: str = "") -> str:
    """Why the request is refused; empty if it is not.

    Example:
        >>> problem("POST", {"host": "127.0.0.1:4566", "origin": "https://example.com"})
        'Requests from https://example.com are not served: only those of programs and of our own pages.'
    """
    host = headers.get("host", "")
    if host and not _is_loopback(host):
        return f"Nothing is served under the name {host}: use 127.0.0.1 or localhost."
    stranger = _stranger(headers, host)
    if not stranger or not _acts(method, headers, query):
        return ""
    return f"Requests from {stranger} are not served: only those of programs and of our own pages."


def _acts(method: str, headers: Mapping[str, str], query: str) -> bool:
    return method not in _SAFE_METHODS or "x-amz-target" in headers or "Action" in parse_qs(query)


def _stranger(headers: Mapping[str, str], host: str) -> str:
    """The other site that the request comes from. Programs send neither header, browsers always one of them."""
    origin = headers.get("origin")
    if origin is not None and origin != f"http://{host}":
        return "a sandboxed page" if origin == "null" else origin
    return "another site" if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"} else ""


# Whoever asks asks again; a name from outside must not fill the memory.
@functools.lru_cache(maxsize=100)
def _is_loopback(host: str) -> bool:
    name = (host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host).lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
