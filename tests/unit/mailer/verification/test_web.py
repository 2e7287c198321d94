"""The pages, through Starlette's routes: forms, links, headers, and what mail scanners do to them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount

from mailer.errors import ConfigurationError, StoreError, TemplateError
from mailer.stores.memory_tokens import MemoryTokens
from mailer.stores.tokens import Limit
from mailer.verification.policy import RESET_PASSWORD, SIGN_IN, SIGN_UP, Limits, Purpose
from mailer.verification.results import Checked
from mailer.verification.web.pages import Pages
from mailer.verification.web.routes import verification_routes
from mailer.verification.web.templates import NAMES, PageTemplates

from .asgi import Browser, Forms, Reply
from .kit import ADA, BOB, Kit

URL = "https://app.example.com/verify"
METHODS = {SIGN_IN: "code", SIGN_UP: "link", RESET_PASSWORD: "link", Purpose("magic", other_browsers=False): "link"}
ACCOUNTS = {ADA: "7"}


class Site:
    """An application with the pages."""

    def __init__(self, kit: Kit | None = None, *, asynchronous: bool = True, **options: Any) -> None:
        self.kit = kit or Kit()
        self.accepted: list[Checked] = []
        limits = options.pop("limits", None)
        self.verification = self.kit.verification(limits=limits)
        self.pages = Pages(self.verification, url=URL, clock=self.kit.clock, **options)
        found = {"account_of": self.account_of, "accepted": self.accept}
        if asynchronous:
            found = {name: coroutine_of(function) for name, function in found.items()}
        routes = verification_routes(self.pages, METHODS, **found)  # pyright: ignore[reportArgumentType]
        self.app = Starlette(routes=[Mount("/verify", routes=routes)])

    def account_of(self, request: Request, purpose: Purpose, address: str) -> str | None:
        if purpose is SIGN_UP:
            return None if address in ACCOUNTS else ""
        return ACCOUNTS.get(address)

    def accept(self, request: Request, checked: Checked) -> Response | None:
        self.accepted.append(checked)
        return RedirectResponse("/home", 303) if checked.purpose == "sign-in" else None

    def browser(self, **options: Any) -> Browser:
        return Browser(self.app, **options)

    def asked(self, purpose: str, address: str = ADA, browser: Browser | None = None) -> tuple[Browser, Reply]:
        """A browser that has asked for a code or link."""
        browser = browser or self.browser()
        (form,) = browser.get(f"/verify/{purpose}").forms
        return browser, browser.submit(form, address=address)

    @property
    def link(self) -> str:
        return self.kit.delivery.link


def coroutine_of(function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*arguments: object) -> object:
        return function(*arguments)

    return call


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.mark.parametrize("asynchronous", [True, False])
def test_person_signs_in_with_a_code(asynchronous: bool):
    site = Site(asynchronous=asynchronous)
    browser, page = site.asked("sign-in")
    assert "a code of six digits is on its way" in page.body
    done = browser.submit(page.forms[0], code=site.kit.delivery.code)
    assert (done.status, done.headers["location"]) == (303, "/home")
    assert done.headers["referrer-policy"] == "no-referrer"
    assert [(one.address, one.account) for one in site.accepted] == [(ADA, "7")]


def test_person_asks_for_a_new_code(site: Site):
    browser, page = site.asked("sign-in")
    again = browser.submit(page.forms[1])
    assert len(site.kit.delivery.mails) == 2
    assert browser.submit(again.forms[0], code=site.kit.delivery.code).status == 303


def test_wrong_code_is_reported_until_attempts_run_out(site: Site):
    browser, page = site.asked("sign-in")
    code = f"{(int(site.kit.delivery.code) + 1) % 10**6:06}"
    told = [browser.submit(page.forms[0], code=code) for _ in range(3)]
    assert [one.status for one in told] == [422] * 3
    assert "not the code that was sent" in told[0].body
    assert "tried too often" in told[2].body
    assert browser.submit(page.forms[0], code=site.kit.delivery.code).status == 422
    assert site.accepted == []


def test_code_in_another_browser_is_refused(site: Site):
    _, page = site.asked("sign-in")
    found = site.browser().submit(page.forms[0], code=site.kit.delivery.code)
    assert found.status == 422
    assert "from this browser" in found.body


def test_person_confirms_an_address_by_a_button(site: Site):
    browser, page = site.asked("sign-up", BOB)
    assert "a mail with a link is on its way" in page.body
    shown = browser.get(site.link)
    assert (shown.status, len(shown.forms), site.accepted) == (200, 1, [])
    assert "b***@example.org" in shown.body
    done = browser.submit(shown.forms[0])
    assert (done.status, done.title) == (200, "Confirm your address")
    assert [one.address for one in site.accepted] == [BOB]


def test_second_visit_is_no_error(site: Site):
    browser, _ = site.asked("sign-up", BOB)
    browser.submit(browser.get(site.link).forms[0])
    for visitor in (browser, site.browser()):
        again = visitor.get(site.link)
        assert (again.status, again.forms) == (200, [])
        assert "Your address is confirmed." in again.body
        assert visitor.post(site.link, {}).status == 200
    assert len(site.accepted) == 1


@pytest.mark.parametrize("purpose", ["sign-up", "reset-password", "magic"])
def test_scanner_that_opens_links_uses_none(site: Site, purpose: str):
    address = BOB if purpose == "sign-up" else ADA
    browser, _ = site.asked(purpose, address)
    scanner = site.browser(client="198.51.100.1")
    for method in ("GET", "HEAD", "GET"):
        seen = scanner.get(site.link, method)
        assert (seen.status == 200) == (purpose != "magic")
        assert method == "GET" or seen.body == ""
    assert scanner.cookies == {}
    assert browser.submit(browser.get(site.link).forms[0]).status == 200
    assert len(site.accepted) == 1


def test_scanner_that_submits_forms_leaves_a_confirmation(site: Site):
    browser, _ = site.asked("sign-up", BOB)
    scanner = site.browser(client="198.51.100.1")
    for form in scanner.get(site.link).forms:
        scanner.submit(form)
    visit = browser.get(site.link)
    assert (visit.status, "Your address is confirmed." in visit.body) == (200, True)
    assert len(site.accepted) == 1


def test_scanner_that_submits_forms_does_not_block_users(site: Site):
    browser, _ = site.asked("reset-password")
    scanner = site.browser(client="198.51.100.1")
    for _ in range(2):
        for form in scanner.get(site.link).forms:
            scanner.submit(form)
    done = browser.submit(browser.get(site.link).forms[0])
    assert (done.status, "choose a new password" in done.body) == (200, True)
    assert browser.get(site.link).forms[0].method == "GET"  # asks for a new link


def test_link_bound_to_a_browser_cannot_be_used_by_a_scanner(site: Site):
    browser, _ = site.asked("magic")
    scanner = site.browser()
    seen = scanner.get(site.link)
    assert (seen.status, seen.forms) == (403, [])
    assert scanner.post(site.link, {}).status == 403
    assert browser.submit(browser.get(site.link).forms[0]).status == 200


def pages_of(site: Site) -> list[Reply]:
    """One of each page."""
    browser, code = site.asked("sign-in")
    site.asked("sign-up", BOB, browser)
    link = browser.get(site.link)
    return [
        browser.get("/verify/sign-in"),
        code,
        link,
        browser.submit(link.forms[0]),
        browser.get(f"{URL}/sign-up/{'A' * 54}"),
        browser.post("/verify/sign-in", {"address": "ada"}),
        browser.post("/verify/sign-in", {"address": ADA}, sec_fetch_site="cross-site"),
    ]


def test_pages_make_no_requests_to_other_sites(site: Site):
    for page in pages_of(site):
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
        nonce = policy.pop("style-src")
        assert policy == {
            "default-src": "'none'",
            "img-src": "'self'",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        }
        assert f'<style nonce="{nonce[7:-1]}">' in page.body
        parser = Forms(page.url)
        parser.feed(page.body)
        assert parser.outside == []
        assert all(form.action.startswith(URL) for form in page.forms)
        assert re.search(r"<script|\son\w+=|http-equiv|javascript:", page.body) is None


def test_nonce_differs_in_every_answer(site: Site):
    browser = site.browser()
    policies = {browser.get("/verify/sign-in").headers["content-security-policy"] for _ in range(5)}
    assert len(policies) == 5


def test_cookie_is_for_this_host_and_no_script(site: Site):
    browser, page = site.asked("sign-in")
    cookie = page.headers["set-cookie"]
    assert cookie.startswith("__Host-verification=")
    assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} <= {part.strip() for part in cookie.split(";")}
    before = dict(browser.cookies)
    site.asked("sign-in", BOB, browser)
    assert browser.cookies == before


def test_looking_sets_no_cookie(site: Site):
    assert "set-cookie" not in site.browser().get("/verify/sign-in").headers


def test_answers_are_the_same_for_every_address():
    shown: list[list[object]] = []
    for address in (ADA, "eve@example.org"):
        site = Site(limits=Limits(per_address=Limit(2)))
        for purpose in ("sign-in", "reset-password"):
            browser, page = site.asked(purpose, address)
            answers = [page, *(browser.post(f"/verify/{purpose}", {"address": address}) for _ in range(3))]
            if purpose == "sign-in":
                answers += [browser.post("/verify/sign-in", {"address": address, "code": "x"}) for _ in range(2)]
            shown.append([like(one, address) for one in answers])
    assert shown[:2] == shown[2:]


def like(page: Reply, address: str) -> object:
    """A page without what is random or was entered."""
    body = re.sub(r'nonce="[^"]*"', "", page.body).replace(address, "")
    return page.status, body, sorted(page.headers), page.headers.get("retry-after")


@pytest.mark.parametrize(
    "entered", ["", "ada", "ada@", "a b@example.org", "ada@example.org, bob@example.org", "\r\nBcc: x"]
)
def test_invalid_address_is_reported(site: Site, entered: str):
    page = site.browser().post("/verify/sign-in", {"address": entered})
    assert (page.status, "not an e-mail address" in page.body) == (422, True)
    assert site.kit.delivery.mails == []


def test_limit_says_when_to_come_again():
    site = Site(limits=Limits(per_client=Limit(1)))
    browser, _ = site.asked("sign-in")
    page = browser.post("/verify/sign-in", {"address": ADA})
    assert (page.status, page.headers["retry-after"]) == (429, "3600")


def test_attempts_of_one_client_are_limited():
    site = Site(limits=Limits(attempts_per_client=Limit(2)))
    browser, page = site.asked("sign-in")
    wrong = f"{(int(site.kit.delivery.code) + 1) % 10**6:06}"
    statuses = [browser.submit(page.forms[0], code=wrong).status for _ in range(3)]
    assert statuses == [422, 422, 429]


@pytest.mark.parametrize("origin", ["cross-site", "same-site"])
def test_form_of_another_site_is_refused(site: Site, origin: str):
    browser, _ = site.asked("sign-up", BOB)
    asked = len(site.kit.delivery.mails)
    assert browser.post("/verify/sign-in", {"address": ADA}, sec_fetch_site=origin).status == 403
    assert browser.post(site.link, {}, sec_fetch_site=origin).status == 403
    assert (len(site.kit.delivery.mails), site.accepted) == (asked, [])
    assert browser.post(site.link, {}, sec_fetch_site="same-origin").status == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"address=ada%40example.org", "application/json"),
        (b"a" * 20_000, "application/x-www-form-urlencoded"),
        (b"&".join([b"a=1"] * 30), "application/x-www-form-urlencoded"),
    ],
)
def test_body_that_is_no_form_of_ours_is_refused(site: Site, body: bytes, kind: str):
    assert site.browser().post("/verify/sign-in", body, content_type=kind).status == 400


def test_entered_text_is_escaped(site: Site):
    page = site.browser().post("/verify/sign-in", {"address": '"><script>alert(1)</script>'})
    assert "<script" not in page.body
    assert "&lt;script&gt;" in page.body


@pytest.mark.parametrize("token", ["x", "A" * 54, "%2e%2e", "A" * 4000])
def test_invented_link_is_not_found(site: Site, token: str):
    page = site.browser().get(f"/verify/sign-up/{token}")
    assert (page.status, "not valid" in page.body) == (404, True)


def test_expired_link_offers_a_new_one(site: Site):
    browser, _ = site.asked("sign-up", BOB)
    site.kit.clock.now += SIGN_UP.link_lifetime * 2
    page = browser.get(site.link)
    assert (page.status, page.forms[0].method, page.forms[0].action) == (410, "GET", f"{URL}/sign-up")


def test_store_failure_is_shown_without_details(caplog: pytest.LogCaptureFixture):
    class Broken(MemoryTokens):
        def take(self, key: str, limit: Limit, at: object) -> Any:
            raise StoreError("Could not count a request in the database: it is locked.")

        def get(self, id_: str) -> Any:
            raise StoreError("Could not read.")

    site = Site(Kit(Broken()))
    pages = [site.browser().post("/verify/sign-in", {"address": ADA}), site.browser().get(f"{URL}/sign-up/{'A' * 54}")]
    assert [page.status for page in pages] == [503, 503]
    assert "database" not in pages[0].body
    assert "it is locked" in caplog.text


def test_pages_can_be_replaced_one_by_one(tmp_path: Path):
    own = '{% extends "base.html" %}{% block content %}<p>{{ shop }}: {{ outcome }}</p>{% endblock %}'
    (tmp_path / "link.html").write_text(own)
    site = Site(templates=PageTemplates(tmp_path, variables={"shop": "Example & Co", "app_name": "Example"}))
    browser, _ = site.asked("sign-up", BOB)
    page = browser.get(site.link)
    assert "<p>Example &amp; Co: ready</p>" in page.body
    assert "<title>Confirm your address | Example</title>" in page.body
    assert browser.get("/verify/sign-up").forms


def test_broken_page_names_its_variables(tmp_path: Path):
    (tmp_path / "ask.html").write_text("{{ adress }}")
    with pytest.raises(TemplateError, match=r"'adress' is undefined.*address"):
        Site(templates=PageTemplates(tmp_path)).browser().get("/verify/sign-in")


def test_folder_without_a_page_is_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="no page") as raised:
        PageTemplates(tmp_path)
    assert all(name in raised.value.hint for name in NAMES)


@pytest.mark.parametrize("url", ["/verify", "app.example.com/verify", "https://app.example.com/?a=b", "ftp://x/y"])
def test_url_of_the_pages_must_be_absolute(url: str):
    with pytest.raises(ConfigurationError, match="not absolute"):
        Pages(Kit().verification(), url=url)


def test_links_do_not_follow_the_host_of_a_request(site: Site):
    Browser(site.app, "https://evil.test").post("/verify/sign-up", {"address": BOB})
    assert site.link.startswith(f"{URL}/sign-up/")


def test_redirect_targets_are_part_of_the_policy():
    page = Site(redirects=["https://shop.example.com"]).browser().get("/verify/sign-in")
    assert "form-action 'self' https://shop.example.com;" in page.headers["content-security-policy"]
