"""Issues codes and links and says whether they are valid. Not for pages: see `mailer.verification.pages`.

What an answer takes does not depend on whether the address is eligible: a token is written for every address, and an
ineligible one gets a token that nobody knows.
"""

import base64
import binascii
import hmac
import logging
import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.address import Address
from mailer.errors import ConfigurationError
from mailer.sending.many import Mail
from mailer.stores.base import utcnow
from mailer.stores.tokens import Token, TokenEvent
from mailer.unchanged import UNCHANGED
from mailer.verification.clients import client_key
from mailer.verification.delivery import BackgroundDelivery
from mailer.verification.keys import VerificationKeys
from mailer.verification.policy import CODE_DIGITS, SKEW, Limits
from mailer.verification.results import Asked, Checked, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from mailer.mailer import Content, Mailer
    from mailer.stores.tokens import Kind, Limit, TokenStore, UsedBy
    from mailer.unchanged import Unchanged
    from mailer.verification.delivery import Delivery
    from mailer.verification.keys import VerificationKey
    from mailer.verification.mails import VerificationMails
    from mailer.verification.policy import Purpose

log = logging.getLogger("mailer")
# Bytes of a link: what it is found by, and its secret.
_ID_BYTES, _SECRET_BYTES = 16, 24
_LINK = re.compile(r"[A-Za-z0-9_-]{54}\Z")
_CODE = re.compile(rf"[0-9]{{{CODE_DIGITS}}}\Z")
# A browser's secret of fewer characters could be guessed.
_BROWSER_LENGTH = 16
_PLACE = "{token}"


