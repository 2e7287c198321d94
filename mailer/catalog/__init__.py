"""Templates that are ready to use: a pydantic class and its files each, in English, Spanish and Nepali.

Each name is loaded when it is first used.
"""

from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailer.catalog.account import (
        AccountDeleted,
        AccountExists,
        DataExportReady,
        EmailChanged,
        MagicLink,
        NewSignIn,
        NoAccount,
        PasswordChanged,
        PasswordReset,
        TwoFactorChanged,
        UsernameReminder,
        VerificationCode,
        VerifyEmail,
        Welcome,
    )
    from mailer.catalog.billing import (
        InvoiceDue,
        LineItem,
        PaymentConfirmed,
        PaymentFailed,
        Receipt,
        SubscriptionCancelled,
        SubscriptionEnded,
        SubscriptionExpiring,
        SubscriptionStarted,
        SubscriptionUpdated,
        TrialEnding,
    )
    from mailer.catalog.collaboration import (
        CommentAdded,
        Digest,
        DigestEntry,
        Invitation,
        InvitationReminder,
        TaskReminder,
    )
    from mailer.catalog.moderation import (
        SubmissionApproved,
        SubmissionReceived,
        SubmissionRejected,
        SubmissionToReview,
    )
    from mailer.catalog.operations import (
        BounceDigest,
        Counts,
        DomainBounces,
        SendingReport,
        StreamCounts,
    )
    from mailer.catalog.watching import (
        Incident,
        Maintenance,
        StatusChanged,
    )
    from mailer.templates.base import EmailTemplate

    TEMPLATES: tuple[type[EmailTemplate], ...]

__all__ = [
    "TEMPLATES",
    "AccountDeleted",
    "AccountExists",
    "BounceDigest",
    "CommentAdded",
    "Counts",
    "DataExportReady",
    "Digest",
    "DigestEntry",
    "DomainBounces",
    "EmailChanged",
    "Incident",
    "Invitation",
    "InvitationReminder",
    "InvoiceDue",
    "LineItem",
    "MagicLink",
    "Maintenance",
    "NewSignIn",
    "NoAccount",
    "PasswordChanged",
    "PasswordReset",
    "PaymentConfirmed",
    "PaymentFailed",
    "Receipt",
    "SendingReport",
    "StatusChanged",
    "StreamCounts",
    "SubmissionApproved",
    "SubmissionReceived",
    "SubmissionRejected",
    "SubmissionToReview",
    "SubscriptionCancelled",
    "SubscriptionEnded",
    "SubscriptionExpiring",
    "SubscriptionStarted",
    "SubscriptionUpdated",
    "TaskReminder",
    "TrialEnding",
    "TwoFactorChanged",
    "UsernameReminder",
    "VerificationCode",
    "VerifyEmail",
    "Welcome",
]

# In the order in which they are listed.
_AREAS: dict[str, tuple[str, ...]] = {
    "account": (
        "Welcome",
        "VerifyEmail",
        "VerificationCode",
        "MagicLink",
        "AccountExists",
        "NoAccount",
        "PasswordReset",
        "PasswordChanged",
        "UsernameReminder",
        "EmailChanged",
        "NewSignIn",
        "TwoFactorChanged",
        "DataExportReady",
        "AccountDeleted",
    ),
    "billing": (
        "PaymentConfirmed",
        "Receipt",
        "PaymentFailed",
        "SubscriptionStarted",
        "SubscriptionUpdated",
        "SubscriptionCancelled",
        "SubscriptionEnded",
        "SubscriptionExpiring",
        "TrialEnding",
        "InvoiceDue",
    ),
    "collaboration": (
        "Invitation",
        "InvitationReminder",
        "CommentAdded",
        "Digest",
        "TaskReminder",
    ),
    "moderation": (
        "SubmissionReceived",
        "SubmissionToReview",
        "SubmissionApproved",
        "SubmissionRejected",
    ),
    "watching": (
        "StatusChanged",
        "Incident",
        "Maintenance",
    ),
    "operations": (
        "BounceDigest",
        "SendingReport",
    ),
}
# Parts of their fields.
_PARTS = {
    "StreamCounts": "operations",
    "DomainBounces": "operations",
    "Counts": "operations",
    "DigestEntry": "collaboration",
    "LineItem": "billing",
}
_HOME = {name: area for area, names in _AREAS.items() for name in names}

FOLDERS = tuple(Path(__file__).parent / area for area in _AREAS)


def __getattr__(name: str) -> object:
    from importlib import import_module

    value: object
    if name == "TEMPLATES":
        value = tuple(getattr(import_module(f"{__name__}.{area}"), one) for one, area in _HOME.items())
    elif area := _HOME.get(name) or _PARTS.get(name):
        value = getattr(import_module(f"{__name__}.{area}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
