"""The ASGI application, by Starlette: routes, a bounded body, and a thread for the work, which blocks."""

from typing import TYPE_CHECKING

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from mailer.webhooks.http import BAD_REQUEST, BODY_SECONDS, TIMEOUT, TOO_LARGE, Answer, Request, content_length, problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from mailer.webhooks.http import Endpoint


def application(endpoints: "Iterable[Endpoint]") -> Starlette:
    """An application that serves the endpoints."""
    routes = [Route(one.path, serving(one), methods=list(one.methods)) for one in endpoints]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return app


def serving(endpoint: "Endpoint") -> "Callable[[HttpRequest], Awaitable[Response]]":
    """What serves an endpoint, for Starlette and FastAPI."""

    async def serve(http: HttpRequest) -> Response:
        return _response(await _answer(endpoint, http), is_head=http.method == "HEAD")

    return serve


async def _answer(endpoint: "Endpoint", http: HttpRequest) -> Answer:
    try:
        with anyio.fail_after(BODY_SECONDS):
            body = await _body(http, endpoint.max_body)
    except TimeoutError:
        return problem(TIMEOUT, "The body did not arrive in time.")
    except ClientDisconnect:
        return problem(BAD_REQUEST, "The client went away.")
    if body is None:
        return problem(TOO_LARGE, f"The body has more than {endpoint.max_body} bytes.")
    request = Request(
        method=http.method,
        body=body,
        content_type=http.headers.get("content-type", ""),
        client=http.client.host if http.client else "",
        token=str(http.path_params.get("token", "")),
        query=http.url.query,
        authorization=http.headers.get("authorization", ""),
    )
    return await run_in_threadpool(endpoint.handle, request)


async def _body(http: HttpRequest, limit: int) -> bytes | None:
    """The body; None if it is longer than the limit, whatever its length is said to be."""
    if (content_length(http.headers.get("content-length", "")) or 0) > limit:
        return None
    body = bytearray()
    async for part in http.stream():
        body += part
        if len(body) > limit:
            return None
    return bytes(body)


def _response(answer: Answer, *, is_head: bool) -> Response:
    response = Response(answer.body, answer.status, dict(answer.headers))
    if is_head:
        response.body = b""
    return response
