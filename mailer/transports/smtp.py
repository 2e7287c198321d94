"""SMTP, to any server: one attempt to send one message. Not for replies (`smtp_replies`) and bytes (`smtp_connection`).

What may be sent again is decided by the moment: before the final dot anything may; after it a reply of 4xx may, one of
5xx is a refusal, and silence is unknown; after 250 the message is sent, whatever QUIT says.
"""

import base64
import hashlib
import hmac
import logging
import re
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from mailer.address import Address
from mailer.errors import ConfigurationError, InvalidMessage
from mailer.redaction import raise_masked
from mailer.results import RecipientResult, Status
from mailer.stack import tenant_name
from mailer.transports.mime import identifier_of, message_id, mime
from mailer.transports.ses import message_id_header, sent_tags
from mailer.transports.smtp_connection import Connection, Login, Lost, Moment, NoLogin, Server, SmtpRefusal, SmtpReply
from mailer.transports.smtp_pool import SmtpPool
from mailer.transports.smtp_replies import classify, classify_no_login, classify_silence
from mailer.transports.unsupported import IGNORABLE, refuse_unsupported
from mailer.wire.deadline import Deadline, Limits
from mailer.wire.forks import GATE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailer.message import Message
    from mailer.stack import StackOutputs
    from mailer.transports.smtp_connection import Delivery, Security

LIMITS = Limits(connect=10.0, attempt=60.0)
# RFC 5321 §4.5.3.2.6: the server has ten minutes for the reply to the final dot. A shorter time makes more `unknown`.
FINAL_REPLY = 600.0
# Seconds. Servers close what is idle: Postfix after 300 s, others sooner.
IDLE, AGE, COUNT = 20.0, 300.0, 100
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WRONG_TOKEN, _SHUTTING_DOWN = 535, 421
# The id by which the server's log knows the message, in the forms of SES, Postfix, Exim, Microsoft 365 and sendmail.
_QUEUE_ID = re.compile(r"(?:2\.\d\.\d )?(?:Ok:? queued as |OK id=|Ok |OK )?<?(?P<id>[^\s<>]+)>?", re.IGNORECASE)
# https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html#smtp-credentials-convert
_STEPS, _PASSWORD_VERSION = ("11111111", "{region}", "ses", "aws4_request", "SendRawEmail"), b"\x04"
log = logging.getLogger("mailer")


def default_context() -> ssl.SSLContext:
    """A TLS context that verifies certificates by the system's authorities."""
    with GATE.no_fork():  # reading certificates takes the locks of a handshake
        return ssl.create_default_context()


def _unused_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class TokenSource(Protocol):
    """Access tokens for XOAUTH2. Thread-safe."""

    def token(self, *, renew: bool = False) -> str:
        """A valid token; a new one if the last was refused.

        Raises:
            TransportError: There is none.
        """
        ...


