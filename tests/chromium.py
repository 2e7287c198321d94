"""A real browser for tests: Debian's chromium without a window, driven over its debugging pipe. No dependency."""

import contextlib
import fcntl
import itertools
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

from mailer.quality.chromium import end
from tests.system import require_tool
from tests.waiting import eventually

_PHONE = 600
_FINGER = 40
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--no-proxy-server",
    "--remote-debugging-pipe",
)


class Page:
    """One tab."""

    def __init__(self, chromium: "Chromium", url: str) -> None:
        self._chromium = chromium
        target = chromium.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = chromium.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.open(url)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A method of the DevTools protocol: https://chromedevtools.github.io/devtools-protocol/."""
        return self._chromium.call(method, self._session, **params)

    def open(self, url: str) -> None:
        """Go there, as by the address bar, and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        arrived = "true" if url == "about:blank" else "location.href != 'about:blank'"
        self.wait(f"document.readyState == 'complete' && {arrived}")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Until an expression is true; a page that is just being left has no answer."""
        eventually(lambda: self._holds(condition), f"{condition} never became true")

    def click(self, selector: str) -> None:
        """Click on the first element of a CSS selector, when it is there."""
        self.evaluate(f"{self._element(selector)}.click()")

    def fill(self, form: str = "form", **fields: str) -> None:
        """Fill in a form, and send it by its button, as a person does."""
        for name, value in fields.items():
            self.evaluate(f"{self._element(f'{form} [name={name}]')}.value = {json.dumps(value)}")
        self.evaluate(f"{self._element(f'{form} [name={next(iter(fields))}]')}.form.querySelector('button').click()")

    def shows(self, words: str) -> None:
        """Wait until a person can read these words."""
        self.wait(f"document.body.innerText.includes({json.dumps(words)})")

    def fits(self) -> bool:
        """Whether nothing is wider than the window, and each field and button is large enough for a finger."""
        every = "document.querySelectorAll('main input:not([type=hidden]), main button')"
        narrow = "document.documentElement.scrollWidth <= innerWidth"
        return bool(self.evaluate(f"{narrow} && [...{every}].every(e => e.offsetHeight >= {_FINGER})"))

    def _element(self, selector: str) -> str:
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"document.readyState == 'complete' && {found} !== null")
        return found

    def _holds(self, condition: str) -> bool:
        try:
            return bool(self.evaluate(condition))
        except (AssertionError, ProtocolError):
            return False

    def window(self, width: int = 1280, height: int = 800, *, dark: bool = False) -> None:
        """Give the page a window of that size, a phone's where it is narrow, in light or dark mode."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < _PHONE}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])


class ProtocolError(Exception):
    """The browser refused a call."""


class Chromium:
    """The browser; see `chromium`."""

    def __init__(self, to: int, back: int) -> None:
        self._to = os.fdopen(to, "wb", buffering=0)
        self._back = os.fdopen(back, "rb")
        self._ids = itertools.count(1)
        self._rest = b""

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Call a method and wait for its answer; events are passed over."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        self._to.write(json.dumps(message).encode() + b"\0")
        while (answer := json.loads(self._read())).get("id") != number:
            pass
        if "error" in answer:
            raise ProtocolError(answer["error"]["message"])
        return answer["result"]

    def _read(self) -> bytes:
        while b"\0" not in self._rest:
            part = os.read(self._back.fileno(), 1 << 16)
            if not part:
                raise ProtocolError("the browser is gone")
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return message

    def page(self, url: str = "about:blank") -> Page:
        """A new tab."""
        return Page(self, url)

    def close(self) -> None:
        """Close the pipes; the browser ends then."""
        self._to.close()
        self._back.close()


@contextlib.contextmanager
def chromium(profile: Path) -> Generator[Chromium]:
    """A running browser with a profile of its own; skips the test where there is none."""
    path = require_tool("chromium")
    (child_in, to), (back, child_out) = os.pipe(), os.pipe()
    # Away from 3 and 4, where the browser has its ends.
    ends = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (child_in, child_out)]
    for fd in (child_in, child_out):
        os.close(fd)
    actions = [(os.POSIX_SPAWN_DUP2, fd, number) for fd, number in zip(ends, (3, 4), strict=True)]
    quiet = [(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    argv = [path, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = os.posix_spawn(path, argv, os.environ, file_actions=[*actions, *quiet], setpgroup=0)
    for fd in ends:
        os.close(fd)
    browser = Chromium(to, back)
    try:
        yield browser
    finally:
        browser.close()
        end(process)
