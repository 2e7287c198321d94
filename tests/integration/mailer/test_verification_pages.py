"""The pages in a real browser, over HTTP: policy, cookies and forms as Chromium understands them."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from mailer.verification.policy import SIGN_IN, SIGN_UP, Purpose
from mailer.verification.results import Checked
from mailer.verification.web.pages import Pages
from mailer.verification.web.routes import verification_routes
from tests.chromium import Chromium, chromium
from tests.unit.mailer.verification.kit import ADA, Kit
from tests.waiting import eventually

pytestmark = pytest.mark.integration


class Served:
    """An application on a port of this machine."""

    def __init__(self) -> None:
        self.kit, self.accepted = Kit(), list[Checked]()
        self.sites: list[str] = []
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self._stopped = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        pages = Pages(self.kit.verification(), url=f"{self.url}/verify", clock=self.kit.clock)
        methods: dict[Purpose, str] = {SIGN_IN: "code", SIGN_UP: "link"}
        routes = verification_routes(pages, methods, account_of=self._account_of, accepted=self._accept)  # pyright: ignore[reportArgumentType]
        self._app = Starlette(routes=[Mount("/verify", routes=routes)])
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()
        host, port = self.url.removeprefix("http://").split(":")
        eventually(lambda: not socket.socket().connect_ex((host, int(port))), "the server does not start")

    def _account_of(self, request: Request, purpose: Purpose, address: str) -> str:
        self.sites.append(request.headers.get("sec-fetch-site", ""))
        return ""

    def _accept(self, request: Request, checked: Checked) -> None:
        self.accepted.append(checked)

    def _serve(self) -> None:
        config = Config()
        config.bind, config.loglevel = [self.url.removeprefix("http://")], "CRITICAL"
        self._loop.run_until_complete(serve(self._app, config, shutdown_trigger=self._stopped.wait))  # pyright: ignore[reportArgumentType]

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def served() -> Iterator[Served]:
    application = Served()
    yield application
    application.stop()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chromium]:
    with chromium(tmp_path / "profile") as running:
        yield running


def test_person_signs_in_with_a_code_in_a_browser(served: Served, browser: Chromium):
    page = browser.page(f"{served.url}/verify/sign-in")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('button.main')).backgroundColor") == "rgb(31, 78, 216)"
    )
    page.fill(address=ADA)
    page.wait("document.querySelector('[name=code]') !== null")
    assert page.evaluate("document.cookie") == ""
    code = served.kit.delivery.code
    page.fill(code=code)
    page.wait("document.body.innerText.includes('You are signed in.')")
    assert [one.address for one in served.accepted] == [ADA]
    assert served.sites == ["same-origin"]


def test_opened_link_waits_for_the_button(served: Served, browser: Chromium):
    page = browser.page(f"{served.url}/verify/sign-up")
    page.fill(address=ADA)
    page.wait("document.body.innerText.includes('on its way')")
    page.open(served.kit.delivery.link)
    page.open(served.kit.delivery.link)
    assert served.accepted == []
    page.click("button")
    page.wait("document.body.innerText.includes('Your address is confirmed.')")
    assert len(served.accepted) == 1
    page.open(served.kit.delivery.link)
    assert "Your address is confirmed." in page.evaluate("document.body.innerText")


def test_scripts_and_other_sites_are_blocked_by_the_policy(served: Served, browser: Chromium):
    page = browser.page(f"{served.url}/verify/sign-in")
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
    )
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    blocked = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'loaded', error => error.name)")
    assert blocked == "TypeError"
    assert page.evaluate("window.ran === undefined")