class SmtpTransport:
    """A `mailer.transports.base.Transport` over SMTP.

    Args:
        host: The server's name, which its certificate must have.
        port: Default: 587, or 465 for `security="tls"`, or 25 for `"loopback"`.
        security: `starttls`, `tls` from the first byte, or `loopback`: no TLS and no login, on this machine alone.
        username: The user name.
        password: The password. SES: see `ses_smtp_password`.
        tokens: Access tokens instead of the password, for XOAUTH2.
        context: A TLS context that verifies certificates. Default: the system's authorities.
        ses: The stack, where the server is SES: stream, tags, tenant and options travel as headers that SES reads.
        ignore: Parts of messages to leave out rather than refuse: `tags`, `tenant`, `track_opens`, `track_clicks`.
        limits: The time-outs up to the final dot. Default: 10 s to connect, 60 s in all.
        final_reply: Seconds to wait for the reply to the final dot. Default: 600, as RFC 5321 has it.
        idle: Seconds after which an unused connection is replaced.
        age: Seconds after which a connection is replaced.
        messages_per_connection: Messages after which a connection is replaced.

    Raises:
        ConfigurationError: An argument is wrong, or would send a password without TLS.

    Example:
        >>> SmtpTransport("smtp.example.com", username="shop", password="x").name
        'smtp'
    """

    name = "smtp"

    def __init__(  # noqa: PLR0913 - written out for help() and completion
        self,
        host: str,
        port: int | None = None,
        *,
        security: "Security" = "starttls",
        username: str = "",
        password: str = "",
        tokens: TokenSource | None = None,
        context: ssl.SSLContext | None = None,
        ses: "StackOutputs | None" = None,
        ignore: "Iterable[str]" = (),
        limits: Limits | None = None,
        final_reply: float = FINAL_REPLY,
        idle: float = IDLE,
        age: float = AGE,
        messages_per_connection: int = COUNT,
    ) -> None:
        self._ignored = frozenset(ignore)
        _check(host, security, username, password, context, self._ignored, has_tokens=tokens is not None)
        ports = {"starttls": 587, "tls": 465, "loopback": 25}
        # The default loads every authority of the system, which a connection without TLS does not need.
        chosen = context or (_unused_context() if security == "loopback" else default_context())
        self._server = Server(host, port or ports[security], security, chosen)
        self._username, self._password, self._tokens = username, password, tokens
        self._ses, self._limits, self._final = ses, limits, final_reply
        self._pool = SmtpPool(idle=idle, age=age, count=messages_per_connection)

    @property
    def longest_attempt(self) -> float:
        """Seconds after which an attempt has ended, whatever the server does."""
        return 2 * (self._limits or LIMITS).attempt + self._final

    def send(self, message: "Message") -> tuple[RecipientResult, ...]:
        """See `Transport.send`. Each recipient has the server's reply of its own."""
        sender = _envelope_sender(message)
        refuse_unsupported(message, "SMTP", self._carried)
        if message.secret and self._ses:
            log.warning("Opens and clicks of a message with a secret may be tracked: SES has no header against it.")
        headers = ses_headers(message, self._ses) if self._ses else ()
        data = mime(message, date=datetime.now(UTC), identifier=message_id(message), headers=headers)
        recipients = [address.email for address in message.recipients]
        delivery = self._carry(sender, recipients, data)
        return self._results(message, delivery, identifier_of(data))

    def log_in(self) -> None:
        """Connect, encrypt, log in and leave, to see whether the server is ready. No mail is sent.

        Raises:
            TransportError: It is not: the class says why, as for a mail.
        """
        try:
            self._connect(self._limits or LIMITS).leave()
        except Lost as lost:
            raise_masked(classify_silence(lost), lost)
        except SmtpRefusal as refusal:
            raise_masked(classify(refusal.reply), refusal)
        except NoLogin as missing:
            raise_masked(classify_no_login(missing), missing)

    def close(self) -> None:
        """Close the open connections."""
        self._pool.close()

    @property
    def _carried(self) -> frozenset[str]:
        of_ses = ("tenant", "tags", "contact_list", "identity_arn", "feedback_identity_arn") if self._ses else ()
        return self._ignored | {"feedback_address", *of_ses}

    def _carry(self, sender: str, recipients: list[str], data: bytes) -> "Delivery":
        limits = self._limits or LIMITS
        try:
            kept = self._pool.take()
            if kept:
                kept.deadline = Deadline(limits.attempt + len(data) / limits.bytes_a_second)
                try:
                    with self._pool.using(kept):
                        return kept.carry(sender, recipients, data, self._final)
                except Lost as lost:
                    if lost.moment is Moment.AFTER:
                        raise
                except SmtpRefusal as refusal:  # RFC 5321 §3.8: it may say so at any time; before the dot it is nothing
                    if refusal.reply.code != _SHUTTING_DOWN or refusal.command == ".":
                        raise
            fresh = self._connect(limits)
            fresh.deadline = Deadline(limits.attempt + len(data) / limits.bytes_a_second)
            with self._pool.using(fresh):
                return fresh.carry(sender, recipients, data, self._final)
        except Lost as lost:
            raise_masked(classify_silence(lost), lost)
        except SmtpRefusal as refusal:
            raise_masked(classify(refusal.reply), refusal)
        except NoLogin as missing:
            raise_masked(classify_no_login(missing), missing)

    def _connect(self, limits: Limits) -> Connection:
        """Open a connection. A token that is refused is renewed once."""
        try:
            return Connection(self._server, self._login(), Deadline(limits.attempt).within(3 * limits.connect))
        except SmtpRefusal as refusal:
            if not self._tokens or refusal.command != "AUTH" or refusal.reply.code != _WRONG_TOKEN:
                raise
        return Connection(self._server, self._login(renew=True), Deadline(limits.attempt).within(3 * limits.connect))

    def _login(self, *, renew: bool = False) -> Login | None:
        if self._tokens:
            return Login(self._username, self._tokens.token(renew=renew), is_token=True)
        return Login(self._username, self._password) if self._username else None

    def _results(self, message: "Message", delivery: "Delivery", header: str) -> tuple[RecipientResult, ...]:
        errors = {email: classify(reply) for email, reply in delivery.refused.items()}
        if len(errors) == len(message.recipients) and all(error.retryable for error in errors.values()):
            raise next(iter(errors.values()))  # nobody got it, and a retry may reach everybody
        found = queue_id(delivery.reply)
        if self._ses:
            header = message_id_header(found, self._ses.region)
        return tuple(
            RecipientResult.of_error(address, errors[address.email])
            if address.email in errors
            else RecipientResult(address, Status.SENT, found, message_id_header=header)
            for address in message.recipients
        )


