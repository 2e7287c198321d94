"""Send mail from Python on Amazon SES.

The public names are those in `__all__`, the templates of `mailer.catalog` and the fixtures of `mailer.testing`. Every
other module is internal and may change in any release.

This module imports nothing else: each name is loaded when it is first used.
"""

# Type checkers take a variable of this name as true. Importing `typing` for it would be most of `import mailer`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailer.address import Address
    from mailer.attachment import Attachment
    from mailer.content import RawMime, StoredTemplate
    from mailer.errors import (
        AccessDenied,
        AccountSuspended,
        BatchFailed,
        ClockSkewed,
        ConfigurationError,
        CredentialsInvalid,
        CredentialsMissing,
        CredentialsUnavailable,
        IdempotencyConflict,
        IdentityNotVerified,
        InvalidAddress,
        InvalidMessage,
        InvalidMessageId,
        MailerError,
        MalformedEvent,
        OutcomeExpired,
        OutcomeUnknown,
        QuotaExceeded,
        RateExceeded,
        RecipientNotAllowed,
        Refused,
        ResourceNotFound,
        ResumeFailed,
        SendingPaused,
        StackNotFound,
        StackOutputsInvalid,
        StoreError,
        TemplateError,
        TemplateFieldsInvalid,
        TemporaryFailure,
        Throttled,
        TransportError,
        UnknownStream,
        Unreachable,
    )
    from mailer.mailer import Mailer
    from mailer.message import Message
    from mailer.observability.opentelemetry import OpenTelemetryHook
    from mailer.observability.prometheus import PrometheusHook
    from mailer.options import SendOptions
    from mailer.results import NotSent, RecipientResult, SendResult, Status
    from mailer.sending.hooks import SendHook
    from mailer.sending.limiter import RateLimit
    from mailer.sending.many import Mail, MailResult
    from mailer.sending.outcome import MailState, MessageOutcome, RecipientOutcome
    from mailer.sending.recipient_guard import RecipientGuard
    from mailer.sending.retry import RetryPolicy
    from mailer.stack import DnsRecord, StackOutputs, Stream, load, tenant_name
    from mailer.stores.base import PutOutcome, Suppression, SuppressionStore
    from mailer.stores.dynamodb.messages import DynamoDBMessageLog
    from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
    from mailer.stores.dynamodb.table import dynamodb_api
    from mailer.stores.messages import LogEntry, MessageLog
    from mailer.stores.sql.stores import SqlStores
    from mailer.templates.base import EmailTemplate
    from mailer.templates.brand import Brand
    from mailer.templates.secret import SecretText, SecretUrl
    from mailer.templates.url import Url
    from mailer.transports.base import Transport
    from mailer.transports.failover import BreakerPolicy, Failover, Split
    from mailer.transports.graph import GraphTransport
    from mailer.transports.microsoft365 import Microsoft365Tokens, Microsoft365Transport
    from mailer.transports.ses import SesTransport
    from mailer.transports.smtp import SmtpTransport, ses_smtp_password
    from mailer.wire.access import Access
    from mailer.wire.deadline import Limits

__all__ = [
    "Access",
    "AccessDenied",
    "AccountSuspended",
    "Address",
    "Attachment",
    "BatchFailed",
    "Brand",
    "BreakerPolicy",
    "ClockSkewed",
    "ConfigurationError",
    "CredentialsInvalid",
    "CredentialsMissing",
    "CredentialsUnavailable",
    "DnsRecord",
    "DynamoDBMessageLog",
    "DynamoDBSuppressions",
    "EmailTemplate",
    "Failover",
    "GraphTransport",
    "IdempotencyConflict",
    "IdentityNotVerified",
    "InvalidAddress",
    "InvalidMessage",
    "InvalidMessageId",
    "Limits",
    "LogEntry",
    "Mail",
    "MailResult",
    "MailState",
    "Mailer",
    "MailerError",
    "MalformedEvent",
    "Message",
    "MessageLog",
    "MessageOutcome",
    "Microsoft365Tokens",
    "Microsoft365Transport",
    "NotSent",
    "OpenTelemetryHook",
    "OutcomeExpired",
    "OutcomeUnknown",
    "PrometheusHook",
    "PutOutcome",
    "QuotaExceeded",
    "RateExceeded",
    "RateLimit",
    "RawMime",
    "RecipientGuard",
    "RecipientNotAllowed",
    "RecipientOutcome",
    "RecipientResult",
    "Refused",
    "ResourceNotFound",
    "ResumeFailed",
    "RetryPolicy",
    "SecretText",
    "SecretUrl",
    "SendHook",
    "SendOptions",
    "SendResult",
    "SendingPaused",
    "SesTransport",
    "SmtpTransport",
    "Split",
    "SqlStores",
    "StackNotFound",
    "StackOutputs",
    "StackOutputsInvalid",
    "Status",
    "StoreError",
    "StoredTemplate",
    "Stream",
    "Suppression",
    "SuppressionStore",
    "TemplateError",
    "TemplateFieldsInvalid",
    "TemporaryFailure",
    "Throttled",
    "Transport",
    "TransportError",
    "UnknownStream",
    "Unreachable",
    "Url",
    "dynamodb_api",
    "load",
    "ses_smtp_password",
    "tenant_name",
]

