"""A package index on loopback: what the real one offers, and a newer release of everything that a lock names.

The newer releases are wheels with no content. An installer that takes one did not follow the lock.
"""

import hashlib
import io
import re
import threading
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.waiting import PATIENCE

NEWER = "9999.0"
_HREF = re.compile(r'href="([^"]*)"')


class PackageIndex:
    """The index's address, and which of the newer releases were fetched."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream.rstrip("/")
        self.url = ""
        self.fetched: list[str] = []

    @cache  # noqa: B019 - it lives as long as one test
    def page(self, name: str) -> str:
        """What the real index says of a package, with whole addresses, and a newer release."""
        url = f"{self.upstream}/{name}/"
        request = urllib.request.Request(url, headers={"Accept": "text/html"})  # noqa: S310 - the one that is set up
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            page, base = answer.read().decode(), answer.url
        page = _HREF.sub(lambda found: f'href="{urllib.parse.urljoin(base, found[1])}"', page)
        digest = hashlib.sha256(newer_wheel(name)).hexdigest()
        file = f"{name.replace('-', '_')}-{NEWER}-py3-none-any.whl"
        return page.replace("</body>", f'<a href="/newer/{name}/{file}#sha256={digest}">{file}</a></body>')


@cache
def newer_wheel(name: str) -> bytes:
    """A wheel that installs and holds nothing."""
    folder = f"{name.replace('-', '_')}-{NEWER}.dist-info"
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {NEWER}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files["RECORD"] = "".join(f"{folder}/{file},,\n" for file in (*files, "RECORD"))
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(f"{folder}/{file}", text)
    return data.getvalue()


class _Handler(BaseHTTPRequestHandler):
    index: PackageIndex

    def do_GET(self) -> None:
        kind, name = self.path.strip("/").split("/")[:2]
        if kind == "newer":
            self.index.fetched.append(name)
        body = newer_wheel(name) if kind == "newer" else self.index.page(name).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream" if kind == "newer" else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
        pass


@contextmanager
def package_index(upstream: str) -> Generator[PackageIndex]:
    index = PackageIndex(upstream)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"index": index}))
    server.daemon_threads = True
    index.url = f"http://127.0.0.1:{server.server_address[1]}/simple"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