def _check(
    host: str,
    security: str,
    username: str,
    password: str,
    context: ssl.SSLContext | None,
    ignored: frozenset[str],
    *,
    has_tokens: bool,
) -> None:
    verifies = context is None or (context.check_hostname and context.verify_mode == ssl.CERT_REQUIRED)
    has_login = bool(username or password or has_tokens)
    unknown = ", ".join(sorted(ignored - IGNORABLE))
    local = security == "loopback"
    checks = (
        (not host, "host is empty", "Pass the server's name."),
        (security not in {"starttls", "tls", "loopback"}, f"security is {security!r}", 'Use "starttls" or "tls".'),
        (not verifies, "the TLS context does not verify certificates", "Use ssl.create_default_context(cafile=...)."),
        (local and host not in _LOOPBACK, f'security="loopback" is for this machine, not {host}', 'Use "starttls".'),
        (local and has_login, "a login without TLS would show the password", 'Use "starttls" or "tls".'),
        (bool(password) and has_tokens, "both password and tokens are given", "Pass one of them."),
        (bool(username) != bool(password or has_tokens), "username and password need each other", "Pass both."),
        (bool(unknown), f"ignore cannot contain {unknown}", f"It may contain {', '.join(sorted(IGNORABLE))}."),
    )
    for wrong, problem, hint in checks:
        if wrong:
            raise ConfigurationError(f"SmtpTransport: {problem}.", hint=hint)


def _envelope_sender(message: "Message") -> str:
    """Where bounces go: `SendOptions.feedback_address`, else the From address."""
    if message.sender is None:
        raise InvalidMessage("The message has no sender.", hint="Set `sender`, or send it through a Mailer.")
    feedback = message.options.feedback_address
    return feedback.email if isinstance(feedback, Address) else message.sender.email


def queue_id(reply: SmtpReply) -> str:
    """The id in the final 250; the reply's words where there is none.

    Example:
        >>> queue_id(SmtpReply(250, "2.0.0 Ok: queued as 4XYZ12")), queue_id(SmtpReply(250, "Ok 0100-example"))
        ('4XYZ12', '0100-example')
    """
    found = _QUEUE_ID.match(reply.words)
    return found["id"][:200] if found else ""


def ses_headers(message: "Message", outputs: "StackOutputs") -> tuple[tuple[str, str], ...]:
    """What SES reads of a message over SMTP, and removes: https://docs.aws.amazon.com/ses/latest/dg/header-fields.html.

    Example:
        >>> from mailer.message import Message
        >>> from mailer.testing.outputs import stack_outputs
        >>> message = Message(subject="a", text="b", to="ada@example.com", stream="news", tags={"campaign": "may"})
        >>> ses_headers(message, stack_outputs("dev", streams=("transactional", "news")))[0]
        ('X-SES-CONFIGURATION-SET', 'mailstack-dev-news')
    """
    options = message.options
    listed = f"{options.contact_list}; topic={options.topic}" if options.topic else options.contact_list
    found = (
        ("X-SES-CONFIGURATION-SET", outputs.streams[message.stream].configuration_set),
        ("X-SES-MESSAGE-TAGS", ", ".join(f"{name}={value}" for name, value in sent_tags(message))),
        ("X-SES-TENANT", tenant_name(outputs.stack, message.tenant) if message.tenant else ""),
        ("X-SES-SOURCE-ARN", options.identity_arn),
        ("X-SES-RETURN-PATH-ARN", options.feedback_identity_arn),
        ("X-SES-LIST-MANAGEMENT-OPTIONS", listed),
    )
    return tuple((name, value) for name, value in found if value)


def ses_smtp_password(secret_access_key: str, region: str) -> str:
    """The SMTP password of an access key in a region, as AWS derives it. The user name is the access key's id.

    Example:
        >>> ses_smtp_password("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "eu-west-1")[:1]
        'B'
    """
    signature = f"AWS4{secret_access_key}".encode()
    for step in _STEPS:
        signature = hmac.new(signature, step.format(region=region).encode(), hashlib.sha256).digest()
    return base64.b64encode(_PASSWORD_VERSION + signature).decode()
