"""Mail through Microsoft Graph's `sendMail`, for tenants that allow no SMTP. Not verified against a live tenant.

https://learn.microsoft.com/graph/api/user-sendmail: MIME in base64; 202 says that the mailbox took it.
"""

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import quote, urlsplit

from mailer.errors import (
    AccessDenied,
    CredentialsInvalid,
    InvalidMessage,
    OutcomeUnknown,
    QuotaExceeded,
    Refused,
    ResourceNotFound,
    TemporaryFailure,
    Throttled,
    TransportError,
    Unreachable,
)
from mailer.redaction import mask_all, raise_masked
from mailer.results import RecipientResult, Status
from mailer.transports.microsoft365 import Microsoft365Tokens
from mailer.transports.mime import message_id, mime
from mailer.transports.smtp import default_context
from mailer.transports.unsupported import refuse_unsupported
from mailer.wire.deadline import Deadline, Limits
from mailer.wire.errors import AnswerLost, NotWritten
from mailer.wire.http import Destination
from mailer.wire.pool import Pool

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

    from mailer.message import Message
    from mailer.transports.smtp import TokenSource
    from mailer.wire.http import Answer

ENDPOINT, SCOPE = "https://graph.microsoft.com", "https://graph.microsoft.com/.default"
LIMITS = Limits(connect=5.0, attempt=60.0)
# Bytes of a request to sendMail: https://learn.microsoft.com/graph/api/user-sendmail; larger ones need upload sessions.
MAX_BYTES = 4 * 1024 * 1024
_ACCEPTED, _UNAUTHORIZED = 202, 401


class Row(NamedTuple):
    """An answer, by HTTP status and Graph's code, and what it means. An empty code fits each."""

    status: int
    code: str
    error: type[TransportError]
    cause: str
    hint: str


_SETUP = "docs/guides/microsoft365.md#microsoft-graph"
# https://learn.microsoft.com/graph/errors, https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits
REPLIES = (
    Row(401, "", CredentialsInvalid, "Graph refuses the access token.", f"Check tenant and application: {_SETUP}"),
    Row(403, "ErrorSendAsDenied", AccessDenied, "The mailbox may not send as the From address.", "Grant it Send As."),
    Row(403, "", AccessDenied, "The application may not send as this mailbox.", f"Grant Mail.Send: {_SETUP}"),
    Row(404, "", ResourceNotFound, "There is no such mailbox.", "Check its address, and that it has a licence."),
    Row(413, "", Refused, "The message is larger than Graph allows.", "Send a link to the file instead."),
    Row(429, "", Throttled, "The mailbox sends more than Graph allows for now.", "Send more slowly."),
    Row(503, "", TemporaryFailure, "Graph is not available for now.", "It is tried again."),
)
LIMITS_REACHED = frozenset({"ErrorExceededMessageLimit", "ErrorMessageSubmissionBlocked", "ErrorQuotaExceeded"})


