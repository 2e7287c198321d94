"""The domain that mail comes from: its SES identity, and the DNS records that prove it is ours."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra import dkim_key, dns
from mailstack_infra.dns_route53 import Zone
from mailstack_infra.environment import Environment
from mailstack_infra.settings.model import Settings


class Identity(pulumi.ComponentResource):
    """A domain identity with Easy DKIM and a MAIL FROM domain, and their records where the zone is ours.

    Args:
        zone: Where the records go; None when somebody else publishes them.
        configuration_set: The set that mail goes through when its sender names none, so that nothing goes unseen.

    Attributes:
        identity: The SES identity.
        tokens: The three DKIM tokens, once SES has made them; none for a key of one's own.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        zone: Zone | None,
        configuration_set: pulumi.Input[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:identity:Identity", "identity", None, opts)
        self._settings, self._child = settings, ResourceOptions(parent=self)
        self.identity = self._adopted() if settings.adopt else self._made(env, configuration_set)
        count = 0 if settings.dkim.private_key else dns.DKIM_TOKENS
        self.tokens = [self.identity.dkim_signing_attributes.tokens[i] for i in range(count)]
        aws.sesv2.EmailIdentityMailFromAttributes(
            "mail-from",
            email_identity=self.identity.email_identity,
            mail_from_domain=settings.mail_from_domain,
            behavior_on_mx_failure=settings.mail_from.on_mx_failure,
            opts=self._child,
        )
        aws.sesv2.EmailIdentityFeedbackAttributes(
            "feedback",
            email_identity=self.identity.email_identity,
            # Said, for the provider's default is not SES's.
            email_forwarding_enabled=settings.feedback_forwarding,
            opts=self._child,
        )
        if zone:
            self._publish(env.region, zone)
        else:
            pulumi.log.info(f"Publish the DNS records yourself: mailer dns --stack {env.stack}", resource=self)
        self.register_outputs({"arn": self.identity.arn})

    def _made(self, env: Environment, configuration_set: pulumi.Input[str]) -> aws.sesv2.EmailIdentity:
        settings = self._settings
        return aws.sesv2.EmailIdentity(
            "domain",
            email_identity=settings.domain,
            configuration_set_name=configuration_set,
            dkim_signing_attributes=signing(settings),
            tags=env.tags,
            opts=ResourceOptions(parent=self, protect=settings.protect),
        )

    def _adopted(self) -> aws.sesv2.EmailIdentity:
        """Read, not imported: Pulumi refuses to import what differs from the program, and would delete it one day."""
        return aws.sesv2.EmailIdentity.get("domain", self._settings.domain, opts=self._child)

    def _publish(self, region: str, zone: Zone) -> None:
        domain = self._settings.domain
        for number, token in enumerate(self.tokens):
            # The records are made here, not inside `apply`: a preview shows them though their names are unknown yet.
            record = token.apply(lambda token: dns.dkim_record(token, domain, region))
            zone.publish(
                f"dkim-{number}",
                kind="CNAME",
                name=record.apply(lambda record: record.name),
                values=record.apply(lambda record: list(record.values)),
                opts=self._child,
            )
        fixed = dns.fixed_records(self._settings, region)
        elsewhere = dns.outside(fixed, zone.name)
        for key, record in fixed.items():
            if key not in elsewhere:
                zone.publish(key, kind=record.type, name=record.name, values=list(record.values), opts=self._child)
        for record in elsewhere.values():
            pulumi.log.warn(
                f'{record.name} is not in the zone {zone.name}. Ask its owner to publish: {record.type} "'
                f'{record.values[0]}"',
                resource=self,
            )


def signing(settings: Settings) -> pulumi.Input[aws.sesv2.EmailIdentityDkimSigningAttributesArgs]:
    """Whose key signs: SES's own, or the one given, which stays encrypted in the state."""
    dkim = settings.dkim
    if not dkim.private_key:
        return aws.sesv2.EmailIdentityDkimSigningAttributesArgs(next_signing_key_length=f"RSA_{dkim.key_length}_BIT")
    own = aws.sesv2.EmailIdentityDkimSigningAttributesArgs(
        domain_signing_selector=dkim.selector, domain_signing_private_key=dkim_key.base64_of(dkim.private_key)
    )
    return pulumi.Output.secret(own)
