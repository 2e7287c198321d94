"""The endpoints as a FastAPI router, with an OpenAPI document. Verification and limits are those of `endpoints.py`."""

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, Response

from mailer.unsubscribe import ONE_CLICK
from mailer.webhooks import metrics_document
from mailer.webhooks.asgi import serving
from mailer.webhooks.endpoints import SES_PATH, UNSUBSCRIBE_PATH
from mailer.webhooks.http import (
    BAD_REQUEST,
    FORBIDDEN,
    NOT_FOUND,
    OK,
    TIMEOUT,
    TOO_LARGE,
    TOO_MANY,
    UNAVAILABLE,
    UNPROCESSABLE,
)
from mailer.webhooks.metrics_page import is_page
from mailer.webhooks.sns import SIGNED_FIELDS, UNSIGNED_FIELDS, VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from mailer.webhooks.http import Endpoint

    Document = dict[str, Any]

TAGS = ("mail",)


class Done(BaseModel):
    """What was done."""

    status: Literal["processed", "duplicate", "setup notice", "confirmed", "unsubscribed"]


class Healthy(BaseModel):
    """It works."""

    status: Literal["ok", "ready"]


class Problem(BaseModel):
    """Why nothing was done."""

    error: str


# What each status means, for the document.
_MEANINGS: "Mapping[int, str]" = {
    BAD_REQUEST: "Not in the form of an SNS message.",
    FORBIDDEN: "Not a message that SNS signed for one of the topics; or a subscription that cannot be confirmed.",
    NOT_FOUND: "The link is not valid.",
    TIMEOUT: "The body did not arrive in time.",
    TOO_LARGE: "The body is too large.",
    UNPROCESSABLE: "A message of SNS that is not an event of SES.",
    TOO_MANY: "Too many requests.",
    UNAVAILABLE: "The store, the certificate or a hook failed. Try again.",
}
_OF_BODY = (TIMEOUT, TOO_LARGE)
_PAGE = {"content": {"text/html": {"schema": {"type": "string"}}}}


def router(endpoints: "Iterable[Endpoint]") -> APIRouter:
    """A router that serves the endpoints."""
    made = APIRouter(tags=list(TAGS))
    for endpoint in endpoints:
        serve = serving(endpoint)
        for method in endpoint.methods:
            made.add_api_route(
                endpoint.path, _typed(serve), methods=[method], **_documented(endpoint, method), response_model=None
            )
    return made


def _typed(serve: "Any") -> "Any":
    """The same with annotations that FastAPI can read: it takes the request as it is, and parses no body."""

    async def serve_request(request: HttpRequest) -> Response:
        return await serve(request)

    return serve_request


def _documented(endpoint: "Endpoint", method: str) -> "Document":
    if method == "HEAD" or is_page(endpoint.path):  # the same as GET; for people
        return {"include_in_schema": False}
    if metrics_document.is_metrics(endpoint.path):
        return metrics_document.documented(endpoint.path)
    if endpoint.path == SES_PATH:
        return _of_ses()
    if endpoint.path == UNSUBSCRIBE_PATH:
        return _of_unsubscribe(method)
    name = endpoint.path.strip("/").replace("/", "_")
    return {
        "operation_id": f"mail_{name}",
        "summary": "Whether the store answers" if name.endswith("ready") else "Whether the process runs",
        "response_class": JSONResponse,
        "responses": {OK: {"model": Healthy}, **_problems(TOO_MANY, UNAVAILABLE)},
    }


def _of_ses() -> "Document":
    body = {"oneOf": [_schema(kind) for kind in SIGNED_FIELDS]}
    return {
        "operation_id": "mail_receive_event",
        "summary": "Receive an event of SES from SNS",
        "description": "SNS signs its messages. Everything else is refused, and nothing is done.",
        "response_class": JSONResponse,
        "responses": {
            OK: {"model": Done},
            **_problems(BAD_REQUEST, FORBIDDEN, *_OF_BODY, UNPROCESSABLE, TOO_MANY, UNAVAILABLE),
        },
        "openapi_extra": {
            "requestBody": {"required": True, "content": {"text/plain; charset=UTF-8": {"schema": body}}}
        },
    }


def _schema(kind: str) -> "Document":
    """SNS's message of a type: https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html."""
    names = (*SIGNED_FIELDS[kind], *UNSIGNED_FIELDS)
    properties: Document = {name: {"type": "string"} for name in names}
    properties |= {"Type": {"const": kind}, "SignatureVersion": {"enum": list(VERSIONS)}}
    properties["Timestamp"] |= {"format": "date-time"}
    properties["SigningCertURL"] |= {"format": "uri"}
    required = [name for name in names if name != "Subject"]
    return {"type": "object", "title": kind, "properties": properties, "required": required}


def _of_unsubscribe(method: str) -> "Document":
    pages = {status: {"description": _MEANINGS[status], **_PAGE} for status in (NOT_FOUND,)}
    described: Document = {
        "operation_id": f"mail_unsubscribe_{method.lower()}",
        "response_class": HTMLResponse,
        "responses": {OK: {"description": "A page.", **_PAGE}, **pages, **_problems(*_OF_BODY, TOO_MANY)},
    }
    token = {"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}
    extra: Document = {"parameters": [token]}
    described["openapi_extra"] = extra
    if method != "POST":
        return {**described, "summary": "Show what the link unsubscribes; change nothing"}
    field, _, value = ONE_CLICK.partition("=")
    form = {"schema": {"type": "object", "properties": {field: {"const": value}}, "required": [field]}}
    content = {"application/x-www-form-urlencoded": form, "multipart/form-data": form}
    extra["requestBody"] = {"required": True, "content": content}
    described["responses"] |= {
        BAD_REQUEST: {"description": f"The form does not say {ONE_CLICK}.", **_PAGE},
        UNAVAILABLE: {"description": "The store failed. Try again.", **_PAGE},
    }
    return {**described, "summary": "Unsubscribe with one click (RFC 8058)"}


def _problems(*statuses: int) -> "dict[int, Document]":
    return {status: {"model": Problem, "description": _MEANINGS[status]} for status in statuses}
