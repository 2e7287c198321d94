"""Publishes DNS records in Cloudflare, with the extra `cloudflare`. Not for the records themselves (`records.py`).

A Cloudflare record has one value, and several may share a name and type: Cloudflare accepts a second DMARC record
silently, and receivers then ignore both. Our own records therefore carry a comment, and a conflicting record of others
is refused before the deployment.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pulumi_cloudflare as cloudflare

from mailer import dmarc
from mailer.stack import DnsRecord
from mailstack_infra.dns import existing
from mailstack_infra.dns import records as dns
from mailstack_infra.dns.existing import Set, unquoted
from mailstack_infra.environment import Environment
from mailstack_infra.settings.identity import IdentitySettings, ZoneSettings
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.problems import SettingsInvalid
from mailstack_infra.settings.validators import is_cloudflare_zone_id, within

TOKEN = "cloudflare:index/dnsRecord:DnsRecord"  # noqa: S105 - the type of a resource


@dataclass(frozen=True)
class CloudflareZone:
    """A zone at Cloudflare.

    Attributes:
        name: Without a trailing dot.
        owner: The comment of our own records.
        asked: Options for the invokes.
        provider: The provider that publishes the records; None for Pulumi's default.
    """

    id: str
    name: str
    owner: str
    asked: pulumi.InvokeOptions | None = None
    provider: pulumi.ProviderResource | None = None

    def texts(self, name: str) -> tuple[str, ...]:
        """The TXT values of a name."""
        found = (record for record in _current_records(self, name, self.asked) if record["type"] == "TXT")
        return tuple(unquoted(record["content"]) for record in found)

    def publish(
        self,
        key: str,
        *,
        kind: str,
        name: pulumi.Input[str],
        values: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Register a record for each value."""
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=self.provider))
        for number, value in enumerate(values):
            parts = pulumi.Output.from_input(value).apply(lambda value: written(kind, value))
            cloudflare.DnsRecord(
                f"{key}-{number}" if number else key,
                zone_id=self.id,
                name=name,
                type=kind,
                content=parts["content"],
                # Only MX records have a priority.
                priority=parts["priority"] if kind == "MX" else None,
                ttl=float(dns.TTL_SECONDS),
                # A proxied name answers with Cloudflare's own addresses, and SES finds no CNAME there.
                proxied=False,
                comment=self.owner,
                opts=opts,
            )


def find(
    settings: ZoneSettings, env: Environment, asked: pulumi.InvokeOptions, provider: pulumi.ProviderResource | None
) -> CloudflareZone:
    """Look the zone up by its name or id.

    Raises:
        SettingsInvalid: There is none, or the token may not read it.
    """
    wanted = settings.zone
    try:
        if is_cloudflare_zone_id(wanted):
            found = cloudflare.get_zone(zone_id=wanted, opts=asked)
        else:
            found = cloudflare.get_zone(filter={"name": wanted, "match": "all"}, opts=asked)
    except Exception as error:
        raise SettingsInvalid(
            f"The lookup of the Cloudflare zone {wanted!r} failed: {error}\nSet {NAMESPACE}:zone to the name or id of "
            f"the zone that holds {settings.identity.domain}, and CLOUDFLARE_API_TOKEN, or cloudflare:apiToken, to a "
            "token that may read that zone and edit its DNS."
        ) from error
    return CloudflareZone(found.zone_id or found.id, found.name, f"mailstack {env.stack}", asked, provider)


def refuse_conflicts(
    zone: CloudflareZone, settings: IdentitySettings, env: Environment, asked: pulumi.InvokeOptions | None
) -> None:
    """Check that no record of others conflicts with ours.

    Raises:
        SettingsInvalid: One does. The message has the command that takes it over.
    """
    records = dns.fixed_records(settings, env.region)
    elsewhere = dns.outside(records, zone.name)
    problems = [
        f"  {found['type']} {found['name']} {found['content']}\n    pulumi import {TOKEN} {key} {zone.id}/{found['id']}"
        for key, record in records.items()
        if key not in elsewhere
        for found in conflicting(record, _current_records(zone, record.name, asked), zone.owner)
    ]
    if problems:
        head = f"The zone {zone.name} has records that this stack did not create and that conflict with its own:"
        tail = (
            f"Nothing was deployed. Delete them; or set the comment of each to {zone.owner!r} in Cloudflare and import "
            "it with the command below it and --parent (docs/guides/dns.md)."
        )
        raise SettingsInvalid("\n".join([head, *problems, tail]))


def warn_if_weaker(zone: CloudflareZone, settings: IdentitySettings, region: str) -> None:
    """Warn about a DMARC record that is weaker than the policy of a parent domain in the zone."""
    record = dns.fixed_records(settings, region).get("dmarc")
    if record is None:
        return
    names = [f"_dmarc.{name}" for name in dmarc.targets(settings.domain) if within(name, zone.name)]
    above = [Set(name, "TXT", zone.texts(name)) for name in names if name != record.name]
    if warning := existing.weaker_than_parent(settings.domain, record, above):
        pulumi.log.warn(warning)


def conflicting(wanted: DnsRecord, current: Iterable[Mapping[str, Any]], owner: str) -> Iterator[Mapping[str, Any]]:
    """The records of a name that are not ours and conflict with ours.

    A name with a CNAME has no other record (RFC 1034 §3.6.2), and only one TXT record of a kind: `v=spf1`, `v=DMARC1`.
    """
    for found in current:
        alone = "CNAME" in (wanted.type, found["type"])
        same = found["type"] == wanted.type and (
            wanted.type != "TXT" or _announced(found["content"]) == _announced(wanted.values[0])
        )
        if found["comment"] != owner and (alone or same):
            yield found


def written(kind: str, value: str) -> dict[str, Any]:
    """A value in the provider's form: MX in two parts, TXT as quoted strings, which Cloudflare returns unchanged.

    Example:
        >>> written("MX", "10 feedback-smtp.eu-west-1.amazonses.com")
        {'priority': 10.0, 'content': 'feedback-smtp.eu-west-1.amazonses.com'}
    """
    if kind == "MX":
        priority, _, host = value.partition(" ")
        return {"priority": float(priority), "content": host}
    return {"content": dns.quoted(value) if kind == "TXT" else value}


def _current_records(zone: CloudflareZone, name: str, asked: pulumi.InvokeOptions | None) -> list[Mapping[str, Any]]:
    found = cloudflare.get_dns_records(zone_id=zone.id, name={"exact": name}, opts=asked).results or []
    return [cast("Mapping[str, Any]", record) for record in found]


def _announced(text: str) -> str:
    """The kind of a TXT value: its first word."""
    return text.replace('"', "").replace(";", " ").partition(" ")[0].lower()