class GraphTransport:
    """A `mailer.transports.base.Transport` through Graph's `sendMail`.

    Args:
        mailbox: The address of the mailbox.
        tenant: The tenant's id or domain.
        client_id: The application's (client) id.
        client_secret: The value of a client secret, or a certificate as msal's `client_credential` takes it.
        tokens: Access tokens from elsewhere instead.
        ignore: See `SmtpTransport`.
        endpoint: The service's URL; national clouds have another.
        context: A TLS context that verifies certificates. Default: the system's authorities.
        limits: The time-outs of an attempt.
    """

    name = "graph"

    def __init__(  # noqa: PLR0913 - written out for help() and completion
        self,
        mailbox: str,
        *,
        tenant: str = "",
        client_id: str = "",
        client_secret: "str | Mapping[str, str]" = "",
        tokens: "TokenSource | None" = None,
        ignore: "Iterable[str]" = (),
        endpoint: str = ENDPOINT,
        context: "ssl.SSLContext | None" = None,
        limits: Limits | None = None,
    ) -> None:
        self._tokens = tokens or Microsoft365Tokens(tenant, client_id, client_secret, scope=SCOPE)
        self._ignored, self._limits = frozenset(ignore), limits or LIMITS
        self._path, self._host = f"/v1.0/users/{quote(mailbox, safe='@')}/sendMail", urlsplit(endpoint).netloc
        where = Destination(urlsplit(endpoint), None, context or default_context())
        self._pool = Pool(where, self._limits.connect)

    def send(self, message: "Message") -> tuple[RecipientResult, ...]:
        """See `Transport.send`. Graph takes a message for all its recipients or for none."""
        refuse_unsupported(message, "Graph", self._ignored)
        _check(message)
        body = b64encode(mime(message, date=datetime.now(UTC), identifier=message_id(message)))
        if len(body) > MAX_BYTES:
            raise Refused(
                f"The message is {len(body):,} bytes in base64; Graph takes {MAX_BYTES:,}.",
                hint="Send a link to the file instead, or use Microsoft365Transport.",
            )
        answer = self._post(body, self._tokens.token())
        if answer.status == _UNAUTHORIZED:
            answer = self._post(body, self._tokens.token(renew=True))
        if answer.status != _ACCEPTED:
            raise classify(answer)
        found = answer.headers.get("request-id", "")
        return tuple(RecipientResult(address, Status.SENT, found) for address in message.recipients)

    def close(self) -> None:
        """Close the open connections."""
        self._pool.close()

    def _post(self, body: bytes, token: str) -> "Answer":
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        deadline = Deadline(self._limits.attempt + len(body) / self._limits.bytes_a_second)
        try:
            return self._pool.exchange((head.encode("ascii") + body,), deadline)
        except NotWritten as error:
            problem = Unreachable("No connection to Graph, so nothing was sent.", hint="Check the network.")
            raise_masked(problem, error)
        except AnswerLost as error:
            lost = OutcomeUnknown(
                "The request was written and Graph's answer never came: the message may have been sent.",
                hint="Do not send it again blindly; look in the mailbox's Sent Items.",
            )
            raise_masked(lost, error)


def _check(message: "Message") -> None:
    """Graph reads the recipients from the headers, so these must name each of them, and nobody else."""
    if message.sender is None:
        raise InvalidMessage("The message has no sender.", hint="Set `sender`, or send it through a Mailer.")
    shown = (message.raw.to, message.raw.cc) if message.raw else (message.to, message.cc)
    if message.bcc or shown != (message.to, message.cc):
        raise InvalidMessage(
            "Graph cannot carry: bcc, or recipients that differ from the headers of raw MIME.",
            hint="Send one message to each recipient. Nothing was sent.",
        )


def classify(answer: "Answer") -> TransportError:
    """The error of ours that an answer is, with every address in Graph's words masked."""
    code, words = _error_of(answer.body)
    said = f"{answer.status} {code} {mask_all(words[:2_000])}".strip()
    if code in LIMITS_REACHED:
        return QuotaExceeded(f"The mailbox has used up its sending limit. {said}", hint="Wait.", code=code)
    for row in REPLIES:
        if row.status == answer.status and row.code in {"", code}:
            return row.error(f"{row.cause} {said}", hint=row.hint, code=code)
    if answer.status >= 500:  # noqa: PLR2004 - RFC 9110 §15.6
        hint = "Do not send it again blindly; look in the mailbox's Sent Items."
        return OutcomeUnknown(f"Graph failed while it handled the request. {said}", hint=hint, code=code)
    return Refused(f"Graph refuses the message. {said}", hint="Read Graph's answer; nothing was sent.", code=code)


def _error_of(body: bytes) -> tuple[str, str]:
    try:
        found = cast("object", json.loads(body or b"{}"))
    except ValueError:
        return "", body[:200].decode("utf-8", "replace")
    error = cast("dict[str, object]", found).get("error") if isinstance(found, dict) else None
    if not isinstance(error, dict):
        return "", ""
    named = cast("dict[str, object]", error)
    return str(named.get("code", "")), str(named.get("message", ""))
