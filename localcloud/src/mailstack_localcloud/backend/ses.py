"""Replaces SES inside ministack: its requests reach our SES, or are refused.

It routes requests that bear no signature by rules of its own, and its CloudFormation and Cognito call its SES directly.
None of these modules is loaded early.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, cast

from mailstack_localcloud.http import Request, Response

Deliver = Callable[[str, str, str, dict[str, dict[str, str]]], str]
_Answer = tuple[int, dict[str, str], bytes]
_Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[_Answer]]
_OF_SES = "AWS::SES::"


def take_over(ses_v1: Callable[[Request], Awaitable[Response]], deliver: Deliver) -> None:
    """Put ours in its place.

    Args:
        ses_v1: What answers requests of the first API.
        deliver: What takes a mail of AWS's own, from sender, recipient, subject and body, and gives its id.
    """
    from ministack import app

    handlers: dict[str, _Handler] = cast("Any", app).SERVICE_HANDLERS
    handlers["ses"] = functools.partial(_answered, ses_v1)

    def cloudformation() -> None:
        from ministack.services.cloudformation import provisioners

        _refuse_types(cast("Any", provisioners)._RESOURCE_HANDLERS)  # noqa: SLF001

    def cognito() -> None:
        from ministack.services import ses

        cast("Any", ses).send_internal_email = functools.partial(_from_cognito, deliver)

    handlers["cloudformation"] = _after(cloudformation, handlers["cloudformation"])
    handlers["cognito-idp"] = _after(cognito, handlers["cognito-idp"])


def _after(first: Callable[[], None], handler: _Handler) -> _Handler:
    """A service's handler that does something else before it, which takes long once."""

    async def handle(*request: Any) -> _Answer:
        first()
        return await handler(*request)

    return handle


async def _answered(
    ours: Callable[[Request], Awaitable[Response]],
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, list[str]],
) -> _Answer:
    answer = await ours(Request(method, path, query, headers, body))
    return answer.status, {"Content-Type": answer.content_type, **answer.headers}, answer.body


def _refuse_types(handlers: dict[str, dict[str, Any]]) -> None:
    for name in [name for name in handlers if name.startswith(_OF_SES)]:
        handlers[name] = {"create": functools.partial(_refuse, name), "delete": _nothing}


def _refuse(name: str, *_: object) -> NoReturn:
    raise ValueError(f"{name} is not emulated by the local cloud's CloudFormation. Nothing was done.")


def _nothing(*_: object) -> None:
    """Deleting a resource that was never created succeeds."""


def _from_cognito(deliver: Deliver, **mail: Any) -> str:
    """Cognito's own mail, which it sends over an SES of its own."""
    parts = {"Text": mail.get("body_text"), "Html": mail.get("body_html")}
    body = {name: {"Data": text, "Charset": "UTF-8"} for name, text in parts.items() if text}
    return deliver(mail["source"], mail["to_addrs"][0], mail["subject"], body)
