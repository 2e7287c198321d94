"""The outputs that the library reads: one `StackOutputs`, exported and stored in Systems Manager."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailer.stack import MAX_ADVANCED_CHARACTERS, MAX_PARAMETER_CHARACTERS, StackOutputs, Stream, parameter_name
from mailstack_infra.dns import records as dns
from mailstack_infra.environment import Environment
from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings

# https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-easy.html; what a role's name may end in.
DKIM_TOKEN, LONGEST_ROLE = 32, 24


class Outputs(pulumi.ComponentResource):
    """The outputs and the parameter that holds them, written once all else is there.

    Args:
        fields: Every field of `StackOutputs` that the environment does not give.
        ready: What must be there before the library may find the stack: all else.
        protect: Whether to refuse to delete the parameter. It needs all else, so it is the first to be deleted, and
            `pulumi destroy` stops at it before anything is gone.

    Attributes:
        values: The outputs; unknown in a preview of what is not deployed yet.
        json: The same as text, as the parameter holds it.
        exports: What the program exports: each field, and `outputs`, which is all of them.
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
            # The advanced tier costs by the month. Left out, a parameter stays in the tier that it is in.
            tier=self.json.apply(tier),
            description="What the library reads of this stack",
            # Nothing in it is secret, and so a preview shows what changes.
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
    """The tier that a value needs."""
    return "Advanced" if len(text.encode()) > MAX_PARAMETER_CHARACTERS else None


def check_size(env: Environment, settings: Settings) -> None:
    """See that the parameter will hold the outputs, before anything is made.

    Raises:
        SettingsInvalid: It will not.
    """
    size = len(_estimated(env, settings).to_json().encode())
    if size > MAX_ADVANCED_CHARACTERS:
        raise SettingsInvalid(
            f"The outputs would be about {size} characters long, and a parameter of Systems Manager holds "
            f"{MAX_ADVANCED_CHARACTERS}. Have fewer than {len(settings.streams)} streams, shorter names, or let them "
            f"have the names that the stack gives: pulumi config rm --path '{NAMESPACE}:streams.NAME.configurationSet'."
        )


def _estimated(env: Environment, settings: Settings) -> StackOutputs:
    """The outputs with what AWS computes at its usual length."""
    queue = f"https://sqs.{env.region}.{env.dns_suffix}/{env.account_id}/{env.name('feedback-dlq')}"
    role = f"arn:{env.partition}:iam::{env.account_id}:role/{env.name('x' * LONGEST_ROLE)}"
    sets = {name: stream.called(env.name(name)) for name, stream in settings.streams.items()}
    tokens = [] if settings.address or settings.dkim.private_key else ["x" * DKIM_TOKEN] * dns.DKIM_TOKENS
    topic = env.arn("sns", env.name("events"))
    return StackOutputs(
        stack=env.stack,
        region=env.region,
        account_id=env.account_id,
        domain=settings.domain or settings.sender_domain,
        identity_arn=env.arn("ses", f"identity/{settings.identity}"),
        mail_from_domain=settings.mail_from_domain,
        sender=settings.sender,
        streams={
            name: Stream(configuration_set=called, configuration_set_arn=env.arn("ses", f"configuration-set/{called}"))
            for name, called in sets.items()
        },
        endpoint_id="x" * DKIM_TOKEN if settings.secondary_region else "",
        table=env.name("store"),
        table_arn=env.arn("dynamodb", f"table/{env.name('store')}"),
        message_log_days=settings.message_log.days,
        events_topic_arn=topic,
        paging_topic_arn=topic,
        feedback_queue_url=queue,
        feedback_dlq_url=queue,
        feedback_function=env.name("feedback"),
        guard_function=env.name("sending-guard"),
        sender_policy_arn=role,
        roles=dict.fromkeys((*settings.access.services, *settings.access.oidc), role),
        smtp_secret=env.name("smtp") if settings.access.smtp.keys else "",
        dns_records=dns.records(settings, env.region, tokens),
    )


def compact(values: StackOutputs) -> str:
    """The parameter's value.

    Raises:
        ValueError: It is longer than Systems Manager takes.
    """
    text = values.to_json()
    if len(text.encode()) > MAX_ADVANCED_CHARACTERS:
        raise ValueError(
            f"The outputs are {len(text.encode())} characters long; a parameter holds {MAX_ADVANCED_CHARACTERS}. "
            "Shorten the stack's name, or have fewer streams."
        )
    return text
