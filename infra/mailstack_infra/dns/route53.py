"""Publishing DNS records in Amazon Route 53. Not for which records there are (`dns.py`)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pulumi
import pulumi_aws as aws

from mailer import dmarc
from mailer.stack import DnsRecord
from mailstack_infra.dns import existing
from mailstack_infra.dns import records as dns
from mailstack_infra.dns.access import needed
from mailstack_infra.dns.existing import Set
from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings
from mailstack_infra.settings.validators import is_zone_id, within

_TYPES: Mapping[str, Literal["CNAME", "MX", "TXT"]] = {"CNAME": "CNAME", "MX": "MX", "TXT": "TXT"}


@dataclass(frozen=True)
class Route53Zone:
    """A public hosted zone.

    Attributes:
        name: Without a trailing dot.
        standing: What stands under the names that the stack publishes.
        taken: Which of the records may be there already, and are taken over.
        provider: Who publishes the records; None for the provider of all other resources.
    """

    id: str
    name: str
    standing: tuple[Set, ...] = ()
    taken: frozenset[str] = frozenset()
    provider: pulumi.ProviderResource | None = None

    def texts(self, name: str) -> tuple[str, ...]:
        """The TXT values that stood under one of the stack's names."""
        found = (each.values for each in self.standing if (each.name, each.type) == (name, "TXT"))
        return tuple(value for values in found for value in values)

    def publish(
        self,
        key: str,
        *,
        kind: str,
        name: pulumi.Input[str],
        values: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Make one record set. What holds values of others, or was taken over from them, outlives the stack."""
        fixed = [value for value in values if isinstance(value, str)]
        shared = group(key) in self.taken
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=self.provider))
        if isinstance(name, str) and len(fixed) == len(values):
            values = existing.merged(DnsRecord(name=name, type=_TYPES[kind], values=tuple(fixed)), self.standing)
            shared = shared or list(values) != fixed
        aws.route53.Record(
            key,
            zone_id=self.id,
            name=name,
            type=kind,
            ttl=dns.TTL_SECONDS,
            records=pulumi.Output.all(*values).apply(lambda given: [written(kind, value) for value in given]),
            # Left out it is false; said, it would stand as an addition on the next run of an imported record.
            allow_overwrite=True if group(key) in self.taken else None,
            opts=opts.merge(pulumi.ResourceOptions(retain_on_delete=True)) if shared else opts,
        )


def group(key: str) -> str:
    """What `overwriteRecords` calls a record: the three of Easy DKIM have one name.

    Example:
        >>> group("dkim-2"), group("dmarc")
        ('dkim', 'dmarc')
    """
    return "dkim" if key.startswith(("dkim-", "dkim.")) else key


def read(zone: Route53Zone, settings: Settings, region: str, asked: pulumi.InvokeOptions) -> Route53Zone:
    """Look at what stands under the stack's names, and say what becomes of it.

    Raises:
        SettingsInvalid: A record is named that the stack does not have, or a stricter DMARC policy would be lost.
    """
    records = {
        key: record for key, record in dns.fixed_records(settings, region).items() if within(record.name, zone.name)
    }
    unknown = set(settings.overwrite_records) - {*map(group, records), "dkim"}
    if unknown:
        raise SettingsInvalid(
            f"{NAMESPACE}:overwriteRecords names {', '.join(sorted(unknown))}, and the stack publishes "
            f"{', '.join(sorted({*map(group, records), 'dkim'}))} in {zone.name}."
        )
    above = [f"_dmarc.{name}" for name in dmarc.targets(settings.domain) if within(name, zone.name)]
    keys = [f"{selector}._domainkey.{settings.domain}" for selector in settings.dkim.previous]
    names = sorted({*(record.name for record in records.values()), *above, *keys})
    found = aws.route53.get_records(
        zone_id=zone.id, name_regex=f"^(?:{'|'.join(map(re.escape, names))})\\.$", opts=asked
    ).resource_record_sets
    standing = tuple(
        _set(each.name, each.type, [value.value for value in each.resource_records or ()]) for each in found
    )
    taken = frozenset(settings.overwrite_records)
    for key, record in records.items():
        if group(key) in taken:
            _say_what_was(record, standing)
    if "dmarc" in records:
        _check_policy(settings, records["dmarc"], standing, taken=taken)
    return replace(zone, standing=standing, taken=taken)


def _set(name: str, kind: str, values: Sequence[str]) -> Set:
    plain = (existing.unquoted(value) if kind == "TXT" else value for value in values)
    return Set(name.rstrip(".").lower(), kind, tuple(plain))


def _say_what_was(record: DnsRecord, standing: Sequence[Set]) -> None:
    """Before it changes: nothing keeps it afterwards."""
    values = existing.merged(record, standing)
    for each in standing:
        if (each.name, each.type) == (record.name, record.type) and set(each.values) != set(values):
            pulumi.log.warn(
                f"{record.type} {record.name} is taken over. It holds {' and '.join(map(repr, each.values))}, and will "
                f"hold {' and '.join(map(repr, values))}. It stays when the stack is destroyed."
            )


def _check_policy(settings: Settings, record: DnsRecord, standing: Sequence[Set], *, taken: frozenset[str]) -> None:
    lost = existing.weakened(record, standing) if "dmarc" in taken else ""
    if lost and lost != settings.dmarc.replaces:
        raise SettingsInvalid(
            f"The DMARC record at {record.name} asks for {lost}, and {NAMESPACE}:dmarc asks for less. Raise it, or say "
            f"that it may be lost: pulumi config set --path '{NAMESPACE}:dmarc.replaces' {lost}"
        )
    domain, policy = existing.parents_policy(settings.domain, record, standing)
    if policy:
        pulumi.log.warn(
            f"The DMARC record of {settings.domain} asks for less than that of {domain}, which would ask for {policy} "
            f"without it. Raise {NAMESPACE}:dmarc.policy, or leave the record out: pulumi config set --path "
            f"'{NAMESPACE}:dmarc.publish' false"
        )


def find(settings: Settings, asked: pulumi.InvokeOptions, provider: pulumi.ProviderResource | None) -> Route53Zone:
    """Look the hosted zone up by its name or id.

    Args:
        settings: Which zone.
        asked: Who is asked.
        provider: Who publishes the records, where it is not the provider of all other resources.

    Raises:
        SettingsInvalid: There is none, or it is private.
    """
    wanted = settings.zone
    try:
        if is_zone_id(wanted):
            found = aws.route53.get_zone(zone_id=wanted, opts=asked)
        else:
            found = aws.route53.get_zone(name=wanted, private_zone=False, opts=asked)
    except Exception as error:
        raise SettingsInvalid(
            f"Route 53 gave no zone {wanted!r}: {error}\nSet {NAMESPACE}:zone to the name or id of the public hosted "
            f"zone that holds {settings.domain}, or create it; where the zone is not in Route 53, set {NAMESPACE}:dns "
            f"to cloudflare or none. {needed(settings)}".rstrip()
        ) from error
    if found.private_zone:
        raise SettingsInvalid(
            f"The zone {wanted!r} is private, and nobody who receives mail sees what it holds. Set {NAMESPACE}:zone to "
            f"the name or id of the public hosted zone that holds {settings.domain}."
        )
    return Route53Zone(found.zone_id, found.name.rstrip("."), provider=provider)


def written(kind: str, value: str) -> str:
    """A value as the provider takes it: it adds the outer quotes of a TXT value, the inner ones are ours."""
    return '""'.join(dns.strings(value)) if kind == "TXT" else value
