"""Rotation of DKIM keys: the records that must stay published for mail in transit, and changes that would break it.

Checked before anything is created. Not for the key itself (`dkim_key.py`).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import pulumi

from mailstack_infra.dns.zone import Zone
from mailstack_infra.sending.identity_state import IdentityState
from mailstack_infra.settings import dkim_key
from mailstack_infra.settings.identity import IdentitySettings
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.problems import SettingsInvalid

# https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-bring-your-own.html
_UNSIGNED = (
    "The DKIM key of {domain} changes from {old} to {new}. AWS warns that mail may be sent unsigned until SES sees the "
    "new records. Deploy it while you send little."
)
_ON_ITS_WAY = "receivers verify mail in transit and in queues with it."
_NAMES = {"AWS_SES": "SES's own key", "EXTERNAL": "your own key"}


def kept(settings: IdentitySettings, zone: Zone | None) -> dict[str, tuple[str, ...]]:
    """The records of earlier keys that stay published, by selector.

    Raises:
        SettingsInvalid: The zone does not hold one of them.
    """
    today = datetime.now(UTC).date()
    selectors = [selector for selector, until in settings.dkim.previous.items() if until >= today]
    found = {selector: _keys(zone, settings, selector) for selector in selectors} if zone else {}
    if missing := [selector for selector, values in found.items() if not values]:
        raise SettingsInvalid(
            f"{NAMESPACE}:dkim.previous names {missing[0]}, but the zone has no key at "
            f"{name(settings, missing[0])}. Remove it: pulumi config rm --path '{NAMESPACE}:dkim.previous.{missing[0]}'"
        )
    return found


def check(settings: IdentitySettings, before: IdentityState, zone: Zone | None) -> None:
    """Check that signatures of mail in transit stay verifiable.

    Raises:
        SettingsInvalid: A new key has an old selector, an old record would be deleted at once, or a record that must
            stay does not exist.
    """
    if settings.address or settings.adopt:
        return
    kept(settings, zone)
    if zone is None:
        _log_records_to_keep(settings, before)
    elif problems := list(_problems(settings, before, zone)):
        raise SettingsInvalid(" ".join(problems))
    wanted = "EXTERNAL" if settings.dkim.private_key else "AWS_SES"
    if before.origin in _NAMES and before.origin != wanted:
        pulumi.log.warn(_UNSIGNED.format(domain=settings.domain, old=_NAMES[before.origin], new=_NAMES[wanted]))


def name(settings: IdentitySettings, selector: str) -> str:
    """The name of a key's record (RFC 6376 §3.6.2.1)."""
    return f"{selector}._domainkey.{settings.domain}"


def _log_records_to_keep(settings: IdentitySettings, before: IdentityState) -> None:
    """Log the records to keep, and until when, if the stack does not publish them.

    Their values are unknown here, and whether a selector has a new key: SES does not return public keys.
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
            f"Until this deployment SES signs with {listed}. Keep that {kind} record for a week or more: {_ON_ITS_WAY} "
            "Publish the new records before you deploy (pulumi preview shows them as dns_records), and check them: "
            "mailer dns --check."
        )


def _problems(settings: IdentitySettings, before: IdentityState, zone: Zone) -> Iterator[str]:
    dkim = settings.dkim
    if dkim.private_key:
        public = dkim_key.public_key(dkim.private_key)
        others = [key for key in _keys(zone, settings, dkim.selector) if f"p={public}" not in key.replace(" ", "")]
        if others:
            yield (
                f"{name(settings, dkim.selector)} has another key: receivers would verify mail in transit with the "
                f"wrong one. Use another selector for the new key: "
                f"pulumi config set --path '{NAMESPACE}:dkim.selector' NAME"
            )
    old = before.tokens[0] if before.origin == "EXTERNAL" and before.tokens else ""
    if old and old != dkim.selector and old not in dkim.previous:
        yield (
            f"SES currently signs with the selector {old}, and its record would be deleted while mail is in "
            f"transit. Set the day until which it stays, a week or more ahead: "
            f"pulumi config set --path '{NAMESPACE}:dkim.previous.{old}' YYYY-MM-DD"
        )


def _keys(zone: Zone, settings: IdentitySettings, selector: str) -> tuple[str, ...]:
    return tuple(value for value in zone.texts(name(settings, selector)) if "p=" in value)
