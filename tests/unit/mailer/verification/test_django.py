"""The pages as Django's views."""

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import Client, override_settings
from django.urls import include, path, reverse

from mailer.verification.policy import RESET_PASSWORD, SIGN_IN, SIGN_UP, Purpose
from mailer.verification.results import Checked
from mailer.verification.web.django_urls import verification_urls
from mailer.verification.web.pages import Method, Pages

from .asgi import Form, Forms
from .kit import ADA, BOB, Kit

HOST = "app.example.com"
URL = f"https://{HOST}/verify"
METHODS: dict[Purpose, Method] = {SIGN_IN: "code", SIGN_UP: "link", RESET_PASSWORD: "link"}


class Site:
    """A Django project with the pages."""

    def __init__(self) -> None:
        self.kit, self.accepted, self.clients = Kit(), list[Checked](), list[str]()
        pages = Pages(self.kit.verification(), url=URL, clock=self.kit.clock)
        patterns = verification_urls(pages, METHODS, account_of=self.account_of, accepted=self.accept)
        self.urls = ModuleType("verification_test_urls")
        self.urls.urlpatterns = [path("verify/", include(patterns))]  # pyright: ignore[reportAttributeAccessIssue]

    def account_of(self, request: HttpRequest, purpose: Purpose, address: str) -> str | None:
        if purpose is SIGN_UP:
            return ""
        return "7" if address == ADA else None

    def accept(self, request: HttpRequest, checked: Checked) -> HttpResponse | None:
        self.accepted.append(checked)
        return HttpResponseRedirect("/home") if checked.purpose == "sign-in" else None

    def browser(self) -> Client:
        return Client(enforce_csrf_checks=True, headers={"host": HOST, "origin": "null"})


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    if not settings.configured:
        settings.configure()
    site = Site()
    monkeypatch.setitem(sys.modules, site.urls.__name__, site.urls)
    security = ["django.middleware.security.SecurityMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
    with override_settings(ROOT_URLCONF=site.urls.__name__, ALLOWED_HOSTS=[HOST], MIDDLEWARE=security):
        yield site


def forms(response: Any) -> list[Form]:
    parser = Forms(URL)
    parser.feed(response.content.decode())
    return parser.forms


def ask(site: Site, purpose: str, address: str) -> tuple[Client, Any]:
    browser = site.browser()
    return browser, browser.post(f"/verify/{purpose}", {"address": address}, secure=True)


def test_person_signs_in_with_a_code(site: Site):
    browser, page = ask(site, "sign-in", ADA)
    assert (page.status_code, [form.fields["address"] for form in forms(page)]) == (200, [ADA, ADA])
    done = browser.post("/verify/sign-in", {"address": ADA, "code": site.kit.delivery.code}, secure=True)
    assert (done.status_code, done["Location"], done["Referrer-Policy"]) == (302, "/home", "no-referrer")
    assert [(one.address, one.account) for one in site.accepted] == [(ADA, "7")]


def test_code_of_another_browser_is_refused(site: Site):
    ask(site, "sign-in", ADA)
    stranger = site.browser()
    found = stranger.post("/verify/sign-in", {"address": ADA, "code": site.kit.delivery.code}, secure=True)
    assert (found.status_code, site.accepted) == (422, [])


def test_link_is_used_by_the_button_alone(site: Site):
    browser, _ = ask(site, "sign-up", BOB)
    link = site.kit.delivery.link.removeprefix(f"https://{HOST}")
    assert link == reverse("verification-sign-up-link", args=[site.kit.delivery.token])
    assert browser.head(link, secure=True).content == b""
    assert len(forms(browser.get(link, secure=True))) == 1
    assert site.accepted == []
    assert browser.post(link, secure=True).status_code == 200
    again = browser.get(link, secure=True)
    assert (again.status_code, forms(again)) == (200, [])
    assert [one.address for one in site.accepted] == [BOB]


def test_middleware_does_not_weaken_the_headers(site: Site):
    _, page = ask(site, "sign-in", ADA)
    assert page["Referrer-Policy"] == "no-referrer"
    assert page["Cache-Control"] == "no-store"
    assert page["Content-Security-Policy"].startswith("default-src 'none'; style-src 'nonce-")
    cookie = page.cookies["__Host-verification"]
    assert (cookie["path"], cookie["httponly"], cookie["secure"], cookie["samesite"]) == ("/", True, True, "Lax")
    assert not cookie["domain"]


def test_form_of_another_site_is_refused(site: Site):
    browser = site.browser()
    refused = browser.post("/verify/sign-in", {"address": ADA}, secure=True, headers={"sec-fetch-site": "cross-site"})
    assert (refused.status_code, site.kit.delivery.mails) == (403, [])


def test_other_methods_are_not_allowed(site: Site):
    assert site.browser().put("/verify/sign-in", secure=True).status_code == 405


def test_answers_are_the_same_for_every_address(site: Site):
    pages = [ask(site, "reset-password", address)[1] for address in (ADA, BOB)]
    texts = [page.content.decode().replace(address, "") for page, address in zip(pages, (ADA, BOB), strict=True)]
    shown = [text.split("<style nonce")[0] + text.split("</style>")[1] for text in texts]
    assert shown[0] == shown[1]
    assert [page.status_code for page in pages] == [200, 200]


def test_views_stay_out_of_the_transaction_of_a_request(site: Site):
    (included,) = site.urls.urlpatterns
    for pattern in included.url_patterns:
        assert pattern.callback._non_atomic_requests == {"default"}
        assert pattern.callback.csrf_exempt
