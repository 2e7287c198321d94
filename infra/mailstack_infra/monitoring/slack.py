"""Slack channels that show pages and warnings, through AWS Chatbot ("Amazon Q Developer in chat applications").

AWS has no API that allows Chatbot into a workspace: docs/guides/monitoring.md describes that step.
"""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import KEEP_NAME, Environment
from mailstack_infra.iam import statements, trust
from mailstack_infra.settings.slack import Slack


class SlackChannels(pulumi.ComponentResource):
    """Channels of one workspace, and a role that can only read alarms and graphs.

    Chatbot subscribes to the topics with a role of its own, and SNS decrypts what it delivers, so no policy of topics
    and keys names Chatbot.

    Args:
        settings: The workspace and its channels.
        paging: The topic of the channel for pages.
        warnings: The topic of the channel for warnings.
    """

    def __init__(
        self,
        env: Environment,
        settings: Slack,
        *,
        paging: aws.sns.Topic,
        warnings: aws.sns.Topic,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:slack:SlackChannels", "slack", None, opts)
        self._env, self._child = env, ResourceOptions(parent=self)
        role, guardrail = self._role()
        topics = {"page": paging, "warn": warnings}
        for channel, kinds in settings.channels.items():
            shown = dict.fromkeys(topics[kind] for kind in kinds)  # without a topic for warnings, both are the same
            aws.chatbot.SlackChannelConfiguration(
                channel.lower(),
                configuration_name=env.channel_name(channel),
                slack_team_id=settings.workspace,
                slack_channel_id=channel,
                sns_topic_arns=[topic.arn for topic in shown],
                iam_role_arn=role.arn,
                guardrail_policy_arns=[guardrail.arn],
                tags=env.tags,
                opts=self._child,
            )
        self.register_outputs({})

    def _role(self) -> tuple[aws.iam.Role, aws.iam.Policy]:
        env, child = self._env, self._child
        kept = child.merge(KEEP_NAME)
        seen = statements.document(*statements.see_alarms(env.arn("cloudwatch", f"alarm:{env.name('*')}")))
        role = aws.iam.Role(
            "slack", name=env.iam_name("slack"), assume_role_policy=trust.chatbot(), tags=env.tags, opts=kept
        )
        aws.iam.RolePolicy("slack", name="see", role=role.name, policy=seen, opts=child)
        guardrail = aws.iam.Policy(
            "slack",
            name=env.iam_name("slack"),
            # AWS's default is AdministratorAccess, which would allow whatever role a member of the channel assumes.
            description=f"The most that anybody may do from the Slack channels of the stack {env.stack}",
            policy=seen,
            tags=env.tags,
            opts=kept,
        )
        return role, guardrail
