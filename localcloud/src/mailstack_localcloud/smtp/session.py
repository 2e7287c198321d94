"""An SMTP connection: log-in, mails, SES's replies. aiosmtpd implements the protocol.

Imported with the first connection (`server`).
"""

import asyncio
import functools
import hmac
import logging
import re
from dataclasses import dataclass
from typing import Protocol

from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.faults.connection import reset
from mailstack_localcloud.faults.effects import InjectedError, perform
from mailstack_localcloud.faults.rules import Faults
from mailstack_localcloud.ses.context import Caller, Context, Parameters
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses.fault_target import SMTP_OPERATION
from mailstack_localcloud.ses.operations.sending import send
from mailstack_localcloud.ses.raw_sends import send_email_parameters
from mailstack_localcloud.ses.refusals import record_refusal
from mailstack_localcloud.ses.rendering import Filled
from mailstack_localcloud.smtp.credentials import smtp_password
from mailstack_localcloud.smtp.replies import reply

# https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html
UNAUTHENTICATED = "530 Authentication required"
WRONG_CREDENTIALS = "535 Authentication Credentials Invalid"
FAILED = "451 Temporary service failure"
# SES's words, for the null sender of a bounce, too.
INVALID_SENDER = "501 Invalid MAIL FROM address provided"
INVALID_RECIPIENT = "501 Invalid RCPT TO address provided"
_MAILBOX = re.compile(r"""("[ -~]+"|[!-~]+)@[!-~]+""")
_LOG = logging.getLogger(__name__)


class Login(Protocol):
    """The credentials that a client sent."""

    login: bytes
    password: bytes


class Envelope(Protocol):
    """A mail's envelope, as far as it is known."""

    mail_from: str | None
    mail_options: list[str]
    rcpt_tos: list[str]
    original_content: bytes | None


class Connected(Protocol):
    """The protocol's side of a connection."""

    transport: asyncio.BaseTransport | None


class Session(Protocol):
    """The state of a connection."""

    authenticated: bool | None
    auth_data: Login


@dataclass(frozen=True, slots=True)
class Mta:
    """The mail server, for all connections. aiosmtpd calls `handle_…` by name."""

    context: Context
    backend: Backend
    faults: Faults

    def may_log_in(self, login: Login) -> bool:
        """Whether user name and password are an access key and its SMTP password in this region."""
        secret = self.backend.access.secret_of(login.login.decode("utf-8", "replace"))
        expected = smtp_password(secret or "", self.context.state.region).encode()
        return hmac.compare_digest(expected, login.password) and secret is not None

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _: Connected, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """MAIL FROM."""
        if not session.authenticated:
            return UNAUTHENTICATED
        if not _MAILBOX.fullmatch(address):
            return INVALID_SENDER
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 Ok"

    async def handle_RCPT(  # noqa: N802
        self, _: Connected, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        """RCPT TO."""
        if not _MAILBOX.fullmatch(address):
            return INVALID_RECIPIENT
        envelope.rcpt_tos.append(address)
        return "250 Ok"

    async def handle_DATA(self, server: Connected, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The mail itself: through the faults in force to SES."""
        context = self.context.called_by(Caller(session.auth_data.login.decode()))
        answer = functools.partial(_send, context, envelope)
        fault = self.faults.choose(SMTP_OPERATION, envelope.rcpt_tos)
        if fault is None:
            return await answer()
        return await perform(fault, answer, _Client(server)) or ""

    async def handle_exception(self, error: Exception) -> str:
        """Our own error, which must not look like a refusal of SES; or a client that rejected our certificate."""
        from aiosmtpd.smtp import TLSSetupException

        if isinstance(error, TLSSetupException):
            return FAILED
        _LOG.error("SMTP failed", exc_info=error)
        return f"{FAILED}: the local cloud failed: {type(error).__name__}: {error}"


async def _send(context: Context, envelope: Envelope) -> str:
    p: Parameters = {}
    try:
        mail_from = envelope.mail_from or ""
        p = send_email_parameters(mail_from, envelope.rcpt_tos, envelope.original_content or b"")
        return f"250 Ok {await send(context, p, Filled(p['Content']), SMTP_OPERATION)}"
    except SesError as error:
        record_refusal(context.state, SMTP_OPERATION, p, error)
        return reply(error)


@dataclass(frozen=True, slots=True)
class _Client:
    """The client of an SMTP connection: an `effects.Client`."""

    server: Connected

    async def wait(self, seconds: float) -> None:
        """Wait; aiosmtpd ends this when the client hangs up."""
        await asyncio.sleep(seconds)

    def reset(self) -> None:
        """Hang up."""
        if self.server.transport:
            reset(self.server.transport)

    def refuse(self, error: InjectedError) -> str:
        """SES's reply for an error."""
        return reply(SesError.injected(error))

    def garble(self, answer: str, body: str | None) -> str:
        """A reply without its code, or another."""
        return answer[4:] if body is None else body
