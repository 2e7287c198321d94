"""Internal: the mails of verification, by a small protocol, with defaults from the catalog."""

from typing import TYPE_CHECKING, Protocol

from mailer.catalog import AccountExists, MagicLink, NoAccount, PasswordReset, VerificationCode, VerifyEmail

if TYPE_CHECKING:
    from datetime import timedelta

    from mailer.mailer import Content
    from mailer.verification.policy import Purpose

# Purposes for which an account must exist; for others, an address that is not eligible has one.
_NEED_ACCOUNT = frozenset({"sign-in", "reset-password"})


class VerificationMails(Protocol):
    """The content of the mails."""

    def code(self, purpose: "Purpose", code: str, lifetime: "timedelta") -> "Content":
        """The mail with a code."""
        ...

    def link(self, purpose: "Purpose", url: str, lifetime: "timedelta") -> "Content":
        """The mail with a link."""
        ...

    def ineligible(self, purpose: "Purpose") -> "Content | None":
        """The mail to an address that is not eligible, which says so; None for no mail."""
        ...


class CatalogMails:
    """`VerificationMails` from `mailer.catalog`.

    Args:
        say_no_account: Whether an address without an account gets a mail which says so, where one is needed: for
            sign-in and password reset. By default it gets none: such addresses were often invented, and their bounces
            count against the sender.
        say_account_exists: Whether an address with an account gets a mail which says so, where it must have none: for
            sign-up, a change of address and purposes of your own.
        url: Where such a mail leads: the page to sign up or sign in. Default: nowhere.
    """

    def __init__(
        self, *, say_no_account: bool = False, say_account_exists: bool = True, url: str | None = None
    ) -> None:
        self._no_account, self._account_exists, self._url = say_no_account, say_account_exists, url

    def code(self, purpose: "Purpose", code: str, lifetime: "timedelta") -> "Content":  # noqa: ARG002
        """See `VerificationMails.code`."""
        return VerificationCode(code=code, expires_in_minutes=_minutes(lifetime))

    def link(self, purpose: "Purpose", url: str, lifetime: "timedelta") -> "Content":
        """See `VerificationMails.link`."""
        minutes = _minutes(lifetime)
        if purpose.name == "reset-password":
            return PasswordReset(reset_url=url, expires_in_minutes=minutes)
        if purpose.name == "sign-in":
            return MagicLink(sign_in_url=url, expires_in_minutes=minutes, same_browser=True)
        return VerifyEmail(verify_url=url, expires_in_minutes=minutes)

    def ineligible(self, purpose: "Purpose") -> "Content | None":
        """See `VerificationMails.ineligible`."""
        if purpose.name in _NEED_ACCOUNT:
            return NoAccount(sign_up_url=self._url) if self._no_account else None
        return AccountExists(sign_in_url=self._url) if self._account_exists else None


def _minutes(lifetime: "timedelta") -> int:
    return max(1, int(lifetime.total_seconds() // 60))
