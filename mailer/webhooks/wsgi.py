"""The WSGI application: the same endpoints for Django, Flask and every server of PEP 3333."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from mailer.webhooks.http import (
    BAD_REQUEST,
    LENGTH_REQUIRED,
    NOT_ALLOWED,
    NOT_FOUND,
    TOO_LARGE,
    Answer,
    Request,
    content_length,
    problem,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from wsgiref.types import StartResponse, WSGIEnvironment

    from mailer.webhooks.http import Endpoint


def application(endpoints: "Iterable[Endpoint]") -> "Callable[[WSGIEnvironment, StartResponse], list[bytes]]":
    """An application that serves the endpoints."""
    served = tuple(endpoints)

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        answer = _answer(served, environ)
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body
        headers = [*answer.headers.items(), ("content-length", str(len(answer.body)))]
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [body]

    return serve


def _answer(endpoints: "Sequence[Endpoint]", environ: "WSGIEnvironment") -> Answer:
    # PEP 3333: bytes in Latin-1's clothes.
    path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
    matches = ((one, token) for one in endpoints if (token := one.match(path)) is not None)
    endpoint, token = next(matches, (None, ""))
    if endpoint is None:
        return problem(NOT_FOUND, "There is nothing at this path.")
    if environ["REQUEST_METHOD"] not in endpoint.methods:
        return problem(NOT_ALLOWED, "The method is not allowed here.", {"allow": ", ".join(endpoint.methods)})
    body = _body(environ, endpoint.max_body)
    if isinstance(body, Answer):
        return body
    return endpoint.handle(
        Request(
            method=environ["REQUEST_METHOD"],
            body=body,
            content_type=environ.get("CONTENT_TYPE", ""),
            client=environ.get("REMOTE_ADDR", ""),
            token=token,
            query=environ.get("QUERY_STRING", ""),
            authorization=environ.get("HTTP_AUTHORIZATION", ""),
        )
    )


def _body(environ: "WSGIEnvironment", limit: int) -> bytes | Answer:
    if environ.get("HTTP_TRANSFER_ENCODING") and not environ.get("CONTENT_LENGTH"):
        return problem(LENGTH_REQUIRED, "Send a Content-Length.")
    length = content_length(environ.get("CONTENT_LENGTH", ""))
    if length is None:
        return problem(BAD_REQUEST, "Content-Length is not a number.")
    if length > limit:
        return problem(TOO_LARGE, f"The body has more than {limit} bytes.")
    try:
        body = environ["wsgi.input"].read(length) if length else b""
    except OSError:
        return problem(BAD_REQUEST, "The client went away.")
    return body if len(body) == length else problem(BAD_REQUEST, "The body is shorter than its Content-Length.")
