"""Which requests the local cloud serves, as a table: by Host, Origin and Sec-Fetch headers."""

import itertools

import pytest

from mailstack_localcloud.server.cross_site import refusal

HOST = "127.0.0.1:4566"
NAVIGATE = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
LINK = {"sec-fetch-site": "cross-site", **NAVIGATE}


def status(headers: dict[str, str], *, method: str = "GET", page: bool = False, kind: str = "http") -> int:
    """The HTTP status of a refusal; 0 where the request is served."""
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    found = refusal({"type": kind, "method": method, "headers": encoded}, lambda: page)
    return found.status if found else 0


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", HOST, "127.8.9.10:1", "localhost", "LocalHost:80", "localhost.", "a.b.localhost:4566"),
        *("[::1]", "[::1]:4566", "[0:0:0:0:0:0:0:1]:1"),
    ],
)
def test_names_of_this_machine_are_served(host: str):
    assert status({"host": host}) == 0


@pytest.mark.parametrize(
    "host",
    [
        *("example.com", "127.0.0.1.example.com", "localhost.example.com", "notlocalhost", "example.com:4566"),
        *("0.0.0.0:4566", "[::]:4566", "192.168.0.1", "169.254.169.254", "[::ffff:192.168.0.1]", "2130706433", "127.1"),
        *("127.0.0.1@example.com", "localhost:1@example.com", "localhost/", "example.com#.localhost@", "a b.localhost"),
        *("[::1", "::1", "localhost:port", "localhost..", " ", "[example.com]"),
    ],
)
def test_foreign_host_names_are_refused_with_any_origin(host: str):
    assert status({"host": host}) == 403
    assert status({"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}) == 403
    assert status({"host": host, **LINK}, page=True) == 403


def test_exactly_one_host_is_needed():
    assert status({}) == status({"host": ""}) == status({"origin": f"http://{HOST}"}) == 400
    twice = [(b"host", HOST.encode()), (b"Host", b"example.com")]
    found = refusal({"type": "http", "method": "GET", "headers": twice}, lambda: True)
    assert found
    assert found.status == 400


@pytest.mark.parametrize(
    ("headers", "served"),
    [
        ({}, True),
        ({"sec-fetch-mode": "cors"}, True),  # Node's fetch
        ({"origin": f"http://{HOST}"}, True),
        ({"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, True),
        ({"sec-fetch-site": "none", **NAVIGATE}, True),
        ({"origin": "https://example.com"}, False),
        ({"origin": f"https://{HOST}"}, False),
        ({"origin": "http://127.0.0.1"}, False),
        ({"origin": "http://localhost:4566"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"origin": f"http://{HOST} https://example.com"}, False),
        ({"origin": "https://example.com", "sec-fetch-site": "same-origin"}, False),
        ({"origin": f"http://{HOST}", "sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "Cross-Site"}, False),
        ({"sec-fetch-site": ""}, False),
        ({"sec-fetch-site": "some-day"}, False),
    ],
)
def test_only_programs_and_our_own_pages_are_served(headers: dict[str, str], served: bool):
    for method, kind in (*((m, "http") for m in ("GET", "HEAD", "OPTIONS", "POST", "PUT")), ("GET", "websocket")):
        for page in (False, True):
            answered = status({"host": HOST, **headers}, method=method, page=page, kind=kind)
            assert answered == (0 if served else 403)


def test_a_link_opens_our_pages_in_a_tab_and_nothing_else_does():
    sites, pages = ("cross-site", "same-site"), (True, False)
    modes = ("navigate", "cors", "no-cors", "same-origin", "websocket", "")
    dests = ("document", "iframe", "frame", "embed", "object", "image", "script", "style", "empty", "")
    methods, kinds, origins = ("GET", "HEAD", "POST", "OPTIONS"), ("http", "websocket"), ("", "null", f"http://{HOST}")
    for site, mode, dest, page, method, kind, origin in itertools.product(
        sites, modes, dests, pages, methods, kinds, origins
    ):
        headers = {"host": HOST, "sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
        follows = (mode, dest, page, kind, origin) == ("navigate", "document", True, "http", "")
        served = follows and method in {"GET", "HEAD"}
        named = {"origin": origin} if origin else {}
        assert status({**headers, **named}, method=method, page=page, kind=kind) == (0 if served else 403)