class Verification:
    """Codes and links that prove that a person reads an address. Threads may share it.

    Args:
        mailer: Sends the mails.
        store: Where tokens are kept: `SqlStores.tokens`, `DynamoDBTokens`, or `MemoryTokens` for one process. Default:
            the store of the mailer, `mailer.tokens`.
        keys: The server's keys. Default: those of `MAILSTACK_VERIFICATION_KEYS`.
        mails: The content of the mails. Default: `CatalogMails()`.
        delivery: How mails are handed over. Default: `BackgroundDelivery(mailer)`.
        limits: How often tokens may be asked for and tried.
        stream: The stream of the mails. Default: the stack's default stream.
        skew: By how much the clocks of servers may differ.
        clock: The time now, with a zone.

    Raises:
        ConfigurationError: There is no key, or a key is wrong.
    """

    def __init__(  # noqa: PLR0913 - the parts of verification, written out for help() and completion
        self,
        mailer: "Mailer",
        *,
        store: "TokenStore | None" = None,
        keys: VerificationKeys | None = None,
        mails: "VerificationMails | None" = None,
        delivery: "Delivery | None" = None,
        limits: Limits | None = None,
        stream: str | None = None,
        skew: "timedelta" = SKEW,
        clock: "Callable[[], datetime]" = utcnow,
    ) -> None:
        self._store = mailer.tokens if store is None else store
        self._keys = keys or VerificationKeys.from_environment()
        self._mails = mails or _catalog_mails()
        self._own_delivery = None
        if delivery is None:
            self._own_delivery = delivery = BackgroundDelivery(mailer)
        self._delivery = delivery
        self._limits, self._stream, self._skew, self._clock = limits or Limits(), stream, skew, clock

    def send_code(
        self,
        purpose: "Purpose",
        address: str,
        *,
        browser: str = "",
        client: str = "",
        account: str = "",
        eligible: bool = True,
        mail: "Callable[[str], Content] | None" = None,
        ineligible_mail: "Content | Unchanged | None" = UNCHANGED,
    ) -> Asked:
        """Send a code of six digits. It replaces the one that the same browser asked for before.

        Args:
            purpose: What the code is good for.
            address: Where it is sent.
            browser: The secret of the browser that asks: what `new_browser_secret` made and a cookie keeps. The code
                is refused from any other browser. Leave it out where there is no browser.
            client: The IP address of the client, or the id of its device, for the limit per client.
            account: What to bind the code to, such as a user's id. `check_code` returns it.
            eligible: Whether the address may get a code: for sign-in and password reset, whether it has an account;
                for sign-up, whether it has none. If not, the same is done, and no code is valid.
            mail: The content of the mail for a code. Default: that of `mails`.
            ineligible_mail: The mail to an address that is not eligible; None for no mail. Default: that of `mails`.

        Returns:
            The same answer for every address.

        Raises:
            InvalidAddress: No mail can be sent to the address.
            StoreError: The store cannot be reached. Nothing was sent.
        """
        request = _Request(purpose, _bare(address), _checked_browser(browser), client, account, eligible)
        if refused := self._refused(request, self._clock()):
            return Asked(refused)
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        ids = [key.mac("code", purpose.name, request.address.key, browser).hex() for key in self._keys.keys]
        expires_at = self._put(request, "code", ids, code)
        content = mail(code) if mail else self._mails.code(purpose, code, purpose.code_lifetime)
        self._deliver(request, content, ineligible_mail, expires_at)
        return Asked()

    def send_link(  # noqa: PLR0913 - written out for help() and completion
        self,
        purpose: "Purpose",
        address: str,
        *,
        url: str,
        browser: str = "",
        client: str = "",
        account: str = "",
        eligible: bool = True,
        mail: "Callable[[str], Content] | None" = None,
        ineligible_mail: "Content | Unchanged | None" = UNCHANGED,
    ) -> Asked:
        """Send a link. It replaces the one that the same browser asked for; with `account`, that of the account.

        A link of a purpose without `other_browsers` replaces that of the same browser only.

        Args:
            purpose: What the link is good for.
            address: Where it is sent.
            url: The address of the page, with `{token}` in it. https, unless the host is this machine.
            browser: As for `send_code`. `Purpose` says what another browser may do with the link.
            client: As for `send_code`.
            account: As for `send_code`.
            eligible: As for `send_code`.
            mail: The content of the mail for a link. Default: that of `mails`.
            ineligible_mail: As for `send_code`.

        Returns:
            The same answer for every address.

        Raises:
            ConfigurationError: The URL has no place for the token, or is not https.
            InvalidAddress: No mail can be sent to the address.
            StoreError: The store cannot be reached. Nothing was sent.
        """
        check_url(url)
        request = _Request(purpose, _bare(address), _checked_browser(browser), client, account, eligible)
        if refused := self._refused(request, self._clock()):
            return Asked(refused)
        # A link that one browser alone may use is not replaced by those of others, which an attacker may ask for.
        is_shared = account and purpose.other_browsers
        owner = ("account", account) if is_shared else ("address", request.address.key, browser)
        ids = [key.mac("link", purpose.name, *owner)[:_ID_BYTES].hex() for key in self._keys.keys]
        secret = secrets.token_bytes(_SECRET_BYTES)
        expires_at = self._put(request, "link", ids, secret.hex())
        link = url.replace(_PLACE, base64.urlsafe_b64encode(bytes.fromhex(ids[0]) + secret).decode().rstrip("="))
        content = mail(link) if mail else self._mails.link(purpose, link, purpose.link_lifetime)
        self._deliver(request, content, ineligible_mail, expires_at)
        return Asked()

    def check_code(
        self, purpose: "Purpose", address: str, code: str, *, browser: str = "", client: str = ""
    ) -> Checked:
        """Check a code and use it. Every call is an attempt; a text that is not six digits is none.

        Args:
            purpose: What the code must be good for.
            address: The address that it was sent to.
            code: What the person entered; spaces and hyphens are ignored.
            browser: The browser's secret, if `send_code` was given one.
            client: As for `send_code`.

        Returns:
            `ok` is true for one call only. Nothing else tells whether the address is eligible.

        Raises:
            InvalidAddress: It is no address.
            StoreError: The store cannot be reached. Whether the code was used is not known.
        """
        key, now, entered = _bare(address).key, self._clock(), _entered(code)
        if not _CODE.match(entered):
            return Checked(Outcome.WRONG, purpose.name)
        who, limit = client_key(client), self._limits.attempts_per_client
        if who and (refused := self._taken("attempts", who, limit, now)):
            return Checked(Outcome.LIMITED, purpose.name, retry_at=refused)
        token = self._attempted(purpose, key, browser)
        outcome = self._outcome_of_code(token, purpose, now, matches=self._matches(token, entered))
        if token and outcome is Outcome.READY:
            return self._use(token, purpose, now, "asking")
        if token and outcome is not Outcome.REPEATED and token.attempts <= purpose.attempts:  # no endless audit
            self._store.record(TokenEvent.of(token, "failed", now, outcome.value))
        left = purpose.attempts - token.attempts if token and outcome is Outcome.WRONG else 0
        return Checked(outcome, purpose.name, attempts_left=left)

    def look_at_link(self, purpose: "Purpose", token: str, *, browser: str = "") -> Checked:
        """What `use_link` would do. It changes nothing: answer GET and HEAD with it.

        Args:
            purpose: What the link must be good for.
            token: The token of the link.
            browser: The browser's secret; empty without a cookie.

        Returns:
            `READY` if `use_link` would accept it.

        Raises:
            StoreError: The store cannot be reached.
        """
        found, outcome, _ = self._found_link(purpose, token, browser)
        return _checked(found, outcome, purpose)

    def use_link(self, purpose: "Purpose", token: str, *, browser: str = "") -> Checked:
        """Use a link. Call it for a POST only: mail scanners open links with GET and HEAD.

        Arguments, result and errors: see `look_at_link`. `ACCEPTED` is returned to one call: the first. If that came
        from another browser than the one that asked, such as from a scanner that submits forms, a purpose with
        `asking_browser_again` accepts the asking browser, too.
        """
        found, outcome, by = self._found_link(purpose, token, browser)
        if found and outcome is Outcome.READY:
            return self._use(found, purpose, self._clock(), by)
        return _checked(found, outcome, purpose)

    def close(self) -> None:
        """Wait until the mails that were handed over are sent. A delivery that was given stays open."""
        if self._own_delivery:
            self._own_delivery.close()

    def _refused(self, request: "_Request", now: "datetime") -> "datetime | None":
        """Count a request. The client first: one that asks too often does not use up the limit of an address."""
        client, limits = client_key(request.client), self._limits
        refused = self._taken("client", client, limits.per_client, now) if client else None
        return refused or self._taken("address", request.address.key, limits.per_address, now)

    def _taken(self, kind: str, who: str, limit: "Limit", now: "datetime") -> "datetime | None":
        return self._store.take(self._keys.current.mac("limit", kind, who).hex(), limit, now)

    def _put(self, request: "_Request", kind: "Kind", ids: "Sequence[str]", secret: str) -> "datetime":
        """Write the token, and say when it expires. That of an ineligible address is one that nobody knows."""
        signing, serial, now, purpose = self._keys.current, secrets.token_hex(16), self._clock(), request.purpose
        decoy = secrets.token_hex(_SECRET_BYTES)
        token = Token(
            id=ids[0],
            serial=serial,
            kind=kind,
            purpose=purpose.name,
            address=request.address.key,
            account=request.account,
            digest=_digest(signing, ids[0], serial, secret if request.eligible else decoy),
            key_id=signing.id,
            browser=signing.mac("browser", request.browser).hex() if request.browser else "",
            issued_at=now,
            expires_at=now + (purpose.code_lifetime if kind == "code" else purpose.link_lifetime),
        )
        self._store.put(token, replaces=ids[1:], detail="" if request.eligible else "ineligible")
        return token.expires_at

    def _deliver(
        self, request: "_Request", content: "Content", given: "Content | Unchanged | None", expires_at: "datetime"
    ) -> None:
        """Hand over the mail, or that to an ineligible address. `secret` turns tracking off."""
        other = self._mails.ineligible(request.purpose) if given is UNCHANGED else given
        chosen = content if request.eligible else other
        mail = Mail(chosen, to=request.address, stream=self._stream, secret=True) if chosen else None
        self._delivery.deliver(mail, expires_at=expires_at)

    def _attempted(self, purpose: "Purpose", key: str, browser: str) -> Token | None:
        """Count an attempt. A code that was sent before the key changed is found by the old key."""
        ids = (signing.mac("code", purpose.name, key, browser).hex() for signing in self._keys.keys)
        return next((token for id_ in ids if (token := self._store.attempt(id_))), None)

    def _matches(self, token: Token | None, secret: str) -> bool:
        """Whether the secret is the token's. As much is computed without a token."""
        signing = self._keys.get(token.key_id) if token else None
        given = _digest(signing or self._keys.current, token.id if token else "", token.serial if token else "", secret)
        return hmac.compare_digest(given, token.digest if token and signing else _NO_DIGEST)

    def _outcome_of_code(self, token: Token | None, purpose: "Purpose", now: "datetime", *, matches: bool) -> Outcome:
        if token is None:
            return Outcome.UNKNOWN
        if token.attempts > purpose.attempts:
            return Outcome.EXHAUSTED
        if self._is_outdated(token, now):
            return Outcome.EXPIRED
        if not matches:
            return Outcome.WRONG if token.attempts < purpose.attempts else Outcome.EXHAUSTED
        return Outcome.REPEATED if token.used_at else Outcome.READY

    def _found_link(self, purpose: "Purpose", token: str, browser: str) -> "tuple[Token | None, Outcome, UsedBy]":
        id_, secret = _parse(token)
        found = self._store.get(id_)
        matches = self._matches(found, secret)
        if found is None or not matches or (found.kind, found.purpose) != ("link", purpose.name):
            return None, Outcome.UNKNOWN, "other"
        by: UsedBy = "asking" if self._is_asking_browser(found, browser) else "other"
        if self._is_outdated(found, self._clock()):
            return found, Outcome.EXPIRED, by
        if found.browser and by == "other" and not purpose.other_browsers:
            return found, Outcome.OTHER_BROWSER, by
        can_be_used = found.can_be_used(by, after_other=purpose.asking_browser_again)
        return found, Outcome.READY if can_be_used else Outcome.REPEATED, by

    def _is_asking_browser(self, token: Token, browser: str) -> bool:
        signing = self._keys.get(token.key_id)
        if not (signing and token.browser and browser):
            return False
        return hmac.compare_digest(signing.mac("browser", browser).hex(), token.browser)

    def _is_outdated(self, token: Token, now: "datetime") -> bool:
        """Whether it has expired, or was issued in the future: by a clock that differs by more than `skew`."""
        if token.issued_at > now + self._skew:
            log.warning(
                "A verification token was issued %s from now: compare the servers' clocks", token.issued_at - now
            )
            return True
        return now >= token.expires_at + self._skew

    def _use(self, token: Token, purpose: "Purpose", now: "datetime", by: "UsedBy") -> Checked:
        if self._store.use(token, at=now, by=by, after_other=purpose.asking_browser_again):
            return _checked(token, Outcome.ACCEPTED, purpose)
        there = self._store.get(token.id)
        if there and there.serial == token.serial:
            return _checked(token, Outcome.REPEATED, purpose)
        return _checked(None, Outcome.UNKNOWN, purpose)  # replaced meanwhile


