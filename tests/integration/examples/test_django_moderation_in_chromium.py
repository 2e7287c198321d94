"""The example of moderation with Django in a real browser, on a desktop and on a phone, in two languages."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailstack_localcloud import LocalCloud
from tests.chromium import Page, chromium
from tests.integration.examples.moderation_site import ADMIN, PASSWORD, Server, Site, server_on, site_of

pytestmark = pytest.mark.integration
ADA = "ada@example.com"
WIDTHS = pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
# No page becomes wider than the window by a word, as of a link that somebody pastes.
LONG = "w" * 150
STEPS = (
    {"full_name": "Ada Lovelace", "phone": "01 234"},
    {"office": "Mayor", "district": "Kaski"},
    {"statement": f"Clean water. {LONG}"},
)


@pytest.fixture(scope="module")
def server(shared_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_on(shared_cloud, tmp_path_factory.mktemp("moderation")) as running:
        yield running


@pytest.fixture
def site(server: Server, cloud: LocalCloud) -> Site:
    return site_of(server, cloud)


def shows(page: Page, words: str) -> None:
    page.shows(words)
    assert page.fits()


def path(page: Page, words: str) -> None:
    page.wait(f"location.pathname == '{words}' && document.readyState == 'complete'")
    assert page.fits()


def choose_password(page: Page, link: str) -> None:
    page.open(link)
    page.fill("main", new_password1=PASSWORD, new_password2=PASSWORD)


@WIDTHS
def test_candidate_is_rejected_revises_and_is_approved(site: Site, tmp_path: Path, width: int):
    with chromium(tmp_path / "ada") as one, chromium(tmp_path / "admin") as other:
        ada = one.page(site.url)
        ada.window(width)
        shows(ada, "Who runs for office")
        ada.click("main .button")
        shows(ada, "Behind it, you choose a password")
        ada.fill("main", name="Ada", email=ADA)
        shows(ada, "Look into your mail")
        choose_password(ada, site.link(ADA, "/verify/"))
        path(ada, "/candidacy")
        ada.click("main .button")
        for number, fields in enumerate(STEPS, 1):
            path(ada, f"/candidacy/{number}")
            ada.fill("main", **fields)
        path(ada, "/candidacy/4")
        shows(ada, LONG)
        ada.click("[name=is_true]")
        ada.fill("main", is_true="on")
        shows(ada, "Waiting for a decision")
        admin = other.page(site.link(ADMIN, "/reject"))
        admin.window(width, dark=True)
        path(admin, "/sign-in")
        admin.fill("main", username=ADMIN, password=PASSWORD)
        shows(admin, "Ada Lovelace")
        assert admin.evaluate("document.querySelector('.focus button').innerText") == "Reject"
        admin.fill("main", notes=LONG)
        shows(admin, "Your decision was sent")
        ada.open(f"{site.url}/candidacy")
        shows(ada, LONG)
        ada.open(site.link(ADA, "/candidacy/1"))
        ada.fill("main", full_name="Ada Lovelace")
        path(ada, "/candidacy/2")
        ada.open(f"{site.url}/candidacy/4")
        ada.click("[name=is_true]")
        ada.fill("main", is_true="on")
        shows(ada, "Waiting for a decision")
        admin.open(site.link(ADMIN, "/approve", earlier=1))
        admin.click(".focus button")
        shows(admin, "Your decision was sent")
        ada.open(site.link(ADA, "/candidates/"))
        shows(ada, LONG)
        assert "sessionid" not in ada.evaluate("document.cookie")


@WIDTHS
def test_pages_are_read_in_nepali(site: Site, tmp_path: Path, width: int):
    with chromium(tmp_path / "ada") as browser:
        ada = browser.page(site.url)
        ada.window(width)
        ada.click("[name=language]")
        shows(ada, "को उम्मेदवार छन्")
        ada.open(f"{site.url}/sign-up")
        ada.fill("main", name="Ada", email=ADA)
        shows(ada, "आफ्नो इमेल हेर्नुहोस्")
        ada.open(site.link(ADA, "/verify/"))
        ada.fill("main", new_password1=PASSWORD, new_password2="another one")
        shows(ada, "मिलेनन्")
        assert not re.search("[A-Za-z]{3}", ada.evaluate("document.querySelector('main').innerText"))
        ada.fill("main", new_password1=PASSWORD, new_password2=PASSWORD)
        path(ada, "/candidacy")
        shows(ada, "मस्यौदा")
        ada.open(f"{site.url}/candidacy/1")
        shows(ada, "तपाईं को हुनुहुन्छ?")


@WIDTHS
def test_expired_link_and_forgotten_password_in_a_browser(site: Site, tmp_path: Path, width: int):
    with chromium(tmp_path / "ada") as browser:
        ada = browser.page(f"{site.url}/sign-up")
        ada.window(width)
        ada.fill("main", name="Ada", email=ADA)
        old = site.link(ADA, "/verify/")
        site.sql("UPDATE mailstack_tokens SET expires_at = '2020-01-01 00:00:00'")
        ada.open(old)
        shows(ada, "This link is too old")
        ada.click("main .button")
        path(ada, "/resend")
        ada.fill("main", email=ADA)
        shows(ada, "Look into your mail")
        choose_password(ada, site.link(ADA, "/verify/", earlier=1))
        path(ada, "/candidacy")
        ada.open(f"{site.url}/forgot")
        ada.fill("main", email=ADA)
        shows(ada, "Look into your mail")
        choose_password(ada, site.link(ADA, "/reset/"))
        shows(ada, "Your password was changed")
        ada.open(site.link(ADA, "/reset/"))
        shows(ada, "This link was used already")
