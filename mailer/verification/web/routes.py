"""Routes for Starlette, and so for FastAPI: a page for each purpose, and one behind its links."""

import inspect
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import parse_qsl

from mailer.errors import ConfigurationError
from mailer.install import install_command
from mailer.verification.web.pages import Method, WebAnswer, WebRequest

try:
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import HTMLResponse, PlainTextResponse
    from starlette.routing import Route
except ModuleNotFoundError as error:
    words = "The routes of verification need the package Starlette."
    raise ConfigurationError(words, hint=install_command("web")) from error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from mailer.verification.policy import Purpose
    from mailer.verification.results import Checked
    from mailer.verification.web.pages import Pages

_Result = TypeVar("_Result")
# Bytes of a form: an address and a code.
_LONGEST_FORM = 16 * 1024
_METHODS = ["GET", "HEAD", "POST"]


def verification_routes(
    pages: "Pages",
    methods: "Mapping[Purpose, Method]",
    *,
    account_of: "Callable[[Request, Purpose, str], str | Awaitable[str | None] | None]",
    accepted: "Callable[[Request, Checked], Response | Awaitable[Response | None] | None]",
    client_of: "Callable[[Request], str] | None" = None,
) -> "list[Route]":
    """Routes to mount where `Pages` says: `Mount("/verify", routes=verification_routes(...))`.

    For each purpose, `/NAME` asks for the address and the code, and `/NAME/TOKEN` is the page behind a link.

    Args:
        pages: The pages.
        methods: The purposes, each with `code` or `link`.
        account_of: The account of an address: an id, or an empty text for none. None if the address is not eligible: it
            has no account (sign-in, password reset), or has one (sign-up). It is called for every address, and must
            take as long for each. A function or a coroutine function.
        accepted: Acts on a code or link that was accepted, such as by signing in, and returns a response, such as a
            redirect, or None for the library's page. It is called once for a token; what it raises is not tried again.
            A function or a coroutine function.
        client_of: The IP address of a request's client. Default: `request.client`, which a server behind a proxy
            corrects (`uvicorn --proxy-headers`).

    Returns:
        The routes.
    """
    site = _Site(pages, account_of, accepted, client_of or _client)
    routes: list[Route] = []
    for purpose, method in methods.items():
        entry = partial(site.entry, purpose, method)
        routes.append(Route(f"/{purpose.name}", entry, methods=_METHODS, name=f"verification-{purpose.name}"))
        link, name = partial(site.link, purpose), f"verification-{purpose.name}-link"
        routes.append(Route(f"/{purpose.name}/{{token}}", link, methods=_METHODS, name=name))
    return routes


class _Site:
    """The endpoints."""

    def __init__(
        self,
        pages: "Pages",
        account_of: "Callable[[Request, Purpose, str], str | Awaitable[str | None] | None]",
        accepted: "Callable[[Request, Checked], Response | Awaitable[Response | None] | None]",
        client_of: "Callable[[Request], str]",
    ) -> None:
        self._pages, self._account_of, self._accepted, self._client_of = pages, account_of, accepted, client_of

    async def entry(self, purpose: "Purpose", method: Method, request: "Request") -> "Response":
        """Ask for an address and a code."""
        form = await _form(request)
        if form is None:
            return PlainTextResponse("The form is too long or of the wrong type.", 400)
        given = self._given(request, form)
        address = self._pages.asked_address(given)
        account = await _called(self._account_of, request, purpose, address) if address else None
        answer = await run_in_threadpool(self._pages.entry, purpose, given, method=method, account=account)
        return await self._response(request, answer)

    async def link(self, purpose: "Purpose", request: "Request") -> "Response":
        """Show the button behind a link, or use the link."""
        given = self._given(request, {})
        answer = await run_in_threadpool(self._pages.link, purpose, request.path_params["token"], given)
        return await self._response(request, answer)

    def _given(self, request: "Request", form: "Mapping[str, str]") -> WebRequest:
        return WebRequest(
            method=request.method,
            form=form,
            browser=request.cookies.get(self._pages.cookie, ""),
            client=self._client_of(request),
            site=request.headers.get("sec-fetch-site", ""),
        )

    async def _response(self, request: "Request", answer: WebAnswer) -> "Response":
        own = await _called(self._accepted, request, answer.checked) if answer.checked else None
        if own is not None:  # its page has the address of the link
            own.headers.setdefault("referrer-policy", "no-referrer")
            own.headers.setdefault("cache-control", "no-store")
            return own
        body = "" if request.method == "HEAD" else answer.body
        response = HTMLResponse(body, answer.status, dict(answer.headers))
        if answer.browser:
            value = f"{self._pages.cookie}={answer.browser}{self._pages.cookie_header}"
            response.headers.append("set-cookie", value)
        return response


async def _called(function: "Callable[..., _Result | Awaitable[_Result]]", *arguments: object) -> "_Result":
    """Call a function in a thread, or await a coroutine function."""
    if inspect.iscoroutinefunction(function):
        return cast("_Result", await function(*arguments))
    found = await run_in_threadpool(function, *arguments)
    return cast("_Result", await found) if inspect.isawaitable(found) else cast("_Result", found)


async def _form(request: "Request") -> "dict[str, str] | None":
    """The fields of a form; None if it is too long or not one. Starlette's own parser needs another package."""
    if request.method != "POST":
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return None
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return None
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))
    except ValueError:  # too many fields
        return None


def _client(request: "Request") -> str:
    return request.client.host if request.client else ""
