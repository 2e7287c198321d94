"""Internal: templates for accounts, from the first mail to the last, and what keeps them safe."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import AwareDatetime, Field

from mailer.catalog.base import Code, Minutes, PersonTemplate, Ready, Title
from mailer.templates.secret import SecretUrl
from mailer.templates.url import Url

_HOUR, _DAY = 60, 24 * 60
_SECURITY = "https://app.example.com/security"
_WHEN = "2026-03-09T14:05:00Z"


class Welcome(PersonTemplate):
    """A welcome mail for a new account."""

    subject: ClassVar[str] = "{% trans %}Welcome to {{ brand }}{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}Your account is ready.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {"name": "Ada", "dashboard_url": "https://app.example.com/start"}

    dashboard_url: Url


class VerifyEmail(PersonTemplate):
    """A link that confirms an e-mail address."""

    subject: ClassVar[str] = "{% trans %}Confirm your e-mail address{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}One click, and your {{ brand }} account is ready.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {"name": "Ada", "verify_url": "https://app.example.com/verify/4cBq"}

    verify_url: SecretUrl
    expires_in_minutes: Minutes = 72 * _HOUR


class VerificationCode(Ready):
    """A one-time code. It comes first in the subject and stands alone, so that a phone shows it and fills it in."""

    subject: ClassVar[str] = "{% trans %}{{ code }} is your {{ brand }} code{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}Do not share it with anyone.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {"code": "424242"}

    code: Code
    expires_in_minutes: Minutes = 10


class MagicLink(PersonTemplate):
    """A link that signs in without a password."""

    subject: ClassVar[str] = "{% trans %}Your sign-in link for {{ brand }}{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}Do not forward it: it opens your account.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {"name": "Ada", "sign_in_url": "https://app.example.com/sign-in/4cBq"}

    sign_in_url: SecretUrl
    expires_in_minutes: Minutes = 15
    same_browser: bool = Field(default=False, description="Whether it works only in the browser that asked for it.")


class AccountExists(Ready):
    """Answers a sign-up with an address that has an account already. The page that was shown does not say so."""

    subject: ClassVar[str] = "{% trans %}You already have an account at {{ brand }}{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}Somebody tried to sign up with this address.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {"sign_in_url": "https://app.example.com/sign-in"}

    sign_in_url: Url | None = None


class NoAccount(Ready):
    """Answers a sign-in or password reset with an address that has no account."""

    subject: ClassVar[str] = "{% trans %}You have no account at {{ brand }}{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}Somebody tried to sign in with this address.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {"sign_up_url": "https://app.example.com/sign-up"}

    sign_up_url: Url | None = None


class PasswordReset(PersonTemplate):
    """A link to reset a password."""

    subject: ClassVar[str] = "{% trans %}Choose a new {{ brand }} password{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}If you did not ask for this, nothing changes.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {"name": "Ada", "reset_url": "https://app.example.com/reset/4cBq"}

    reset_url: SecretUrl
    expires_in_minutes: Minutes = _DAY


class PasswordChanged(PersonTemplate):
    """Tells the owner of an account that its password was changed."""

    subject: ClassVar[str] = "{% trans %}Your {{ brand }} password was changed{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}If this was not you, secure your account now.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {"name": "Ada", "changed_at": _WHEN, "security_url": _SECURITY}

    changed_at: AwareDatetime
    security_url: Url


class UsernameReminder(Ready):
    """The user names that belong to an address."""

    subject: ClassVar[str] = "{% trans %}Your {{ brand }} user name{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}You asked for a reminder.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "usernames": ["ada", "countess"],
        "sign_in_url": "https://app.example.com/sign-in",
    }

    usernames: tuple[Title, ...] = Field(min_length=1, max_length=20)
    sign_in_url: Url


class EmailChanged(PersonTemplate):
    """Tells both addresses that the address of an account was changed. The old one gets `undo_url`, too."""

    subject: ClassVar[str] = "{% trans %}Your {{ brand }} e-mail address was changed{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}If this was not you, secure your account now.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "old_address": "ada@example.com",
        "new_address": "ada@example.org",
        "changed_at": _WHEN,
        "undo_url": "https://app.example.com/undo/4cBq",
    }

    old_address: Title
    new_address: Title
    changed_at: AwareDatetime
    undo_url: SecretUrl | None = None


class NewSignIn(PersonTemplate):
    """Tells the owner of an account about a sign-in from a device that is not known."""

    subject: ClassVar[str] = "{% trans %}New sign-in to your {{ brand }} account{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}If this was you, there is nothing to do.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "signed_in_at": _WHEN,
        "device": "Firefox, Linux",
        "place": "Kathmandu, Nepal",
        "ip_address": "192.0.2.1",
        "security_url": _SECURITY,
    }

    signed_in_at: AwareDatetime
    device: Title = ""
    place: Title = ""
    ip_address: Title = ""
    security_url: Url


class TwoFactorChanged(PersonTemplate):
    """Tells the owner of an account that two-factor authentication was switched on or off."""

    subject: ClassVar[str] = (
        "{% if is_on %}{% trans %}Two-factor authentication is on{% endtrans %}"
        "{% else %}{% trans %}Two-factor authentication is off{% endtrans %}{% endif %}"
    )
    preheader: ClassVar[str] = "{% trans %}If this was not you, secure your account now.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "is_on": True,
        "changed_at": _WHEN,
        "security_url": _SECURITY,
    }

    is_on: bool
    changed_at: AwareDatetime
    security_url: Url


class DataExportReady(PersonTemplate):
    """A link to a copy of a person's data."""

    subject: ClassVar[str] = "{% trans %}Your {{ brand }} data is ready to download{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}The link works for a limited time.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "requested_at": _WHEN,
        "download_url": "https://app.example.com/export/4cBq",
    }

    requested_at: AwareDatetime
    download_url: SecretUrl
    expires_in_minutes: Minutes = 7 * _DAY


class AccountDeleted(PersonTemplate):
    """Confirms that an account was deleted. With `restore_url`, it can be restored for some time."""

    subject: ClassVar[str] = "{% trans %}Your {{ brand }} account was deleted{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}This is the last mail about it.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "deleted_at": _WHEN,
        "restore_url": "https://app.example.com/restore/4cBq",
        "restore_within_minutes": 30 * _DAY,
    }

    deleted_at: AwareDatetime
    restore_url: SecretUrl | None = None
    restore_within_minutes: Minutes = 30 * _DAY
