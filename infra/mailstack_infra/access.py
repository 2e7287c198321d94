"""What an application that sends may do, as a policy to attach to the role that it runs as."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailer.stack import parameter_name
from mailstack_infra import policies
from mailstack_infra.environment import Environment
from mailstack_infra.settings.model import Settings


class Access(pulumi.ComponentResource):
    """The sender policy.

    Args:
        configuration_set_arns: The sets that it may send through.

    Attributes:
        sender_policy: A managed policy. Attach it to your application's role.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        configuration_set_arns: list[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:access:Access", "access", None, opts)
        identities = [settings.identity, *policies.recipient_identities(settings.allowed_recipients)]
        self.sender_policy = aws.iam.Policy(
            "sender",
            name=env.name("sender"),
            description=f"Send mail from {settings.identity} through the stack {env.stack}",
            policy=env.with_key(
                lambda key: policies.sender(
                    sending_arns=[
                        *(env.arn("ses", f"identity/{name}") for name in dict.fromkeys(identities)),
                        *configuration_set_arns,
                    ],
                    senders=settings.senders,
                    recipients=settings.allowed_recipients,
                    table_arn=env.arn("dynamodb", f"table/{env.name('store')}"),
                    parameter_arn=env.arn("ssm", f"parameter{parameter_name(env.stack)}"),
                    more=key,
                ),
                "dynamodb",
            ),
            tags=env.tags,
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({"sender_policy": self.sender_policy.arn})
