"""Publishes DNS records in Amazon Route 53. Not for the records themselves (`records.py`)."""

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
from mailstack_infra.settings.identity import IdentitySettings, ZoneSettings
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.problems import SettingsInvalid
from mailstack_infra.settings.secret import redacted
from mailstack_infra.settings.validators import is_zone_id, within

_TYPES: Mapping[str, Literal["CNAME", "MX", "TXT"]] = {"CNAME": "CNAME", "MX": "MX", "TXT": "TXT"}


@dataclass(frozen=True)
class Route53Zone:
    """A public hosted zone.

    Attributes:
        name: Without a trailing dot.
        current: The existing records under the names that the stack publishes.
        taken: The records that may exist already and are taken over.
        provider: The provider that publishes the records; None for the provider of all other resources.
    """

    id: str
    name: str
    current: tuple[Set, ...] = ()
    taken: frozenset[str] = frozenset()
    provider: pulumi.ProviderResource | None = None

    def texts(self, name: str) -> tuple[str, ...]:
        """The existing TXT values of one of the stack's names."""
        found = (each.values for each in self.current if (each.name, each.type) == (name, "TXT"))
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
        """Register one record set. A set with values of others, or taken over, is kept when the stack is destroyed."""
        fixed = [value for value in values if isinstance(value, str)]
        shared = group(key) in self.taken
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=self.provider))
        if isinstance(name, str) and len(fixed) == len(values):
            values = existing.merged(DnsRecord(name=name, type=_TYPES[kind], values=tuple(fixed)), self.current)
            shared = shared or list(values) != fixed
        aws.route53.Record(
            key,
            zone_id=self.id,
            name=name,
            type=kind,
            ttl=dns.TTL_SECONDS,
            records=pulumi.Output.all(*values).apply(lambda given: [written(kind, value) for value in given]),
            # The default is false. An explicit false would show as a change of an imported record.
            allow_overwrite=True if group(key) in self.taken else None,
            opts=opts.merge(pulumi.ResourceOptions(retain_on_delete=True)) if shared else opts,
        )


def group(key: str) -> str:
    """The name of a record in `overwriteRecords`: the three of Easy DKIM have one name.

    Example:
        >>> group("dkim-2"), group("dmarc")
        ('dkim', 'dmarc')
    """
    return "dkim" if key.startswith(("dkim-", "dkim.")) else key


def read(zone: Route53Zone, settings: ZoneSettings, region: str, asked: pulumi.InvokeOptions) -> Route53Zone:
    """Read the existing records under the stack's names, and log how they change.

    Raises:
        SettingsInvalid: `overwriteRecords` names a record that the stack does not have, or a stricter DMARC policy
            would be lost.
    """
    identity = settings.identity
    records = {
        key: record for key, record in dns.fixed_records(identity, region).items() if within(record.name, zone.name)
    }
    unknown = set(settings.overwrite) - {*map(group, records), "dkim"}
    if unknown:
        raise SettingsInvalid(
            f"{NAMESPACE}:overwriteRecords names {', '.join(sorted(unknown))}, and the stack publishes "
            f"{', '.join(sorted({*map(group, records), 'dkim'}))} in {zone.name}."
        )
    above = [f"_dmarc.{name}" for name in dmarc.targets(identity.domain) if within(name, zone.name)]
    keys = [f"{selector}._domainkey.{identity.domain}" for selector in identity.dkim.previous]
    names = sorted({*(record.name for record in records.values()), *above, *keys})
    found = aws.route53.get_records(
        zone_id=zone.id, name_regex=f"^(?:{'|'.join(map(re.escape, names))})\\.$", opts=asked
    ).resource_record_sets
    current = tuple(
        _set(each.name, each.type, [value.value for value in each.resource_records or ()]) for each in found
    )
    taken = frozenset(settings.overwrite)
    for key, record in records.items():
        if group(key) in taken:
            _log_previous_values(record, current)
    if "dmarc" in records:
        _check_policy(identity, records["dmarc"], current, taken=taken)
    return replace(zone, current=current, taken=taken)


def _set(name: str, kind: str, values: Sequence[str]) -> Set:
    plain = (existing.unquoted(value) if kind == "TXT" else value for value in values)
    return Set(name.rstrip(".").lower(), kind, tuple(plain))


def _log_previous_values(record: DnsRecord, current: Sequence[Set]) -> None:
    """Log the record before it changes: it is not stored anywhere else."""
    values = existing.merged(record, current)
    for each in current:
        if (each.name, each.type) == (record.name, record.type) and set(each.values) != set(values):
            pulumi.log.warn(
                f"{record.type} {record.name} is taken over. It has the value {' and '.join(map(repr, each.values))}, "
                f"and will have {' and '.join(map(repr, values))}. It is kept when the stack is destroyed."
            )


def _check_policy(
    settings: IdentitySettings, record: DnsRecord, current: Sequence[Set], *, taken: frozenset[str]
) -> None:
    lost = existing.weakened(record, current) if "dmarc" in taken else ""
    if lost and lost != settings.dmarc.replaces:
        raise SettingsInvalid(
            f"The DMARC record at {record.name} asks for {lost}, and {NAMESPACE}:dmarc is weaker. Tighten it, or allow "
            f"the weaker policy: pulumi config set --path '{NAMESPACE}:dmarc.replaces' {lost}"
        )
    if warning := existing.weaker_than_parent(settings.domain, record, current):
        pulumi.log.warn(warning)


def find(settings: ZoneSettings, asked: pulumi.InvokeOptions, provider: pulumi.ProviderResource | None) -> Route53Zone:
    """Look the hosted zone up by its name or id.

    Args:
        settings: The zone and the identity.
        asked: Options for the invokes.
        provider: The provider that publishes the records; None for the provider of all other resources.

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
        said = redacted(str(error), of=settings.access.texts)
        raise SettingsInvalid(
            f"The lookup of the Route 53 zone {wanted!r} failed: {said}\nSet {NAMESPACE}:zone to the name or id of the "
            f"public hosted zone that holds {settings.identity.domain}, or create it. If the zone is not in Route 53, "
            f"set {NAMESPACE}:dns to cloudflare or none. {needed(settings.access)}".rstrip()
        ) from error
    if found.private_zone:
        raise SettingsInvalid(
            f"The zone {wanted!r} is private, so mail servers cannot see its records. Set {NAMESPACE}:zone to "
            f"the name or id of the public hosted zone that holds {settings.identity.domain}."
        )
    return Route53Zone(found.zone_id, found.name.rstrip("."), provider=provider)


def written(kind: str, value: str) -> str:
    """A value in the provider's form: it adds the outer quotes of a TXT value, and the inner ones are ours."""
    return '""'.join(dns.strings(value)) if kind == "TXT" else value
