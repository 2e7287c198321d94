"""HTTP as the webhook sees it: requests, answers, endpoints. ASGI, WSGI and Django carry them.

Not for which endpoints there are: `endpoints.py`.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

# Seconds in which a body must have arrived. SNS waits 15 for the answer.
BODY_SECONDS = 10.0
OK, BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, NOT_ALLOWED, TIMEOUT = 200, 400, 401, 403, 404, 405, 408
LENGTH_REQUIRED, TOO_LARGE, UNPROCESSABLE, TOO_MANY = 411, 413, 422, 429
SERVER_ERROR, UNAVAILABLE = 500, 503
_RETRY_AFTER = "20"
_MAX_DIGITS = 18
# Nothing here may be kept, guessed the type of, embedded, or load anything.
_HEADERS: "Mapping[str, str]" = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
    "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
}


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """A request, its body already within the limit.

    Attributes:
        method: In upper case.
        body: The body.
        content_type: The header, in its own case.
        client: The peer's address; empty where it is not known.
        token: What the path holds behind the endpoint's own; empty where it holds nothing.
        query: The query, without its question mark.
        authorization: The header.
        holder: Who makes it and whether they may remove, where a web framework has found out. See `MetricsApi`.
    """

    method: str
    body: bytes = b""
    content_type: str = ""
    client: str = ""
    token: str = ""
    query: str = ""
    authorization: str = ""
    holder: tuple[str, bool] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer.

    Attributes:
        status: HTTP's status code.
        body: The body.
        headers: The headers, in lower case, without the length.
    """

    status: int
    body: bytes
    headers: "Mapping[str, str]"


class Handler(Protocol):
    """Answers a request."""

    def __call__(self, request: Request) -> Answer:
        """The answer; it raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path.

    Attributes:
        path: The path; `{token}` at its end matches one segment.
        methods: The methods that it answers.
        max_body: Bytes.
        handle: What answers.
    """

    path: str
    methods: tuple[str, ...]
    max_body: int
    handle: Handler

    def match(self, path: str) -> str | None:
        """The token in a path, empty where there is none; None if the path is another's."""
        before, has_token, _ = self.path.partition("{token}")
        if not has_token:
            return "" if path == self.path else None
        token = path.removeprefix(before)
        return token if path.startswith(before) and token and "/" not in token else None


def content_length(header: str) -> int | None:
    """What Content-Length says, 0 where it is missing; None if it is not a number."""
    text = header.strip() or "0"
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


def json_answer(status: int, body: "Mapping[str, object]", headers: "Mapping[str, str] | None" = None) -> Answer:
    """An answer in JSON."""
    every = {"content-type": "application/json", **_HEADERS, **(headers or {})}
    return Answer(status, json.dumps(body).encode(), every)


def page_answer(status: int, page: str) -> Answer:
    """An answer in HTML."""
    return Answer(status, page.encode(), {"content-type": "text/html; charset=utf-8", **_HEADERS})


def problem(status: int, words: str, headers: "Mapping[str, str] | None" = None) -> Answer:
    """An answer that says what is wrong. After 429 and 503 the client may try again."""
    again = {"retry-after": _RETRY_AFTER} if status in {TOO_MANY, UNAVAILABLE} else {}
    return json_answer(status, {"error": words}, {**again, **(headers or {})})


def where(error: BaseException) -> str:
    """The file and the line that raised it."""
    import traceback

    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"
