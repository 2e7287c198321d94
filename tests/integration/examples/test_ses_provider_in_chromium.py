"""The metrics page of the example of a mail service in a real browser, on a desktop and on a phone."""

from pathlib import Path

import pytest

from mailstack_localcloud import LocalCloud
from tests.chromium import Page, chromium
from tests.integration.examples.provider_site import service_on
from tests.postgresql import PostgreSQL
from tests.waiting import eventually

pytestmark = pytest.mark.integration


def enter_key(page: Page, key: str) -> None:
    page.evaluate(f"document.getElementById('key').value = '{key}'")
    page.click("#key-form button")


@pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
def test_page_shows_bounces_to_who_has_a_key(
    cloud: LocalCloud, postgresql: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
):
    with service_on(cloud, postgresql, tmp_path, monkeypatch) as service, chromium(tmp_path / "profile") as browser:
        service.ses.behave("*@gone.test", "bounce")
        service.send("ada@gone.test", "bob@example.com")
        # Not by the report, which is kept for 30 seconds.
        eventually(lambda: "mail_bounces_total{" in service.counters(), "no bounce arrived")
        page = browser.page(service.url)
        page.window(width)
        page.wait("location.pathname == '/api/metrics/email'")
        enter_key(page, "x" * 43)
        page.wait("document.getElementById('state').textContent.includes('401: A key is needed.')")
        enter_key(page, service.variables["MAILSTACK_METRICS_KEYS"])
        page.wait("!document.getElementById('report').hidden")
        shown = page.evaluate("document.body.innerText")
        assert "Bounced: " in page.evaluate("document.getElementById('bounces').innerText")
        assert "1 by bounce" in shown
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.cookie") == ""
