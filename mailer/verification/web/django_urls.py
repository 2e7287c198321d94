"""URL patterns for Django: a page for each purpose, and one behind its links. See `routes` for Starlette."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from mailer.verification.web.pages import COOKIE_SECONDS, Method, Pages, WebAnswer, WebRequest

if TYPE_CHECKING:
    from mailer.verification.policy import Purpose
    from mailer.verification.results import Checked


def verification_urls(
    pages: "Pages | Callable[[], Pages]",
    methods: "Mapping[Purpose, Method]",
    *,
    account_of: "Callable[[HttpRequest, Purpose, str], str | None]",
    accepted: "Callable[[HttpRequest, Checked], HttpResponseBase | None]",
    client_of: Callable[[HttpRequest], str] | None = None,
) -> list[URLPattern]:
    """URL patterns to include where `Pages` says: `path("verify/", include(verification_urls(...)))`.

    For each purpose, `NAME` asks for the address and the code, and `NAME/TOKEN` is the page behind a link. The names of
    the patterns are `verification-NAME` and `verification-NAME-link`.

    The views are exempt from Django's CSRF check: with `Referrer-Policy: no-referrer`, browsers send `Origin: null`,
    which Django refuses. `Pages` checks `Sec-Fetch-Site`. They are not in the transaction of `ATOMIC_REQUESTS`, whose
    rollback would undo the count of an attempt.

    Args:
        pages: The pages, or a function that returns them, which the first request calls: loading the URL patterns, as
            each command of `manage.py` does, then needs neither stack nor keys.
        methods: The purposes, each with `code` or `link`.
        account_of: The account of an address: an id, or an empty text for none. None if the address is not eligible: it
            has no account (sign-in, password reset), or has one (sign-up). It is called for every address, and must
            take as long for each.
        accepted: Acts on a code or link that was accepted, such as by `django.contrib.auth.login`, and returns a
            response, such as a redirect, or None for the library's page. It is called once for a token; what it raises
            is not tried again.
        client_of: The IP address of a request's client. Default: `REMOTE_ADDR`, which is that of a proxy if there is
            one.

    Returns:
        The patterns.
    """
    site = _Site(pages, account_of, accepted, client_of or _client)
    patterns: list[URLPattern] = []
    for purpose, method in methods.items():
        entry, link = partial(site.entry, purpose, method), partial(site.link, purpose)
        name = f"verification-{purpose.name}"
        patterns.append(path(purpose.name, _view(entry), name=name))
        patterns.append(path(f"{purpose.name}/<str:token>", _view(link), name=f"{name}-link"))
    return patterns


class _Site:
    """The views."""

    def __init__(
        self,
        pages: "Pages | Callable[[], Pages]",
        account_of: "Callable[[HttpRequest, Purpose, str], str | None]",
        accepted: "Callable[[HttpRequest, Checked], HttpResponseBase | None]",
        client_of: Callable[[HttpRequest], str],
    ) -> None:
        self._find_pages = (lambda: pages) if isinstance(pages, Pages) else cache(pages)
        self._account_of, self._accepted, self._client_of = account_of, accepted, client_of

    @property
    def _pages(self) -> Pages:
        return self._find_pages()

    def entry(self, purpose: "Purpose", method: Method, request: HttpRequest) -> HttpResponseBase:
        """Ask for an address and a code."""
        given = self._given(request)
        address = self._pages.asked_address(given)
        account = self._account_of(request, purpose, address) if address else None
        return self._response(request, self._pages.entry(purpose, given, method=method, account=account))

    def link(self, purpose: "Purpose", request: HttpRequest, token: str) -> HttpResponseBase:
        """Show the button behind a link, or use the link."""
        return self._response(request, self._pages.link(purpose, token, self._given(request)))

    def _given(self, request: HttpRequest) -> WebRequest:
        return WebRequest(
            method=request.method or "",
            form={name: str(value) for name, value in request.POST.items()},
            browser=request.COOKIES.get(self._pages.cookie, ""),
            client=self._client_of(request),
            site=str(request.META.get("HTTP_SEC_FETCH_SITE", "")),
        )

    def _response(self, request: HttpRequest, answer: WebAnswer) -> HttpResponseBase:
        own = self._accepted(request, answer.checked) if answer.checked else None
        if own is not None:  # its page has the address of the link
            own.headers.setdefault("Referrer-Policy", "no-referrer")
            own.headers.setdefault("Cache-Control", "no-store")
            return own
        body = b"" if request.method == "HEAD" else answer.body.encode()
        response = HttpResponse(body, status=answer.status, headers=dict(answer.headers))
        if answer.browser:
            secure, name = self._pages.is_secure, self._pages.cookie
            response.set_cookie(
                name, answer.browser, COOKIE_SECONDS, secure=secure, httponly=True, samesite="Lax", path="/"
            )
        return response


def _view(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    def serve(request: HttpRequest, **arguments: str) -> HttpResponseBase:
        return view(request, **arguments)

    for decorate in (
        sensitive_post_parameters(),
        require_http_methods(["GET", "HEAD", "POST"]),
        transaction.non_atomic_requests,
        csrf_exempt,
    ):
        serve = decorate(serve)
    return serve


def _client(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