@dataclass(frozen=True, slots=True)
class _Request:
    """A request for a token."""

    purpose: "Purpose"
    address: Address
    browser: str
    client: str
    account: str
    eligible: bool


_NO_DIGEST = "0" * 64


def new_browser_secret() -> str:
    """A secret for a browser, to be kept in a cookie with `HttpOnly`, `Secure` and `SameSite=Lax`."""
    return secrets.token_urlsafe(32)


def _catalog_mails() -> "VerificationMails":
    from mailer.verification.mails import CatalogMails  # loads pydantic

    return CatalogMails()


def _digest(signing: "VerificationKey", id_: str, serial: str, secret: str) -> str:
    """Bound to its token, so that nobody who writes to the store can move it to another one."""
    return signing.mac("digest", id_, serial, secret).hex()


def _checked(token: Token | None, outcome: Outcome, purpose: "Purpose") -> Checked:
    if token is None:
        return Checked(outcome, purpose.name)
    return Checked(outcome, purpose.name, token.address, token.account)


def _bare(address: str) -> Address:
    """The address without a name: it was entered by anybody, and a name would be shown to its reader."""
    return Address(Address.parse(address).email)


def _entered(code: str) -> str:
    """The digits that a person entered or pasted: full-width ones, spaces and hyphens are common."""
    return re.sub(r"[\s\u2010-\u2015-]", "", unicodedata.normalize("NFKC", code[:64]))


