"""Who mail comes from: the SES identity of a domain with the DNS records that prove it is ours, or of one address."""

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
from mailstack_infra.sending.identity_state import Standing
from mailstack_infra.settings import dkim_key
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings

# Records that a protected identity needs, beside those of Easy DKIM.
_NEEDED = frozenset({"mail-from-mx", "mail-from-spf"})


class Identity(pulumi.ComponentResource):
    """A domain with DKIM, a MAIL FROM domain and their records where the zone is ours; or an address, which has none.

    An adopted identity keeps what another stack may own: of MAIL FROM, feedback and records only what `takeOver` names.

    Args:
        zone: Where the records go; None if the stack does not publish them.
        before: The identity as SES has it.
        configuration_set: The set that mail goes through when its sender names none, so that nothing goes unseen.

    Attributes:
        identity: The SES identity.
        tokens: The three DKIM tokens, once SES has made them; none for a key of one's own or an address.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        zone: Zone | None,
        before: Standing,
        configuration_set: pulumi.Input[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:identity:Identity", "identity", None, opts)
        self._settings, self._child = settings, ResourceOptions(parent=self)
        self._earlier = dkim_rotation.kept(settings, zone)
        self.identity = self._adopted() if settings.adopt else self._made(env, configuration_set)
        # Another's identity may sign with a key of its own, whose record is its owner's.
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
            pulumi.log.info(f"{settings.address} may send once the link in SES's mail to it was followed.", self)
        else:
            self._domain(env, zone)
        self.register_outputs({"arn": self.identity.arn})

    def _made(self, env: Environment, configuration_set: pulumi.Input[str]) -> aws.sesv2.EmailIdentity:
        settings = self._settings
        return aws.sesv2.EmailIdentity(
            self._key,
            email_identity=settings.identity,
            configuration_set_name=configuration_set,
            # SES signs for an address by itself, and takes no attributes for it.
            dkim_signing_attributes=None if settings.address else signing(settings),
            tags=env.tags,
            opts=explaining(
                ResourceOptions(parent=self, protect=settings.protect or None), "identity-exists", exists_already
            ),
        )

    def _adopted(self) -> aws.sesv2.EmailIdentity:
        """Read, not imported: Pulumi refuses to import what differs from the program, and would delete it one day."""
        return aws.sesv2.EmailIdentity.get(self._key, self._settings.identity, opts=self._child)

    @property
    def _kept(self) -> ResourceOptions:
        """The options of what mail from a protected identity does not pass without."""
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
                opts=self._kept,
            )
        if zone:
            self._publish(env.region, zone)
        else:
            pulumi.log.info(f"Publish the DNS records yourself: mailer dns --stack {env.stack}", resource=self)

    def _publish(self, region: str, zone: Zone) -> None:
        domain, record_opts = self._settings.domain, conflict.explaining(self._child)
        # The same hook: Pulumi refuses a second one under its name.
        kept_opts = ResourceOptions.merge(self._kept, ResourceOptions(hooks=record_opts.hooks))
        for number, token in enumerate(self.tokens if self._settings.owns("records") else ()):
            # The records are made here, not inside `apply`: a preview shows them though their names are unknown yet.
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
                if key.startswith("dkim."):  # which was `dkim`, whatever the selector
                    opts = ResourceOptions.merge(opts, ResourceOptions(aliases=[pulumi.Alias(name="dkim")]))
                zone.publish(key, kind=record.type, name=record.name, values=record.values, opts=opts)
        for selector, values in self._earlier.items():
            name = dkim_rotation.name(self._settings, selector)
            zone.publish(f"dkim.{selector}", kind="TXT", name=name, values=values, opts=record_opts)
        for record in elsewhere.values():
            pulumi.log.warn(
                f'{record.name} is not in the zone {zone.name}. Ask its owner to publish: {record.type} "'
                f'{record.values[0]}"',
                resource=self,
            )


def exists_already(_: str, __: str, inputs: Mapping[str, Any], error: str) -> str:
    """What to do where SES has the identity already; empty where the error is another one.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateEmailIdentity.html
    """
    if "AlreadyExists" not in error:
        return ""
    return (
        f"The identity {inputs.get('emailIdentity')} exists in this account and region already: another stack or "
        f"another tool created it. To use it as it is: pulumi config set {NAMESPACE}:adopt true, and deploy again "
        "(docs/guides/dns.md)."
    )


def _token(settings: Settings, number: int, tokens: Sequence[str]) -> str:
    """One of the tokens. Where SES signs with a key of somebody's own, its selector is the only one."""
    if len(tokens) == records.DKIM_TOKENS:
        return tokens[number]
    if settings.adopt:
        raise pulumi.RunError(
            f"The identity {settings.identity} signs with a key of its own (BYODKIM); only Easy DKIM can be adopted. "
            "Switch it first: aws sesv2 put-email-identity-dkim-signing-attributes --signing-attributes-origin AWS_SES "
            f"--email-identity {settings.identity}"
        )
    return cast("str", pulumi.UNKNOWN)  # a preview of the way back from a key of one's own: the new ones come with it


def signing(settings: Settings) -> pulumi.Input[aws.sesv2.EmailIdentityDkimSigningAttributesArgs]:
    """Whose key signs: SES's own, or the one given, which stays encrypted in the state."""
    dkim = settings.dkim
    if not dkim.private_key:
        return aws.sesv2.EmailIdentityDkimSigningAttributesArgs(next_signing_key_length=f"RSA_{dkim.key_length}_BIT")
    own = aws.sesv2.EmailIdentityDkimSigningAttributesArgs(
        domain_signing_selector=dkim.selector, domain_signing_private_key=dkim_key.base64_of(dkim.private_key)
    )
    return pulumi.Output.secret(own)
