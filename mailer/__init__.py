"""Send mail from Python on Amazon SES.

The public names are those in `__all__`, the templates of `mailer.catalog`, the fixtures of `mailer.testing`, and the
names in `__all__` of `mailer.asgi`, `mailer.django`, `mailer.verification` and `mailer.webhooks`. Every other module is
internal and may change in any release.

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
        CertificateUnavailable,
        ClaimLost,
        ClockSkewed,
        CommandFailed,
        ConfigurationError,
        CredentialsInvalid,
        CredentialsMissing,
        CredentialsUnavailable,
        HookFailed,
        IdempotencyConflict,
        IdentityNotVerified,
        InvalidAddress,
        InvalidMessage,
        InvalidMessageId,
        InvalidUnsubscribeToken,
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
        SnsMessageRefused,
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
    from mailer.observability.feedback import FeedbackCollector
    from mailer.observability.opentelemetry import OpenTelemetryHook
    from mailer.observability.outbox import OutboxCollector
    from mailer.observability.prometheus import PrometheusHook
    from mailer.options import SendOptions
    from mailer.outbox.on_celery import celery_relay
    from mailer.outbox.on_django_tasks import wake_django_relay
    from mailer.outbox.on_procrastinate import procrastinate_relay
    from mailer.outbox.policy import OutboxPolicy
    from mailer.outbox.relay import OutboxRelay
    from mailer.results import NotSent, RecipientResult, SendResult, Status
    from mailer.sending.hooks import SendHook
    from mailer.sending.limiter import RateLimit
    from mailer.sending.many import Mail, MailResult
    from mailer.sending.outcome import MailState, MessageOutcome, RecipientOutcome
    from mailer.sending.recipient_guard import RecipientGuard
    from mailer.sending.retry import RetryPolicy
    from mailer.stack import DnsRecord, StackOutputs, Stream, load, tenant_name
    from mailer.stores.base import PutOutcome, Suppression, SuppressionStore
    from mailer.stores.cache import CachedSuppressions
    from mailer.stores.dynamodb.messages import DynamoDBMessageLog
    from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
    from mailer.stores.dynamodb.table import dynamodb_api
    from mailer.stores.messages import LogEntry, MessageLog
    from mailer.stores.outbox import OutboxCount, OutboxMail, OutboxStatus
    from mailer.stores.sql.outbox import SqlOutbox
    from mailer.stores.sql.stores import SqlStores
    from mailer.templates.base import EmailTemplate
    from mailer.templates.brand import Brand, BrandLink, DarkColours
    from mailer.templates.money import Money
    from mailer.templates.secret import SecretText, SecretUrl
    from mailer.templates.url import Url
    from mailer.transports.base import Transport
    from mailer.transports.failover import BreakerChange, BreakerPolicy, Failover, Split
    from mailer.transports.graph import GraphTransport
    from mailer.transports.microsoft365 import Microsoft365Tokens, Microsoft365Transport
    from mailer.transports.ses import SesTransport
    from mailer.transports.smtp import SmtpTransport, ses_smtp_password
    from mailer.unsubscribe import Unsubscribe, Unsubscription
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
    "BrandLink",
    "BreakerChange",
    "BreakerPolicy",
    "CachedSuppressions",
    "CertificateUnavailable",
    "ClaimLost",
    "ClockSkewed",
    "CommandFailed",
    "ConfigurationError",
    "CredentialsInvalid",
    "CredentialsMissing",
    "CredentialsUnavailable",
    "DarkColours",
    "DnsRecord",
    "DynamoDBMessageLog",
    "DynamoDBSuppressions",
    "EmailTemplate",
    "Failover",
    "FeedbackCollector",
    "GraphTransport",
    "HookFailed",
    "IdempotencyConflict",
    "IdentityNotVerified",
    "InvalidAddress",
    "InvalidMessage",
    "InvalidMessageId",
    "InvalidUnsubscribeToken",
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
    "Money",
    "NotSent",
    "OpenTelemetryHook",
    "OutboxCollector",
    "OutboxCount",
    "OutboxMail",
    "OutboxPolicy",
    "OutboxRelay",
    "OutboxStatus",
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
    "SnsMessageRefused",
    "Split",
    "SqlOutbox",
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
    "Unsubscribe",
    "Unsubscription",
    "Url",
    "celery_relay",
    "dynamodb_api",
    "load",
    "procrastinate_relay",
    "ses_smtp_password",
    "tenant_name",
    "wake_django_relay",
]

_HOME = {
    "Access": "wire.access",
    "AccessDenied": "errors",
    "AccountSuspended": "errors",
    "Address": "address",
    "Attachment": "attachment",
    "BatchFailed": "errors",
    "Brand": "templates.brand",
    "BrandLink": "templates.brand",
    "BreakerChange": "transports.failover",
    "BreakerPolicy": "transports.failover",
    "CachedSuppressions": "stores.cache",
    "CertificateUnavailable": "errors",
    "ClaimLost": "errors",
    "ClockSkewed": "errors",
    "CommandFailed": "errors",
    "ConfigurationError": "errors",
    "CredentialsInvalid": "errors",
    "CredentialsMissing": "errors",
    "CredentialsUnavailable": "errors",
    "DarkColours": "templates.brand",
    "DnsRecord": "stack",
    "DynamoDBMessageLog": "stores.dynamodb.messages",
    "DynamoDBSuppressions": "stores.dynamodb.suppressions",
    "EmailTemplate": "templates.base",
    "Failover": "transports.failover",
    "FeedbackCollector": "observability.feedback",
    "GraphTransport": "transports.graph",
    "HookFailed": "errors",
    "IdempotencyConflict": "errors",
    "IdentityNotVerified": "errors",
    "InvalidAddress": "errors",
    "InvalidMessage": "errors",
    "InvalidMessageId": "errors",
    "InvalidUnsubscribeToken": "errors",
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
    "Money": "templates.money",
    "NotSent": "results",
    "OpenTelemetryHook": "observability.opentelemetry",
    "OutboxCollector": "observability.outbox",
    "OutboxCount": "stores.outbox",
    "OutboxMail": "stores.outbox",
    "OutboxPolicy": "outbox.policy",
    "OutboxRelay": "outbox.relay",
    "OutboxStatus": "stores.outbox",
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
    "SnsMessageRefused": "errors",
    "Split": "transports.failover",
    "SqlOutbox": "stores.sql.outbox",
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
    "Unsubscribe": "unsubscribe",
    "Unsubscription": "unsubscribe",
    "Url": "templates.url",
    "celery_relay": "outbox.on_celery",
    "dynamodb_api": "stores.dynamodb.table",
    "load": "stack",
    "procrastinate_relay": "outbox.on_procrastinate",
    "ses_smtp_password": "transports.smtp",
    "tenant_name": "stack",
    "wake_django_relay": "outbox.on_django_tasks",
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