def _parse(token: str) -> tuple[str, str]:
    """The id and the secret of a link; those of no link if it is none."""
    try:
        raw = base64.urlsafe_b64decode(f"{token}==") if _LINK.match(token) else b""
    except (binascii.Error, ValueError):
        raw = b""
    raw = raw if len(raw) == _ID_BYTES + _SECRET_BYTES else bytes(_ID_BYTES + _SECRET_BYTES)
    return raw[:_ID_BYTES].hex(), raw[_ID_BYTES:].hex()


def _checked_browser(browser: str) -> str:
    if browser and len(browser) < _BROWSER_LENGTH:
        words = f"The browser's secret has {len(browser)} characters: it could be guessed."
        raise ConfigurationError(words, hint="Create it with new_browser_secret(), and keep it in a cookie.")
    return browser


def check_url(url: str) -> None:
    """Check the address of the page behind links.

    Raises:
        ConfigurationError: It has no place for the token, or is not https.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    is_here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if _PLACE not in url:
        hint = f'Write it as "https://app.example.com/verify/{_PLACE}".'
        raise ConfigurationError(f"The URL of a verification link has no {_PLACE}.", hint=hint)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_here):
        hint = "Anybody on the way could read the link. http is allowed for this machine alone."
        raise ConfigurationError(f"The URL of a verification link is {parts.scheme or 'no'}, not https.", hint=hint)
