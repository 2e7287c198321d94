"""The page of the metrics in a real Chromium."""

import json
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from mailer.stores.base import utcnow
from mailer.stores.sql.stores import SqlStores
from mailer.webhooks import MetricsApi, Webhook, wsgi_app
from mailer.webhooks.account_quota import AccountQuota
from mailer.wire.access import Access
from mailstack_localcloud import LocalCloud
from tests.chromium import Page, chromium
from tests.contract.message_log import entry
from tests.unit.mailer.reports.history import fill
from tests.unit.mailer.stack_outputs import outputs

pytestmark = pytest.mark.integration
KEY = "read-" * 8
AXE = files("mailer.quality") / "axe.min.js"
HOSTILE = "<img src=x onerror=document.title='hacked'>"


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    now = utcnow()
    quota = {"sent_last_24_hours": 170.0, "max_24_hour_send": 200.0, "max_send_rate": 1.0, "used": 0.85}
    monkeypatch.setattr(AccountQuota, "_ask", lambda _: quota)
    with SqlStores(f"sqlite:///{tmp_path}/mail.db?log_days=30") as stores:
        fill(stores.log, stores.suppressions, now)
        stores.log.add([entry("Bounce", key="hostile", at=now, sent_at=now, template=HOSTILE, words=HOSTILE)])
        webhook = Webhook(outputs(), store=stores)
        app = wsgi_app(webhook, metrics=MetricsApi(webhook, keys=[KEY], admin_keys=[], account_list=False))
        server = make_server("127.0.0.1", 0, app, handler_class=_Quiet)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/metrics/email"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def test_quota_is_asked_of_ses(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch):
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    cloud.control("PUT", "account", {"max_send_rate": 14.0, "max_24_hour_send": 50_000.0})
    found = AccountQuota(cloud.region, Access()).read()
    assert found
    assert (found["max_24_hour_send"], found["max_send_rate"], found["used"]) == (50_000.0, 14.0, 0.0)


def show(page: Page, key: str) -> None:
    page.evaluate(f"document.getElementById('key').value = {json.dumps(key)}")
    page.click("#key-form button")


def test_page_shows_the_report_to_who_has_a_key(address: str, tmp_path: Path):
    with chromium(tmp_path / "profile") as browser:
        page = browser.page(address)
        assert page.evaluate("document.getElementById('report').hidden")
        show(page, "wrong-" * 8)
        page.wait("document.getElementById('state').textContent.includes('401: A key is needed.')")
        assert page.evaluate("document.getElementById('report').hidden")
        show(page, KEY)
        page.wait("!document.getElementById('report').hidden")
        text = page.evaluate("document.body.innerText")
        for words in (
            "Bounce rate",
            "AWS reviews at 5.00 %",
            "2 by bounce, 1 by complaint",
            "welcome",
            "news",
            "85.00 %",
            "170 of 200",
        ):
            assert words in text, words
        assert "Bounced: " in page.evaluate("document.getElementById('bounces').innerText")
        assert page.evaluate("document.querySelector('#cards .pause dt').textContent") == "Complaint rate"
        labels = page.evaluate("[...document.querySelectorAll('svg')].map((one) => one.getAttribute('aria-label'))")
        assert [label.partition(" by day")[0] for label in labels] == ["Sends", "Hard bounces", "Complaints"]
        # Text of others is text.
        assert HOSTILE in page.evaluate("document.getElementById('templates').textContent")
        assert page.evaluate("[document.title, document.images.length]") == ["Mail", 0]
        page.evaluate(AXE.read_text(encoding="utf-8"))
        for dark in (False, True):
            page.window(dark=dark)
            found = page.evaluate("axe.run().then((done) => done.violations.map((one) => [one.id, one.nodes[0].html]))")
            assert found == []
        page.window(400, 800)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_key_stays_in_the_tab(address: str, tmp_path: Path):
    with chromium(tmp_path / "profile") as browser:
        page = browser.page(address)
        show(page, KEY)
        page.wait("!document.getElementById('report').hidden")
        assert page.evaluate("[localStorage.length, document.cookie, document.getElementById('key').value]") == [
            0,
            "",
            "",
        ]
        page.open(f"{address}?again")
        page.wait("!document.getElementById('report').hidden")


def test_page_says_from_which_day_its_numbers_are_whole(address: str, tmp_path: Path):
    with chromium(tmp_path / "profile") as browser:
        page = browser.page(address)
        show(page, KEY)
        page.wait("!document.getElementById('report').hidden")
        assert "too low" not in page.evaluate("document.getElementById('state').textContent")
        days = "document.getElementById('days')"
        page.evaluate(f"{days}.value = '365'; {days}.dispatchEvent(new Event('change'))")
        page.wait("/Numbers before [0-9-]+ may be too low/.test(document.getElementById('state').textContent)")
