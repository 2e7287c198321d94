"""Codes and links in a Django project: kept in its store, sent after the commit, in the user's language."""

from functools import cache
from typing import TYPE_CHECKING

from django.db import transaction

from mailer.address import Address
from mailer.catalog import VerifyEmail
from mailer.django.config import SETTING, config
from mailer.django.process import forget_with_mailer, get_mailer
from mailer.django.users import address_of, in_their_words, localized
from mailer.errors import ConfigurationError
from mailer.verification.delivery import BackgroundDelivery
from mailer.verification.mails import CatalogMails
from mailer.verification.policy import SIGN_UP
from mailer.verification.service import Verification

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from django.contrib.auth.base_user import AbstractBaseUser

    from mailer.mailer import Content
    from mailer.sending.many import Mail
    from mailer.verification.policy import Purpose
    from mailer.verification.results import Asked


def get_verification() -> Verification:
    """The codes and links of the setting `MAILSTACK`. Each process has one, which is created when first used.

    Its tokens are in the store of the setting. Its mails wait for the commit of the transaction that they were asked
    for in, and threads send them, or write them into the outbox. They are in the active language.

    Raises:
        ConfigurationError: The setting is wrong, or `MAILSTACK_VERIFICATION_KEYS` has no key.
    """
    return _created()


def send_verification(
    user: "AbstractBaseUser | str",
    *,
    client: str = "",
    browser: str = "",
    purpose: "Purpose" = SIGN_UP,
    url: str = "",
    mail: "Callable[[str], Content] | None" = None,
    ineligible_mail: "Content | None" = None,
) -> "Asked":
    """Send a user a link that verifies their address, in their language and time zone.

    The link is bound to the user: `use_link` returns the primary key as `account`. A new link replaces earlier ones.

    Args:
        user: The user; need not be active. Or an address whose owner may get no link: the same is done, with a link
            that nobody knows, so that the answer does not reveal who has an account.
        client: The IP address of the client that asks, for the limit per client.
        browser: See `Verification.send_link`.
        purpose: What the link is good for.
        url: The address of the page, with `{token}` in it. Default: `MAILSTACK["VERIFY_URL"]`.
        mail: The content of the mail for a link. Default: `mailer.catalog.VerifyEmail`.
        ineligible_mail: The mail to an address that stands alone, such as `mailer.catalog.AccountExists`. Default:
            none.

    Returns:
        Whether a limit is reached, and until when.

    Raises:
        ConfigurationError: There is no URL, or it is not https.
        InvalidMessage: The user has no address. `InvalidAddress` is a subclass.
        StoreError: The store cannot be reached. Nothing was sent.
    """
    found, owner = config(), None if isinstance(user, str) else user
    recipient = Address.parse(user) if isinstance(user, str) else address_of(user)
    name = str(getattr(owner, "get_short_name", str)())
    minutes = int(purpose.link_lifetime.total_seconds() // 60)

    def content(link: str) -> "Content":
        made = mail(link) if mail else VerifyEmail(name=name, verify_url=link, expires_in_minutes=minutes)
        return localized(made)

    with in_their_words(owner, found, "", None):
        return get_verification().send_link(
            purpose,
            recipient.email,
            url=url or found.verify_url or _missing_url(),
            client=client,
            browser=browser,
            account=str(owner.pk) if owner else "",
            eligible=owner is not None,
            mail=content,
            ineligible_mail=localized(ineligible_mail) if ineligible_mail else None,
        )


class AfterCommit:
    """A `Delivery` that waits for the commit of the transaction under way. A rollback sends nothing.

    Args:
        delivery: Sends the mails then.
        database: The alias of the database.
    """

    def __init__(self, delivery: BackgroundDelivery, database: str) -> None:
        self._delivery, self._database = delivery, database

    def deliver(self, mail: "Mail | None", *, expires_at: "datetime") -> None:
        """See `Delivery.deliver`. In a transaction, what it would raise is logged by Django after the commit."""
        connection = transaction.get_connection(self._database)
        if not connection.in_atomic_block:
            self._delivery.deliver(mail, expires_at=expires_at)
            return
        connection.on_commit(lambda: self._delivery.deliver(mail, expires_at=expires_at), robust=True)


class ActiveLanguageMails(CatalogMails):
    """`CatalogMails` in the active language and time zone."""

    def code(self, purpose: "Purpose", code: str, lifetime: "timedelta") -> "Content":
        """See `VerificationMails.code`."""
        return localized(super().code(purpose, code, lifetime))

    def link(self, purpose: "Purpose", url: str, lifetime: "timedelta") -> "Content":
        """See `VerificationMails.link`."""
        return localized(super().link(purpose, url, lifetime))

    def ineligible(self, purpose: "Purpose") -> "Content | None":
        """See `VerificationMails.ineligible`."""
        content = super().ineligible(purpose)
        return localized(content) if content else None


class _ProjectVerification(Verification):
    """Closes its delivery, which is its own."""

    def __init__(self, delivery: BackgroundDelivery, database: str, stream: str) -> None:
        super().__init__(
            get_mailer(),
            mails=ActiveLanguageMails(),
            delivery=AfterCommit(delivery, database),
            stream=stream or None,
        )
        self._sending = delivery

    def close(self) -> None:
        """Wait until the mails that were handed over are sent."""
        self._sending.close()


@cache
def _created() -> _ProjectVerification:
    found = config()
    return _ProjectVerification(BackgroundDelivery(get_mailer(), outbox=found.outbox), found.database, found.stream)


def _forget() -> None:
    if _created.cache_info().currsize:
        _created().close()
        _created.cache_clear()


def _missing_url() -> str:
    hint = f'Write {SETTING}["VERIFY_URL"] = "https://app.example.com/verify/{{token}}".'
    raise ConfigurationError("The address of the page behind verification links is not known.", hint=hint)


forget_with_mailer(_forget)
