"""The domain that mail comes from: its SES identity, and the DNS records that prove it is ours."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra import dns
from infra.checks import is_zone_id, within
from infra.configuration import NAMESPACE, SettingsInvalid
from infra.environment import Environment
from infra.settings import Settings


@dataclass(frozen=True)
class Zone:
    """A Route 53 hosted zone: its id, and its name without a trailing dot."""

    id: str
    name: str


class Identity(pulumi.ComponentResource):
    """A domain identity with Easy DKIM and a MAIL FROM domain, and their records in Route 53.

    Args:
        zone: Where the records go.
        configuration_set: The set that mail goes through when its sender names none, so that nothing goes unseen.

    Attributes:
        identity: The SES identity.
        tokens: The three DKIM tokens, once SES has made them.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        zone: Zone,
        configuration_set: pulumi.Input[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:identity:Identity", "identity", None, opts)
        self._settings, self._child = settings, ResourceOptions(parent=self)
        self.identity = aws.sesv2.EmailIdentity(
            "domain",
            email_identity=settings.domain,
            configuration_set_name=configuration_set,
            dkim_signing_attributes={"next_signing_key_length": f"RSA_{settings.dkim.key_length}_BIT"},
            tags=env.tags,
            opts=ResourceOptions(parent=self, protect=settings.protect),
        )
        self.tokens = [self.identity.dkim_signing_attributes.tokens[i] for i in range(dns.DKIM_TOKENS)]
        aws.sesv2.EmailIdentityMailFromAttributes(
            "mail-from",
            email_identity=self.identity.email_identity,
            mail_from_domain=settings.mail_from_domain,
            behavior_on_mx_failure=settings.mail_from.on_mx_failure,
            opts=self._child,
        )
        self._publish(env.region, zone)
        self.register_outputs({"arn": self.identity.arn})

    def _publish(self, region: str, zone: Zone) -> None:
        domain = self._settings.domain
        for number, token in enumerate(self.tokens):
            # The records are made here, not inside `apply`: a preview shows them though their names are unknown yet.
            record = token.apply(lambda token: dns.dkim_record(token, domain, region))
            self._record(
                f"dkim-{number}",
                zone.id,
                kind="CNAME",
                name=record.apply(lambda record: record.name),
                values=record.apply(lambda record: list(record.values)),
            )
        fixed = dns.fixed_records(self._settings, region)
        elsewhere = dns.outside(fixed, zone.name)
        for key, record in fixed.items():
            if key not in elsewhere:
                self._record(key, zone.id, kind=record.type, name=record.name, values=list(record.values))
        for record in elsewhere.values():
            pulumi.log.warn(
                f'{record.name} is not in the zone {zone.name}. Ask its owner to publish: {record.type} "'
                f'{record.values[0]}"',
                resource=self,
            )

    def _record(
        self,
        key: str,
        zone_id: str,
        *,
        kind: str,
        name: pulumi.Input[str],
        values: pulumi.Input[list[str]],
    ) -> None:
        aws.route53.Record(
            key, zone_id=zone_id, name=name, type=kind, ttl=dns.TTL_SECONDS, records=values, opts=self._child
        )


def find_zone(settings: Settings) -> Zone:
    """The hosted zone that the records go to, looked up before anything is made.

    Raises:
        SettingsInvalid: There is no such zone, or it does not hold the domain.
    """
    wanted, domain = settings.zone, settings.domain
    advice = f"Set {NAMESPACE}:zone to the name or id of the public hosted zone that holds {domain}, or create it."
    try:
        if is_zone_id(wanted):
            found = aws.route53.get_zone(zone_id=wanted)
        else:
            found = aws.route53.get_zone(name=wanted, private_zone=False)
    except Exception as error:
        raise SettingsInvalid(f"Route 53 gave no zone {wanted!r}: {error}\n{advice}") from error
    zone = Zone(found.zone_id, found.name.rstrip("."))
    if not within(domain, zone.name):
        raise SettingsInvalid(f"The zone {wanted!r} is {zone.name}, which does not hold {domain}. {advice}")
    return zone
