"""The outputs that the library reads: one `StackOutputs`, exported and stored in Systems Manager."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailer.stack import MAX_ADVANCED_CHARACTERS, MAX_PARAMETER_CHARACTERS, StackOutputs, Stream, WarmUp, parameter_name
from mailstack_infra.dns import records as dns
from mailstack_infra.environment import Environment
from mailstack_infra.settings.identity import IdentitySettings
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.problems import SettingsInvalid

# https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-easy.html; a role's longest suffix.
DKIM_TOKEN, LONGEST_ROLE = 32, 24


class Outputs(pulumi.ComponentResource):
    """The outputs and the parameter that holds them, created after all other resources.

    Args:
        fields: The fields of `StackOutputs`, other than those of the environment.
        ready: All other resources: the library must not find a stack that is incomplete.
        protect: Whether Pulumi refuses to delete the parameter. It depends on all others, so it is deleted first, and
            `pulumi destroy` stops at it before anything is deleted.

    Attributes:
        values: The outputs; unknown in a preview before the first deployment.
        json: The same as text, the parameter's value.
        exports: The program's exports: each field, and `outputs` with all of them.
    """

    def __init__(
        self,
        env: Environment,
        fields: Mapping[str, pulumi.Input[Any]],
        *,
        ready: list[pulumi.Resource],
        protect: bool,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:outputs:Outputs", "outputs", None, opts)
        here = {"stack": env.stack, "region": env.region, "account_id": env.account_id}
        self.values = pulumi.Output.all(**here, **fields).apply(StackOutputs.model_validate)
        self.json = self.values.apply(compact)
        aws.ssm.Parameter(
            "outputs",
            name=parameter_name(env.stack),
            type="String",
            # The advanced tier costs by the month. Without a tier, a parameter keeps the one that it has.
            tier=self.json.apply(tier),
            description="What the library reads of this stack",
            # It has no secrets; a plain value lets a preview show changes.
            insecure_value=self.json,
            tags=env.tags,
            opts=ResourceOptions(parent=self, depends_on=ready, protect=protect or None),
        )
        everything = self.values.apply(lambda values: values.model_dump(mode="json"))
        self.exports: dict[str, pulumi.Output[Any]] = {
            "outputs": everything,
            **{name: everything[name] for name in StackOutputs.model_fields},
        }
        self.register_outputs({})


def tier(text: str) -> str | None:
    """The tier that a value needs; None for the standard tier."""
    return "Advanced" if len(text.encode()) > MAX_PARAMETER_CHARACTERS else None


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is known of the outputs before a deployment, to estimate their size.

    Attributes:
        identity: The identity and its DNS records.
        sender: The default From header.
        sender_domain: The domain of the default From address.
        sets: The name of each stream's configuration set.
        roles: The names of the roles for applications.
        endpoint: Whether there is a multi-region endpoint.
        smtp: Whether there is an SMTP user.
        message_log_days: How long the message log is kept.
        warm_up: The plan of a new domain; None without.
        bulk: Whether applications may send bulk requests.
        brand: The brand of the mails.
    """

    identity: IdentitySettings
    sender: str
    sender_domain: str
    sets: Mapping[str, str]
    roles: Sequence[str]
    endpoint: bool
    smtp: bool
    message_log_days: int
    warm_up: Mapping[str, str | float] | None
    bulk: bool
    brand: Mapping[str, Any]


def check_size(env: Environment, expected: Expected) -> None:
    """Check that the parameter can hold the outputs, before anything is created.

    Raises:
        SettingsInvalid: They are too long.
    """
    size = len(_estimated(env, expected).to_json().encode())
    if size > MAX_ADVANCED_CHARACTERS:
        raise SettingsInvalid(
            f"The outputs would be about {size} characters long; a parameter of Systems Manager holds "
            f"{MAX_ADVANCED_CHARACTERS}. Use fewer than {len(expected.sets)} streams, shorter names, or the names that "
            f"the stack gives: pulumi config rm --path '{NAMESPACE}:streams.NAME.configurationSet'."
        )


def _estimated(env: Environment, expected: Expected) -> StackOutputs:
    """The outputs; what AWS computes has its usual length."""
    queue = f"https://sqs.{env.region}.{env.dns_suffix}/{env.account_id}/{env.name('feedback-dlq')}"
    role = f"arn:{env.partition}:iam::{env.account_id}:role/{env.name('x' * LONGEST_ROLE)}"
    identity, topic = expected.identity, env.arn("sns", env.name("events"))
    tokens = [] if identity.address or identity.dkim.private_key else ["x" * DKIM_TOKEN] * dns.DKIM_TOKENS
    return StackOutputs(
        stack=env.stack,
        region=env.region,
        account_id=env.account_id,
        domain=identity.domain or expected.sender_domain,
        identity_arn=env.arn("ses", f"identity/{identity.name}"),
        mail_from_domain=identity.mail_from_domain,
        sender=expected.sender,
        brand=dict(expected.brand),
        streams={
            name: Stream(configuration_set=called, configuration_set_arn=env.arn("ses", f"configuration-set/{called}"))
            for name, called in expected.sets.items()
        },
        endpoint_id="x" * DKIM_TOKEN if expected.endpoint else "",
        table=env.name("store"),
        table_arn=env.arn("dynamodb", f"table/{env.name('store')}"),
        message_log_days=expected.message_log_days,
        warm_up=WarmUp.model_validate(expected.warm_up) if expected.warm_up else None,
        bulk=expected.bulk,
        events_topic_arn=topic,
        paging_topic_arn=topic,
        feedback_queue_url=queue,
        feedback_dlq_url=queue,
        feedback_function=env.name("feedback"),
        guard_function=env.name("sending-guard"),
        sender_policy_arn=role,
        roles=dict.fromkeys(expected.roles, role),
        smtp_secret=env.name("smtp") if expected.smtp else "",
        dns_records=dns.records(identity, env.region, tokens),
    )


def compact(values: StackOutputs) -> str:
    """The parameter's value.

    Raises:
        SettingsInvalid: It is longer than Systems Manager allows.
    """
    text = values.to_json()
    if len(text.encode()) > MAX_ADVANCED_CHARACTERS:
        raise SettingsInvalid(
            f"The outputs are {len(text.encode())} characters long; a parameter holds {MAX_ADVANCED_CHARACTERS}. "
            "Shorten the stack's name, or use fewer streams."
        )
    return text
