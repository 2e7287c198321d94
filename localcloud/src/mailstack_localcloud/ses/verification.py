"""Verification as SES does it: an identity becomes verified when its records are published in Route 53."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from mailstack_localcloud import virtual_time
from mailstack_localcloud.backend.calls import InProcess
from mailstack_localcloud.ses.rules import Record, dkim_records, is_published, mail_from_record, may_send, suffixes
from mailstack_localcloud.ses.state import Identity

_MAX_ZONES = 1000
# How long SES looks for records. Then the verification has failed, until it is started again.
# https://docs.aws.amazon.com/ses/latest/dg/mail-from.html, https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-dkim.html
_LOOKS_FOR = timedelta(hours=72)
_FINAL = frozenset({"SUCCESS", "FAILED"})


class Dns:
    """The public DNS, which here is the hosted zones of the local Route 53."""

    def __init__(self, aws: InProcess) -> None:
        self._aws = aws

    async def lookup(self, name: str, record_type: str) -> list[str]:
        """The values under a name and type in the most specific zone that covers it; empty if there are none."""
        zones = await self._zones()
        covering = next((zones[suffix] for suffix in suffixes(name) if suffix in zones), None)
        if covering is None:
            return []
        answer = await self._aws.call(
            "route53",
            "ListResourceRecordSets",
            HostedZoneId=covering,
            StartRecordName=name,
            StartRecordType=record_type,
            MaxItems="1",
        )
        found = cast("list[dict[str, Any]]", answer["ResourceRecordSets"])
        matching = [r for r in found if r["Name"].rstrip(".").lower() == name and r["Type"] == record_type]
        return [str(value["Value"]) for record in matching for value in record.get("ResourceRecords", [])]

    async def _zones(self) -> dict[str, str]:
        answer = await self._aws.call("route53", "ListHostedZones", MaxItems=str(_MAX_ZONES))
        public = [zone for zone in answer["HostedZones"] if not zone.get("Config", {}).get("PrivateZone")]
        return {zone["Name"].rstrip(".").lower(): zone["Id"].rpartition("/")[2] for zone in public}


def is_pending(identity: Identity) -> bool:
    """Whether records could still change what the identity is."""
    waits_for_mail_from = identity.mail_from is not None and identity.mail_from.status not in _FINAL
    return waits_for_mail_from or (identity.is_domain and identity.dkim_status not in _FINAL)


async def check(identity: Identity, dns: Dns, region: str) -> None:
    """Look at the DNS once and record what was seen."""
    if not is_pending(identity):
        return
    identity.last_checked_at = datetime.now(UTC)
    if identity.is_domain and identity.dkim_status not in _FINAL:
        identity.dkim_since = identity.dkim_since or virtual_time.now()
        if await _all_published(dkim_records(identity, region), dns):
            confirm(identity)
        elif identity.dkim_status == "PENDING" and _is_over(identity.dkim_since):
            identity.dkim_status = "FAILED"
    mail_from = identity.mail_from
    if mail_from and mail_from.status not in _FINAL:
        mail_from.since = mail_from.since or virtual_time.now()
        if await _all_published([mail_from_record(mail_from.domain, region)], dns):
            mail_from.status = "SUCCESS"
        elif _is_over(mail_from.since):
            mail_from.status = "FAILED"


def _is_over(since: datetime) -> bool:
    return virtual_time.now() - since > _LOOKS_FOR


async def check_all(identities: Iterable[Identity], dns: Dns, region: str) -> None:
    """Look for every identity that waits."""
    for identity in [identity for identity in identities if is_pending(identity)]:
        await check(identity, dns, region)
        await asyncio.sleep(0)


def is_verified(identity: Identity, identities: Mapping[str, Identity]) -> bool:
    """Whether SES shows an identity as verified: by itself, or a domain by one above it. Addresses inherit nothing.

    https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
    """
    return identity.verified or (identity.is_domain and may_send(identity.name, identities))


def confirm(identity: Identity) -> None:
    """Mark the identity as verified."""
    identity.verified = True
    identity.last_success_at = datetime.now(UTC)
    if identity.is_domain:
        identity.dkim_status = "SUCCESS"


async def _all_published(records: list[Record], dns: Dns) -> bool:
    for record in records:
        if not is_published(record, await dns.lookup(record.name, record.type)):
            return False
    return bool(records)
