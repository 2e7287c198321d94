"""The SES identity that mail is sent from: of a domain, with its DNS records, or of a single address."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.dns import conflict, records
from mailstack_infra.dns.zone import Zone
from mailstack_infra.environment import Environment
from mailstack_infra.error_hints import explaining
from mailstack_infra.sending import dkim_rotation
from mailstack_infra.sending.identity_state import IdentityState
from mailstack_infra.settings import dkim_key
from mailstack_infra.settings.domain import Dkim
from mailstack_infra.settings.identity import IdentitySettings
from mailstack_infra.settings.marks import NAMESPACE

# The records that a protected identity needs, in addition to those of Easy DKIM.
_NEEDED = frozenset({"mail-from-mx", "mail-from-spf"})


class Identity(pulumi.ComponentResource):
    """A domain with DKIM, a MAIL FROM domain and their DNS records; or an address, which has none of these.

    Of an adopted identity, the stack sets only the parts that `takeOver` names; another stack may own the others.

    Args:
        settings: The settings of the identity.
        zone: The zone of the records; None if the stack does not publish them.
        before: The identity in SES before the deployment.
        configuration_set: The default set, for mail without one, so that its events are published, too.

    Attributes:
        identity: The SES identity.
        tokens: The three DKIM tokens, which SES creates; none with your own key or for an address.
    """

    def __init__(
        self,
        env: Environment,
        settings: IdentitySettings,
        *,
        zone: Zone | None,
        before: IdentityState,
        configuration_set: pulumi.Input[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:identity:Identity", "identity", None, opts)
        self._settings, self._child = settings, ResourceOptions(parent=self)
        self._earlier = dkim_rotation.kept(settings, zone)
        self.identity = self._adopted() if settings.adopt else self._created(env, configuration_set)
        # An adopted identity may sign with its owner's key, whose record the owner publishes.
        kept = before.origin == "EXTERNAL" and not settings.owns("records")
        count = 0 if settings.address or settings.dkim.private_key or kept else records.DKIM_TOKENS
        self.tokens = [
            self.identity.dkim_signing_attributes.tokens.apply(partial(_token, settings, number))
            for number in range(count)
        ]
        if settings.owns("feedback"):
            aws.sesv2.EmailIdentityFeedbackAttributes(
                "feedback",
                email_identity=self.identity.email_identity,
                # Set explicitly: SES defaults to true, the provider to false.
                email_forwarding_enabled=settings.feedback_forwarding,
                opts=self._child,
            )
        if settings.address:
            pulumi.log.info(
                f"{settings.address} can send after you follow the link in the mail that SES sent to it.", self
            )
        else:
            self._domain(env, zone)
        self.register_outputs({"arn": self.identity.arn})

    def _created(self, env: Environment, configuration_set: pulumi.Input[str]) -> aws.sesv2.EmailIdentity:
        settings = self._settings
        return aws.sesv2.EmailIdentity(
            self._key,
            email_identity=settings.name,
            configuration_set_name=configuration_set,
            # SES signs mail of an address by itself and accepts no DKIM attributes for it.
            dkim_signing_attributes=None if settings.address else signing(settings.dkim),
            tags=env.tags,
            opts=explaining(
                ResourceOptions(parent=self, protect=settings.protect or None), "identity-exists", exists_already
            ),
        )

    def _adopted(self) -> aws.sesv2.EmailIdentity:
        """Read it instead of importing it: Pulumi would refuse differences, and would delete it with the stack."""
        return aws.sesv2.EmailIdentity.get(self._key, self._settings.name, opts=self._child)

    @property
    def _protected(self) -> ResourceOptions:
        """The options of resources without which mail of the identity would fail."""
        return ResourceOptions(parent=self, protect=self._settings.protect or None)

    @property
    def _key(self) -> str:
        return "address" if self._settings.address else "domain"

    def _domain(self, env: Environment, zone: Zone | None) -> None:
        settings = self._settings
        if settings.owns("mailFrom"):
            aws.sesv2.EmailIdentityMailFromAttributes(
                "mail-from",
                email_identity=self.identity.email_identity,
                mail_from_domain=settings.mail_from_domain,
                behavior_on_mx_failure=settings.mail_from.on_mx_failure,
                opts=self._protected,
            )
        if zone:
            self._publish(env.region, zone)
        else:
            pulumi.log.info(
                f"Publish the DNS records yourself: `mailer dns --stack {env.stack}` prints them.", resource=self
            )

    def _publish(self, region: str, zone: Zone) -> None:
        domain, record_opts = self._settings.domain, conflict.explaining(self._child)
        # Use the same hook: Pulumi refuses a second one of that name.
        kept_opts = ResourceOptions.merge(self._protected, ResourceOptions(hooks=record_opts.hooks))
        for number, token in enumerate(self.tokens if self._settings.owns("records") else ()):
            # Created here, not inside `apply`, so that a preview shows them although their names are still unknown.
            record = token.apply(lambda token: records.dkim_record(token, domain, region))
            zone.publish(
                f"dkim-{number}",
                kind="CNAME",
                name=record.apply(lambda record: record.name),
                values=[record.apply(lambda record: record.values[0])],
                opts=kept_opts,
            )
        fixed = records.fixed_records(self._settings, region)
        elsewhere = records.outside(fixed, zone.name)
        for key, record in fixed.items():
            if key not in elsewhere:
                opts = kept_opts if key in _NEEDED else record_opts
                if key.startswith("dkim."):  # its key was `dkim` in earlier versions
                    opts = ResourceOptions.merge(opts, ResourceOptions(aliases=[pulumi.Alias(name="dkim")]))
                zone.publish(key, kind=record.type, name=record.name, values=record.values, opts=opts)
        for selector, values in self._earlier.items():
            name = dkim_rotation.name(self._settings, selector)
            zone.publish(f"dkim.{selector}", kind="TXT", name=name, values=values, opts=record_opts)
        for record in elsewhere.values():
            pulumi.log.warn(
                f'{record.name} is not in the zone {zone.name}. Ask the owner of its zone to publish: {record.type} "'
                f'{record.values[0]}"',
                resource=self,
            )


def exists_already(_: str, __: str, inputs: Mapping[str, Any], error: str) -> str:
    """What to do if SES has the identity already; empty for any other error.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateEmailIdentity.html
    """
    if "AlreadyExists" not in error:
        return ""
    return (
        f"The identity {inputs.get('emailIdentity')} already exists in this account and region: another stack or "
        f"tool created it. To use it as it is: pulumi config set {NAMESPACE}:adopt true, then deploy again "
        "(docs/guides/dns.md)."
    )


def _token(settings: IdentitySettings, number: int, tokens: Sequence[str]) -> str:
    """One of the DKIM tokens. With BYODKIM the selector is the only token."""
    if len(tokens) == records.DKIM_TOKENS:
        return tokens[number]
    if settings.adopt:
        raise pulumi.RunError(
            f"The identity {settings.name} signs with its owner's key (BYODKIM); only Easy DKIM can be adopted. "
            "Switch it first: aws sesv2 put-email-identity-dkim-signing-attributes --signing-attributes-origin AWS_SES "
            f"--email-identity {settings.name}"
        )
    return cast("str", pulumi.UNKNOWN)  # a preview of the switch from BYODKIM: SES creates the tokens in the deployment


def signing(dkim: Dkim) -> pulumi.Input[aws.sesv2.EmailIdentityDkimSigningAttributesArgs]:
    """The DKIM key: SES's own, or the given one, which stays encrypted in the state."""
    if not dkim.private_key:
        return aws.sesv2.EmailIdentityDkimSigningAttributesArgs(next_signing_key_length=f"RSA_{dkim.key_length}_BIT")
    own = aws.sesv2.EmailIdentityDkimSigningAttributesArgs(
        domain_signing_selector=dkim.selector, domain_signing_private_key=dkim_key.base64_of(dkim.private_key)
    )
    return pulumi.Output.secret(own)
