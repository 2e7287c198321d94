"""Chromium without a window, driven over its debugging pipe. It shows a page and loads nothing from elsewhere.

https://chromedevtools.github.io/devtools-protocol/
"""

import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import signal
import time
from typing import TYPE_CHECKING, Any

from mailer.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS = 60.0
_TO_END = 10.0
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--no-proxy-server",
    # No mail's image or font is asked for.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)


def find() -> str | None:
    """The path of the browser; None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """A running browser with one page."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._ids = itertools.count(1)
        self._rest = b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session: str = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and wait for its answer.

        Raises:
            TemplateError: The browser refused, ended, or gave no answer in time.
        """
        number = next(self._ids)
        session = {"sessionId": self._session} if hasattr(self, "_session") else {}
        request = json.dumps({"id": number, "method": method, "params": params, **session}).encode() + b"\0"
        deadline = time.monotonic() + _SECONDS
        while request:
            request = request[os.write(self._to, request) :]
        while (answer := json.loads(self._read(method, deadline))).get("id") != number:
            pass
        if "error" in answer:
            raise TemplateError(f"Chromium refused {method}: {answer['error']['message']}.")
        return answer["result"]

    def _read(self, method: str, deadline: float) -> bytes:
        while b"\0" not in self._rest:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self._back], [], [], left)[0]
            part = os.read(self._back, 1 << 16) if ready else b""
            if not part:
                reason = "has ended" if ready else f"gave no answer in {_SECONDS:.0f} seconds"
                raise TemplateError(f"Chromium {reason} at {method}.", hint="Start it by hand to see why.")
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return message

    def show(self, html: str) -> None:
        """Show a page."""
        frame = self.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self.call("Page.setDocumentContent", frameId=frame, html=html)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is awaited.

        Raises:
            TemplateError: It raised an exception.
        """
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise TemplateError(f"A script failed in Chromium: {answer['exceptionDetails'].get('text', '')}.")
        return answer["result"].get("value")

    def window(self, width: int, height: int = 800, *, dark: bool = False) -> None:
        """Give the page a window of that size, in light or dark mode."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])


@contextlib.contextmanager
def running(path: str, profile: "Path") -> "Generator[Browser]":
    """A browser with a profile of its own; it is ended in the end.

    Args:
        path: The program.
        profile: An empty folder.
    """
    (child_in, to), (back, child_out) = os.pipe(), os.pipe()
    # Away from 3 and 4, where the browser has its ends.
    ends = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (child_in, child_out)]
    for fd in (child_in, child_out):
        os.close(fd)
    actions = [(os.POSIX_SPAWN_DUP2, fd, number) for fd, number in zip(ends, (3, 4), strict=True)]
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    argv = [path, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = os.posix_spawn(path, argv, os.environ, file_actions=[*actions, *quiet], setpgroup=0)
    for fd in ends:
        os.close(fd)
    try:
        yield Browser(to, back)
    finally:
        os.close(to)
        os.close(back)
        end(process)


def end(process: int) -> None:
    """Wait until a browser whose pipes are closed has removed its temporary files and ended; kill it if it does not.

    Args:
        process: Its id; it leads a process group.
    """
    deadline = time.monotonic() + _TO_END
    while time.monotonic() < deadline:
        if os.waitpid(process, os.WNOHANG)[0]:
            return
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
