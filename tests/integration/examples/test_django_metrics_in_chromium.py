"""The page of the metrics in a Django site, in a real browser: Django's sign-in in place of a key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailstack_localcloud import LocalCloud
from tests.chromium import chromium
from tests.integration.examples.moderation_site import ADMIN, PASSWORD, Server, server_on, site_of

pytestmark = pytest.mark.integration
METRICS = "/mail/metrics/email"


@pytest.fixture(scope="module")
def server(shared_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_on(shared_cloud, tmp_path_factory.mktemp("metrics")) as running:
        yield running


def test_administrator_signs_in_and_reads_the_metrics(server: Server, cloud: LocalCloud, tmp_path: Path):
    site = site_of(server, cloud)
    with chromium(tmp_path / "admin") as browser:
        page = browser.page(f"{site.url}{METRICS}")
        page.wait("location.pathname == '/sign-in' && document.readyState == 'complete'")
        page.fill("main", username=ADMIN, password=PASSWORD)
        page.wait(f"location.pathname == '{METRICS}' && !document.getElementById('report').hidden")
        assert page.evaluate("document.getElementById('key')?.offsetParent ?? null") is None
        page.shows("Bounce rate")
        for width in (1280, 390):
            page.window(width)
            assert page.fits()


def test_candidate_may_not_read_the_metrics(server: Server, cloud: LocalCloud, tmp_path: Path):
    site, address = site_of(server, cloud), "carol@example.com"
    with site.candidate(address) as carol, chromium(tmp_path / "candidate") as browser:
        assert carol.get(f"{METRICS}/summary").status_code == 403
        page = browser.page(f"{site.url}{METRICS}")
        page.wait("location.pathname == '/sign-in' && document.readyState == 'complete'")
        page.fill("main", username=address, password=PASSWORD)
        page.wait(f"location.pathname == '{METRICS}' && document.readyState == 'complete'")
        assert page.evaluate("document.getElementById('report')?.hidden ?? true")
