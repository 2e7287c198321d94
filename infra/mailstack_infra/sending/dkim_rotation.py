"""Changing whose DKIM key signs: what must stay published for mail on its way, and what would break it.

Looked at before anything is made. Not for the key itself (`dkim_key.py`).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import pulumi

from mailstack_infra.dns.zone import Zone
from mailstack_infra.sending.identity_state import Standing
from mailstack_infra.settings import dkim_key
from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings

# https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-bring-your-own.html
_UNSIGNED = (
    "The DKIM key of {domain} changes from {old} to {new}. Until SES has seen the new records, mail may leave "
    "unsigned, as AWS warns. Do it while little is sent."
)
_ON_ITS_WAY = "mail that is on its way, or waits in a queue, is verified by it."
_NAMES = {"AWS_SES": "SES's own", "EXTERNAL": "one of your own"}


def kept(settings: Settings, zone: Zone | None) -> dict[str, tuple[str, ...]]:
    """The records of earlier keys that stay published, by selector.

    Raises:
        SettingsInvalid: One of them is not there to be kept.
    """
    today = datetime.now(UTC).date()
    selectors = [selector for selector, until in settings.dkim.previous.items() if until >= today]
    found = {selector: _keys(zone, settings, selector) for selector in selectors} if zone else {}
    if missing := [selector for selector, values in found.items() if not values]:
        raise SettingsInvalid(
            f"{NAMESPACE}:dkim.previous names {missing[0]}, and the zone holds no key at "
            f"{name(settings, missing[0])}. Remove it: pulumi config rm --path '{NAMESPACE}:dkim.previous.{missing[0]}'"
        )
    return found


def check(settings: Settings, before: Standing, zone: Zone | None) -> None:
    """See that mail that is signed already stays verifiable.

    Raises:
        SettingsInvalid: A new key would stand under an old selector, an old record would go at once, or one that is to
            stay is not there.
    """
    if settings.address or settings.adopt:
        return
    kept(settings, zone)
    if zone is None:
        _say_what_to_keep(settings, before)
    elif problems := list(_problems(settings, before, zone)):
        raise SettingsInvalid(" ".join(problems))
    wanted = "EXTERNAL" if settings.dkim.private_key else "AWS_SES"
    if before.origin in _NAMES and before.origin != wanted:
        pulumi.log.warn(_UNSIGNED.format(domain=settings.domain, old=_NAMES[before.origin], new=_NAMES[wanted]))


def name(settings: Settings, selector: str) -> str:
    """Where a key is published (RFC 6376 §3.6.2.1)."""
    return f"{selector}._domainkey.{settings.domain}"


def _say_what_to_keep(settings: Settings, before: Standing) -> None:
    """The records to keep, and until when, where the stack does not publish them.

    Their values are not known here, nor whether a selector has another key than before: SES tells no public key.
    """
    dkim, today = settings.dkim, datetime.now(UTC).date()
    for selector, until in dkim.previous.items():
        if until >= today:
            pulumi.log.info(f"Keep the TXT record {name(settings, selector)} until {until}: {_ON_ITS_WAY}")
        else:
            pulumi.log.info(f"The TXT record {name(settings, selector)} may be deleted: its last day was {until}.")
    goes_on = {dkim.selector, *dkim.previous} if before.origin == "EXTERNAL" or dkim.private_key else {*before.tokens}
    if going := [selector for selector in before.tokens if selector not in goes_on]:
        kind = "TXT" if before.origin == "EXTERNAL" else "CNAME"
        listed = ", ".join(name(settings, selector) for selector in going)
        pulumi.log.warn(
            f"SES signs by {listed} until this deployment. Keep that {kind} for a week or more: {_ON_ITS_WAY} Publish "
            "the new records before you deploy (pulumi preview shows them as dns_records), and see that they are "
            "there: mailer dns --check."
        )


def _problems(settings: Settings, before: Standing, zone: Zone) -> Iterator[str]:
    dkim = settings.dkim
    if dkim.private_key:
        public = dkim_key.public_key(dkim.private_key)
        others = [key for key in _keys(zone, settings, dkim.selector) if f"p={public}" not in key.replace(" ", "")]
        if others:
            yield (
                f"{name(settings, dkim.selector)} holds another key: receivers would verify mail on its way with the "
                f"wrong one. Give the new key another selector: "
                f"pulumi config set --path '{NAMESPACE}:dkim.selector' NAME"
            )
    old = before.tokens[0] if before.origin == "EXTERNAL" and before.tokens else ""
    if old and old != dkim.selector and old not in dkim.previous:
        yield (
            f"SES signs with the selector {old} now, and its record would be deleted while mail is in "
            f"transit. Set the day until which it stays, a week or more: "
            f"pulumi config set --path '{NAMESPACE}:dkim.previous.{old}' YYYY-MM-DD"
        )


def _keys(zone: Zone, settings: Settings, selector: str) -> tuple[str, ...]:
    return tuple(value for value in zone.texts(name(settings, selector)) if "p=" in value)