_HOME = {
    "Access": "wire.access",
    "AccessDenied": "errors",
    "AccountSuspended": "errors",
    "Address": "address",
    "Attachment": "attachment",
    "BatchFailed": "errors",
    "Brand": "templates.brand",
    "BreakerPolicy": "transports.failover",
    "ClockSkewed": "errors",
    "ConfigurationError": "errors",
    "CredentialsInvalid": "errors",
    "CredentialsMissing": "errors",
    "CredentialsUnavailable": "errors",
    "DnsRecord": "stack",
    "DynamoDBMessageLog": "stores.dynamodb.messages",
    "DynamoDBSuppressions": "stores.dynamodb.suppressions",
    "EmailTemplate": "templates.base",
    "Failover": "transports.failover",
    "GraphTransport": "transports.graph",
    "IdempotencyConflict": "errors",
    "IdentityNotVerified": "errors",
    "InvalidAddress": "errors",
    "InvalidMessage": "errors",
    "InvalidMessageId": "errors",
    "Limits": "wire.deadline",
    "LogEntry": "stores.messages",
    "Mail": "sending.many",
    "MailResult": "sending.many",
    "MailState": "sending.outcome",
    "Mailer": "mailer",
    "MailerError": "errors",
    "MalformedEvent": "errors",
    "Message": "message",
    "MessageLog": "stores.messages",
    "MessageOutcome": "sending.outcome",
    "Microsoft365Tokens": "transports.microsoft365",
    "Microsoft365Transport": "transports.microsoft365",
    "NotSent": "results",
    "OpenTelemetryHook": "observability.opentelemetry",
    "OutcomeExpired": "errors",
    "OutcomeUnknown": "errors",
    "PrometheusHook": "observability.prometheus",
    "PutOutcome": "stores.base",
    "QuotaExceeded": "errors",
    "RateExceeded": "errors",
    "RateLimit": "sending.limiter",
    "RawMime": "content",
    "RecipientGuard": "sending.recipient_guard",
    "RecipientNotAllowed": "errors",
    "RecipientOutcome": "sending.outcome",
    "RecipientResult": "results",
    "Refused": "errors",
    "ResourceNotFound": "errors",
    "ResumeFailed": "errors",
    "RetryPolicy": "sending.retry",
    "SecretText": "templates.secret",
    "SecretUrl": "templates.secret",
    "SendHook": "sending.hooks",
    "SendOptions": "options",
    "SendResult": "results",
    "SendingPaused": "errors",
    "SesTransport": "transports.ses",
    "SmtpTransport": "transports.smtp",
    "Split": "transports.failover",
    "SqlStores": "stores.sql.stores",
    "StackNotFound": "errors",
    "StackOutputs": "stack",
    "StackOutputsInvalid": "errors",
    "Status": "results",
    "StoreError": "errors",
    "StoredTemplate": "content",
    "Stream": "stack",
    "Suppression": "stores.base",
    "SuppressionStore": "stores.base",
    "TemplateError": "errors",
    "TemplateFieldsInvalid": "errors",
    "TemporaryFailure": "errors",
    "Throttled": "errors",
    "Transport": "transports.base",
    "TransportError": "errors",
    "UnknownStream": "errors",
    "Unreachable": "errors",
    "Url": "templates.url",
    "dynamodb_api": "stores.dynamodb.table",
    "load": "stack",
    "ses_smtp_password": "transports.smtp",
    "tenant_name": "stack",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        _warn_of_collision(name)
        raise AttributeError(f"module 'mailer' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"mailer.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def _warn_of_collision(name: str) -> None:
    """A name that we do not have may be one of django-mailer, whose package we have overwritten."""
    if name.startswith("_"):  # Python and tools look for these
        return
    from mailer.collision import HINT, WORDS, is_installed

    if is_installed():
        from warnings import warn

        warn(f"{WORDS} {HINT}", RuntimeWarning, stacklevel=3)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
