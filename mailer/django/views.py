"""The endpoints of the webhook as a view. They answer; this only carries it."""

from typing import TYPE_CHECKING

from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from mailer.webhooks.http import (
    BAD_REQUEST,
    NOT_ALLOWED,
    NOT_FOUND,
    TOO_LARGE,
    Answer,
    Request,
    content_length,
    problem,
)

if TYPE_CHECKING:
    from django.http import HttpRequest

    from mailer.webhooks.http import Endpoint


# No token of ours protects it: SNS signs its messages, and the link of an unsubscription is a token.
@csrf_exempt
@transaction.non_atomic_requests
def serve(request: "HttpRequest", endpoint: str, token: str = "") -> HttpResponse:
    """Answer a request to one of the endpoints.

    An event is stored in transactions of its own, also with ATOMIC_REQUESTS: what is done stays done.
    """
    from mailer.django.feedback import endpoints

    found = endpoints().get(endpoint)
    return respond(request, found, token)


def respond(
    request: "HttpRequest", endpoint: "Endpoint | None", token: str, holder: tuple[str, bool] | None = None
) -> HttpResponse:
    """Carry the answer of an endpoint; None: there is none at this path.

    Args:
        request: The request.
        endpoint: What answers.
        token: What the path holds.
        holder: Who asks, and whether they may remove.
    """
    nothing = problem(NOT_FOUND, "There is nothing at this path.")
    answer = _answer(request, endpoint, token, holder) if endpoint else nothing
    headers = {**answer.headers, "content-length": str(len(answer.body))}
    return HttpResponse(b"" if request.method == "HEAD" else answer.body, status=answer.status, headers=headers)


def _answer(request: "HttpRequest", endpoint: "Endpoint", token: str, holder: tuple[str, bool] | None) -> Answer:
    method = request.method or ""
    if method not in endpoint.methods:
        return problem(NOT_ALLOWED, "The method is not allowed here.", {"allow": ", ".join(endpoint.methods)})
    body = _body(request, endpoint.max_body)
    if isinstance(body, Answer):
        return body
    meta = request.META
    given = Request(
        method=method,
        body=body,
        content_type=str(meta.get("CONTENT_TYPE", "")),
        client=str(meta.get("REMOTE_ADDR", "")),
        token=token,
        query=str(meta.get("QUERY_STRING", "")),
        holder=holder,
    )
    return endpoint.handle(given)


def _body(request: "HttpRequest", limit: int) -> bytes | Answer:
    """The body, if it is within the limit and whole. Nothing is read of one that says that it is longer."""
    too_large = problem(TOO_LARGE, f"The body has more than {limit} bytes.")
    length = content_length(str(request.META.get("CONTENT_LENGTH") or ""))
    if length is None:
        return problem(BAD_REQUEST, "Content-Length is not a number.")
    if length > limit:
        return too_large
    try:
        body = request.body
    except RequestDataTooBig:
        return too_large
    except UnreadablePostError:
        return problem(BAD_REQUEST, "The client went away.")
    return too_large if len(body) > limit else body
