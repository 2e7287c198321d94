"""The example of FastAPI in a real browser, on a desktop and on a phone."""

from pathlib import Path

import pytest

from mailstack_localcloud import LocalCloud
from tests.chromium import Page, chromium
from tests.integration.examples.invitations_site import Site, site_on

pytestmark = pytest.mark.integration
ADA, BOB = "ada@example.com", "bob@example.com"
WIDTHS = pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])


def sign_in(page: Page, site: Site, address: str) -> None:
    page.wait("document.querySelector('[name=address]') !== null")
    assert page.fits()
    page.fill(address=address)
    page.wait("document.querySelector('[name=code]') !== null")
    page.fill(code=site.code(address))
    page.wait("location.pathname == '/family'")


@WIDTHS
def test_parents_meet_in_two_browsers(cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int):
    with (
        site_on(cloud, tmp_path, monkeypatch) as site,
        chromium(tmp_path / "ada") as one,
        chromium(tmp_path / "bob") as other,
    ):
        ada = one.page(site.url)
        ada.window(width)
        assert ada.fits()
        ada.click(".button")
        sign_in(ada, site, ADA)
        ada.fill("main form", name=" ", family="Compilers")
        ada.shows("Go back and change it.")
        assert ada.fits()
        ada.open(f"{site.url}/invitations")
        ada.shows("Method Not Allowed")
        ada.shows(f"Signed in as {ADA}")
        ada.click("header a")
        ada.fill("main form", name="Ada", family="Compilers")
        ada.shows("Invite a co-parent")
        ada.fill("main form", name="Bob", email=BOB)
        ada.shows("pending")
        assert ada.fits()
        bob = other.page(site.invitation(BOB, "Compilers"))
        bob.window(width, dark=True)
        bob.shows("Ada invites you to Compilers")
        assert bob.fits()
        bob.click("form[action$=accept] button")
        sign_in(bob, site, BOB)
        bob.shows("Compilers")
        ada.open(f"{site.url}/family")
        ada.shows("accepted")
        assert ada.evaluate("document.cookie") == ""
        ada.shows(f"Signed in as {ADA}")
        assert ada.fits()
        ada.click("header button")
        ada.wait("location.pathname == '/'")
        ada.shows("Sign in")
        ada.open(f"{site.url}/family")
        ada.wait("location.pathname == '/verify/sign-in'")


@WIDTHS
def test_parent_declines_in_a_browser(cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int):
    with (
        site_on(cloud, tmp_path, monkeypatch) as site,
        site.person(ADA) as ada,
        chromium(tmp_path / "bob") as browser,
    ):
        ada.start("Ada", "Compilers")
        ada.invite("Bob", BOB)
        bob = browser.page(site.invitation(BOB, "Compilers"))
        bob.window(width)
        bob.click("form[action$=decline] button")
        bob.shows("You declined")
        assert bob.fits()
        assert "declined" in ada.get("/family").text
