"""AWS Chatbot. After internal/service/chatbot/slack_channel_configuration.go."""

from typing import Any

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import Arg, Resource, Tagging, as_set, form
from mailstack_localcloud.pulumi.provider.resources._names import given
from mailstack_localcloud.pulumi.wire import Props

# The official provider would change the first two in place; Chatbot's API takes neither, so that the change would fail.
_SLACK = {
    "configurationName": Arg(
        "ConfigurationName",
        replaces=True,
        allowed=form(r"[A-Za-z0-9_-]{1,128}", "has letters, digits, - and _, at most 128"),
    ),
    "slackTeamId": Arg(
        "SlackTeamId", replaces=True, allowed=form(r"[0-9A-Z]{1,255}", "has capital letters and digits, at most 255")
    ),
    "slackChannelId": Arg("SlackChannelId", allowed=form(r"[A-Za-z0-9]{1,255}", "has letters and digits, at most 255")),
    "iamRoleArn": Arg("IamRoleArn"),
    "guardrailPolicyArns": Arg("GuardrailPolicyArns", keeps=True),
    "loggingLevel": Arg("LoggingLevel", default="NONE", allowed=("ERROR", "INFO", "NONE")),
    "snsTopicArns": Arg("SnsTopicArns", keeps=True, same=as_set),
    "userAuthorizationRequired": Arg("UserAuthorizationRequired", default=False),
}
_FIXED = ("configurationName", "slackTeamId")


def _members(wanted: Props, names: frozenset[str]) -> dict[str, Any]:
    return {_SLACK[name].api: wanted[name] for name in _SLACK if name in names and name in wanted}


def _create(cloud: Cloud, wanted: Props) -> str:
    request = given(_members(wanted, frozenset(_SLACK)))
    made = cloud.chatbot.create_slack_channel_configuration(**request, Tags=_tags(wanted["tags"]))
    return made["ChannelConfiguration"]["ChatConfigurationArn"]


def _tags(tags: dict[str, str]) -> Any:
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


def _read(cloud: Cloud, arn: str, _: Props) -> Props | None:
    listed = cloud.chatbot.describe_slack_channel_configurations(ChatConfigurationArn=arn)
    configurations: list[Any] = listed.get("SlackChannelConfigurations", [])
    if not configurations:
        return None
    (found,) = configurations
    return {
        **{name: found[arg.api] for name, arg in _SLACK.items() if arg.api in found},
        "chatConfigurationArn": arn,
        "slackChannelName": found["SlackChannelName"],
        "slackTeamName": found["SlackTeamName"],
    }


def _update(cloud: Cloud, arn: str, wanted: Props, _: frozenset[str]) -> None:
    request = _members(wanted, frozenset(_SLACK) - set(_FIXED))
    cloud.chatbot.update_slack_channel_configuration(ChatConfigurationArn=arn, **request)


RESOURCES = (
    Resource(
        kind="aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
        args=_SLACK,
        create=_create,
        read=_read,
        update=_update,
        delete=lambda cloud, arn, _: cloud.chatbot.delete_slack_channel_configuration(ChatConfigurationArn=arn),
        computed=("chatConfigurationArn", "slackChannelName", "slackTeamName"),
        identity=("configurationName",),
        tags=Tagging(
            read=lambda cloud, state: {
                tag["TagKey"]: tag["TagValue"]
                for tag in cloud.chatbot.list_tags_for_resource(ResourceARN=state["id"]).get("Tags", [])
            },
            add=lambda cloud, state, tags: cloud.chatbot.tag_resource(ResourceARN=state["id"], Tags=_tags(tags)),
            remove=lambda cloud, state, keys: cloud.chatbot.untag_resource(ResourceARN=state["id"], TagKeys=keys),
        ),
    ),
)
