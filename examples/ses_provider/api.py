"""`POST /api/mails`: send a mail, for programs that have a key."""

import hashlib
import hmac
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from mailer import (
    IdempotencyConflict,
    InvalidMessage,
    MailerError,
    Message,
    Status,
    StoreError,
    UnknownStream,
)
from mailer.asgi import MailerDep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI

    from mailer import SendResult

    from .settings import Settings

PATH = "/mails"
# Characters. SES takes more; a service that many programs share need not.
MAX_BODY = 500_000
MAX_RECIPIENTS = 50
# Not accepted, so that the same request may be made again.
AGAIN = frozenset({Status.THROTTLED, Status.FAILED})
# What went wrong before anything was sent, and the status of the answer.
PROBLEMS: "Mapping[type[MailerError], int]" = {
    IdempotencyConflict: 409,
    InvalidMessage: 422,
    UnknownStream: 422,
    StoreError: 503,
}
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Mail(_Shape):
    """A mail to send."""

    to: list[Annotated[str, Field(max_length=512)]] = Field(min_length=1, max_length=MAX_RECIPIENTS)
    subject: str = Field(min_length=1, max_length=500)
    text: str = Field(min_length=1, max_length=MAX_BODY)
    html: str = Field(default="", max_length=MAX_BODY)
    stream: str = Field(default="", max_length=64, description="Empty: the default stream.")


class Recipient(_Shape):
    """What became of the mail for one recipient."""

    address: str
    status: Status
    reason: str


class Sent(_Shape):
    """What became of the mail."""

    id: str
    provider: str
    replayed: bool = Field(description="Whether this is the result of an earlier request with the same key.")
    recipients: list[Recipient]


class Problem(_Shape):
    """Why nothing was sent."""

    error: str
    hint: str


def mails_router(settings: "Settings") -> APIRouter:
    """The router. Each request needs a key of a caller."""
    router = APIRouter(tags=["mail"], dependencies=[Depends(_Callers(settings.callers))])
    provider = settings.provider.value

    @router.post(PATH, responses={409: {"model": Problem}, 422: {"model": Problem}, 503: {"model": Sent | Problem}})
    async def send_mail(
        mail: Mail, mailer: MailerDep, idempotency_key: Annotated[str | None, Header(max_length=200)] = None
    ) -> Sent:
        """Send a mail. A request that is repeated with the same `Idempotency-Key` within 24 hours sends nothing."""
        content = Message(subject=mail.subject, text=mail.text, html=mail.html, to=mail.to, stream=mail.stream or None)
        result = await mailer.asend(content, idempotency_key=idempotency_key)
        answer = Sent(
            id=result.id,
            provider=provider,
            replayed=result.replayed,
            recipients=[Recipient(address=one.address.email, status=one.status, reason=one.reason) for one in result],
        )
        if _can_be_sent_again(result):
            raise _NotNow(answer)
        return answer

    return router


def add_problem_handlers(app: "FastAPI") -> None:
    """Answer what the library raises as JSON, with what to do next."""

    async def problem(_: Request, error: Exception) -> JSONResponse:
        status = next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)
        assert isinstance(error, MailerError)  # noqa: S101 - those of the table
        return JSONResponse({"error": error.message, "hint": error.hint}, status)

    async def not_now(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, _NotNow)  # noqa: S101 - it is registered for this class
        return JSONResponse(error.answer.model_dump(mode="json"), 503, {"retry-after": "60"})

    for kind in PROBLEMS:
        app.add_exception_handler(kind, problem)
    app.add_exception_handler(_NotNow, not_now)


class _NotNow(Exception):  # noqa: N818 - it becomes an answer
    """Nobody was sent to, and the same request may succeed later."""

    def __init__(self, answer: Sent) -> None:
        super().__init__()
        self.answer = answer


def _can_be_sent_again(result: "SendResult") -> bool:
    statuses = {one.status for one in result}
    return bool(statuses & AGAIN) and Status.SENT not in statuses


class _Callers:
    """Lets requests with a key through. Hashes are compared, so that the time says nothing about a key."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._hashes = tuple(map(_hashed, keys))

    async def __call__(self, given: Bearer) -> None:
        offered = _hashed(given.credentials if given else "")
        # All are compared: any() would stop at the first that is right.
        if not any([hmac.compare_digest(offered, one) for one in self._hashes]):  # noqa: C419
            raise HTTPException(401, "A key is needed.", {"www-authenticate": "Bearer"})


def _hashed(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
