"""Slack channels that show what is paged, through AWS Chatbot ("Amazon Q Developer in chat applications").

The one step that AWS has no API for, allowing it into the workspace, stands in docs/guides/monitoring.md.
"""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import KEEP_NAME, Environment
from mailstack_infra.iam import statements, trust
from mailstack_infra.settings.slack import Slack


class SlackChannels(pulumi.ComponentResource):
    """Channels of one workspace, and a role that can look at this stack's alarms and at graphs, and at nothing else.

    Chatbot subscribes to the topics by a role of its own, and SNS decrypts what it delivers: no policy names it.

    Args:
        paging: What the channel for pages shows.
        warnings: What the channel for warnings shows.
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
            shown = dict.fromkeys(topics[kind] for kind in kinds)  # where warnings page, both are one topic
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
            # The default is AdministratorAccess, whichever role a member of the channel then assumes.
            description=f"The most that anybody may do from the Slack channels of the stack {env.stack}",
            policy=seen,
            tags=env.tags,
            opts=kept,
        )
        return role, guardrail
