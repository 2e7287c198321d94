"""Publishing DNS records in Amazon Route 53. Not for which records there are (`dns.py`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from mailstack_infra import dns
from mailstack_infra.checks import is_zone_id
from mailstack_infra.configuration import SettingsInvalid
from mailstack_infra.settings.base import NAMESPACE
from mailstack_infra.settings.model import Settings


@dataclass(frozen=True)
class Route53Zone:
    """A public hosted zone.

    Attributes:
        name: Without a trailing dot.
        overwrite: Whether to take over records that are there already.
    """

    id: str
    name: str
    overwrite: bool = False

    def publish(
        self,
        key: str,
        *,
        kind: str,
        name: pulumi.Input[str],
        values: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Make one record set."""
        aws.route53.Record(
            key,
            zone_id=self.id,
            name=name,
            type=kind,
            ttl=dns.TTL_SECONDS,
            records=pulumi.Output.all(*values).apply(lambda given: [written(kind, value) for value in given]),
            # Left out it is false; said, it would stand as an addition on the next run of an imported record.
            allow_overwrite=True if self.overwrite else None,
            opts=opts,
        )


def find(settings: Settings, asked: pulumi.InvokeOptions | None) -> Route53Zone:
    """Look the hosted zone up by its name or id.

    Raises:
        SettingsInvalid: There is none.
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
            "to cloudflare or none."
        ) from error
    return Route53Zone(found.zone_id, found.name.rstrip("."), settings.overwrite_records)


def written(kind: str, value: str) -> str:
    """A value as the provider takes it: it adds the outer quotes of a TXT value, the inner ones are ours."""
    return '""'.join(dns.strings(value)) if kind == "TXT" else value
