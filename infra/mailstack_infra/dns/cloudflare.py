"""Publishing DNS records in Cloudflare, with the extra `cloudflare`. Not for which records there are (`dns.py`).

A Cloudflare record has one value, and several may share a name and type: a second DMARC record would be taken without a
word, and receivers then heed neither. So our own carry a comment, and others in their place are refused beforehand.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pulumi_cloudflare as cloudflare

from mailer.stack import DnsRecord
from mailstack_infra.dns import records as dns
from mailstack_infra.dns.existing import unquoted
from mailstack_infra.environment import Environment
from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings
from mailstack_infra.settings.validators import is_cloudflare_zone_id

TOKEN = "cloudflare:index/dnsRecord:DnsRecord"  # noqa: S105 - the type of a resource


@dataclass(frozen=True)
class CloudflareZone:
    """A zone at Cloudflare.

    Attributes:
        name: Without a trailing dot.
        owner: The comment that our records carry.
        asked: Whose provider is asked.
        provider: Who publishes the records; None for Pulumi's default.
    """

    id: str
    name: str
    owner: str
    asked: pulumi.InvokeOptions | None = None
    provider: pulumi.ProviderResource | None = None

    def texts(self, name: str) -> tuple[str, ...]:
        """The TXT values under a name."""
        found = (record for record in _standing(self, name, self.asked) if record["type"] == "TXT")
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
        """Make a record for each value."""
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=self.provider))
        for number, value in enumerate(values):
            parts = pulumi.Output.from_input(value).apply(lambda value: written(kind, value))
            cloudflare.DnsRecord(
                f"{key}-{number}" if number else key,
                zone_id=self.id,
                name=name,
                type=kind,
                content=parts["content"],
                # Only MX records have one.
                priority=parts["priority"] if kind == "MX" else None,
                ttl=float(dns.TTL_SECONDS),
                # A proxied name answers with Cloudflare's own addresses, and SES finds no CNAME there.
                proxied=False,
                comment=self.owner,
                opts=opts,
            )


def find(
    settings: Settings, env: Environment, asked: pulumi.InvokeOptions, provider: pulumi.ProviderResource | None
) -> CloudflareZone:
    """Look the zone up by its name or id.

    Raises:
        SettingsInvalid: There is none that the token may see.
    """
    wanted = settings.zone
    try:
        if is_cloudflare_zone_id(wanted):
            found = cloudflare.get_zone(zone_id=wanted, opts=asked)
        else:
            found = cloudflare.get_zone(filter={"name": wanted, "match": "all"}, opts=asked)
    except Exception as error:
        raise SettingsInvalid(
            f"Cloudflare gave no zone {wanted!r}: {error}\nSet {NAMESPACE}:zone to the name or id of the zone that "
            f"holds {settings.domain}, and CLOUDFLARE_API_TOKEN, or cloudflare:apiToken, to a token that may read that "
            "zone and edit its DNS."
        ) from error
    return CloudflareZone(found.zone_id or found.id, found.name, f"mailstack {env.stack}", asked, provider)


def refuse_conflicts(
    zone: CloudflareZone, settings: Settings, env: Environment, asked: pulumi.InvokeOptions | None
) -> None:
    """See that no record of others stands where ours will.

    Raises:
        SettingsInvalid: One does; the message says how to take it over.
    """
    records = dns.fixed_records(settings, env.region)
    elsewhere = dns.outside(records, zone.name)
    problems = [
        f"  {found['type']} {found['name']} {found['content']}\n    pulumi import {TOKEN} {key} {zone.id}/{found['id']}"
        for key, record in records.items()
        if key not in elsewhere
        for found in in_the_way(record, _standing(zone, record.name, asked), zone.owner)
    ]
    if problems:
        head = f"The zone {zone.name} holds records that this stack did not make, where its own will stand:"
        tail = (
            f"Nothing was deployed. Delete them; or give each the comment {zone.owner!r} in Cloudflare and take it "
            "over, with the line below it and --parent (docs/guides/dns.md)."
        )
        raise SettingsInvalid("\n".join([head, *problems, tail]))


def in_the_way(wanted: DnsRecord, standing: Iterable[Mapping[str, Any]], owner: str) -> Iterator[Mapping[str, Any]]:
    """The records under a name that are not ours and cannot stand beside ours.

    A CNAME stands alone (RFC 1034 §3.6.2), and of what a TXT value announces there may be one: `v=spf1`, `v=DMARC1`.
    """
    for found in standing:
        alone = "CNAME" in (wanted.type, found["type"])
        same = found["type"] == wanted.type and (
            wanted.type != "TXT" or _announced(found["content"]) == _announced(wanted.values[0])
        )
        if found["comment"] != owner and (alone or same):
            yield found


def written(kind: str, value: str) -> dict[str, Any]:
    """A value as the provider takes it: MX in two parts, TXT as quoted strings, which Cloudflare gives back unchanged.

    Example:
        >>> written("MX", "10 feedback-smtp.eu-west-1.amazonses.com")
        {'priority': 10.0, 'content': 'feedback-smtp.eu-west-1.amazonses.com'}
    """
    if kind == "MX":
        priority, _, host = value.partition(" ")
        return {"priority": float(priority), "content": host}
    return {"content": dns.quoted(value) if kind == "TXT" else value}


def _standing(zone: CloudflareZone, name: str, asked: pulumi.InvokeOptions | None) -> list[Mapping[str, Any]]:
    found = cloudflare.get_dns_records(zone_id=zone.id, name={"exact": name}, opts=asked).results or []
    return [cast("Mapping[str, Any]", record) for record in found]


def _announced(text: str) -> str:
    """What a TXT value is, as far as it says: its first word."""
    return text.replace('"', "").replace(";", " ").partition(" ")[0].lower()
