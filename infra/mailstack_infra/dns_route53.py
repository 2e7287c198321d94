"""Publishing DNS records in Amazon Route 53. Not for which records there are (`dns.py`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from mailstack_infra import dns
from mailstack_infra.checks import is_zone_id, within
from mailstack_infra.configuration import SettingsInvalid
from mailstack_infra.settings.base import NAMESPACE
from mailstack_infra.settings.model import Settings


@dataclass(frozen=True)
class Zone:
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
        values: pulumi.Input[Sequence[str]],
        opts: pulumi.ResourceOptions,
    ) -> aws.route53.Record:
        """Make one record set. A preview shows it even where its name and values are unknown yet."""
        return aws.route53.Record(
            key,
            zone_id=self.id,
            name=name,
            type=kind,
            ttl=dns.TTL_SECONDS,
            records=pulumi.Output.from_input(values).apply(lambda given: [_written(kind, value) for value in given]),
            # Left out it is false; said, it would stand as an addition on the next run of an imported record.
            allow_overwrite=True if self.overwrite else None,
            opts=opts,
        )


def find_zone(settings: Settings, asked: pulumi.InvokeOptions | None = None) -> Zone | None:
    """The hosted zone that the records go to, looked up before anything is made; None when they go elsewhere.

    Args:
        settings: Which zone.
        asked: Whose provider is asked; the default one's unless given.

    Raises:
        SettingsInvalid: There is no such zone, or it does not hold the domain.
    """
    if settings.address or settings.dns != "route53":
        return None
    wanted, domain = settings.zone, settings.domain
    advice = (
        f"Set {NAMESPACE}:zone to the name or id of the public hosted zone that holds {domain}, or create it; where "
        f"the zone is not in Route 53, set {NAMESPACE}:dns to none."
    )
    try:
        if is_zone_id(wanted):
            found = aws.route53.get_zone(zone_id=wanted, opts=asked)
        else:
            found = aws.route53.get_zone(name=wanted, private_zone=False, opts=asked)
    except Exception as error:
        raise SettingsInvalid(f"Route 53 gave no zone {wanted!r}: {error}\n{advice}") from error
    zone = Zone(found.zone_id, found.name.rstrip("."), settings.overwrite_records)
    if not within(domain, zone.name):
        raise SettingsInvalid(f"The zone {wanted!r} is {zone.name}, which does not hold {domain}. {advice}")
    return zone


def _written(kind: str, value: str) -> str:
    """A value as the provider takes it: it adds the outer quotes of a TXT value, the inner ones are ours."""
    return '""'.join(dns.strings(value)) if kind == "TXT" else value
