"""Chatbot as one object: finds a request's operation, calls its handler and checks the answer."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from mailstack_localcloud.backend.calls import InProcess
from mailstack_localcloud.backend.credentials import ACCOUNT_ID
from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.backend.policies import allows
from mailstack_localcloud.chatbot import protocol
from mailstack_localcloud.chatbot.protocol import ChatbotError, invalid, not_emulated
from mailstack_localcloud.chatbot.state import ADMINISTRATOR, SlackChannel
from mailstack_localcloud.chatbot.topics import Topics
from mailstack_localcloud.http import Request, Response

FORMAT = "mailstack local cloud: Chatbot"
VERSION = 1
_Parameters = dict[str, Any]
_Output = dict[str, Any]
_CHATBOT = "chatbot.amazonaws.com"
_AWS_POLICIES = "arn:aws:iam::aws:policy/"
_MAX_TAGS = 50


class Chatbot:
    """The emulated service."""

    def __init__(self, backend: Backend) -> None:
        self.channels: dict[str, SlackChannel] = {}
        """By their names."""
        self.topics = Topics(backend)
        self._iam = InProcess(backend.app, region=backend.region, access_key=ACCOUNT_ID)

    @staticmethod
    def has(path: str) -> bool:
        """Whether one of its operations is there."""
        return path in protocol.operations()

    def reset(self) -> None:
        """Forget every channel."""
        self.channels.clear()

    def as_json(self) -> dict[str, Any]:
        """Everything, as a file holds it."""
        channels = [channel.as_json() for channel in self.channels.values()]
        return {"format": FORMAT, "version": VERSION, "channels": channels}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `as_json` wrote.

        Raises:
            ValueError: It is something else.
        """
        if (kept.get("format"), kept.get("version")) != (FORMAT, VERSION):
            raise ValueError(f"it has the format {kept.get('format')!r}, version {kept.get('version')!r}")
        try:
            channels = [SlackChannel.from_json(value) for value in kept["channels"]]
        except (KeyError, TypeError) as error:
            raise ValueError(repr(error)) from error
        self.channels = {channel.name: channel for channel in channels}

    async def handle(self, request: Request) -> Response:
        """Answer one request that is signed for Chatbot."""
        try:
            operation = protocol.operations()[request.path]
            handler = _HANDLERS.get(operation.name)
            if handler is None:
                return protocol.error_answer(not_emulated(operation.name))
            return protocol.answer(operation, await handler(self, protocol.parse(operation, request)))
        except ChatbotError as error:
            return protocol.error_answer(error)

    # --- Slack channel configurations --------------------------------------------------------------------------------

    async def create(self, p: _Parameters) -> _Output:
        """CreateSlackChannelConfiguration. Every workspace counts as one that Chatbot was let into."""
        name = str(p["ConfigurationName"])
        await self._check(p)
        if name in self.channels:
            raise ChatbotError("ConflictException", f"A configuration named {name} already exists.")
        channel = SlackChannel(
            name=name,
            arn=f"arn:aws:chatbot::{ACCOUNT_ID}:chat-configuration/slack-channel/{name}",
            team_id=p["SlackTeamId"],
            channel_id=p["SlackChannelId"],
            channel_name=p.get("SlackChannelName", p["SlackChannelId"]),
            role=p["IamRoleArn"],
            tags={tag["TagKey"]: tag["TagValue"] for tag in p.get("Tags", [])},
        )
        self.channels[name] = channel
        try:
            await self._set(channel, p)
        except Exception:
            del self.channels[name]
            await self.topics.unsubscribe(name, channel.topics)
            raise
        return {"ChannelConfiguration": _configuration(channel)}

    async def update(self, p: _Parameters) -> _Output:
        """UpdateSlackChannelConfiguration: what is not said stays."""
        channel = self._existing(str(p["ChatConfigurationArn"]))
        await self._check(p)
        await self._set(channel, p)
        return {"ChannelConfiguration": _configuration(channel)}

    async def delete(self, p: _Parameters) -> _Output:
        """DeleteSlackChannelConfiguration."""
        channel = self._existing(str(p["ChatConfigurationArn"]))
        del self.channels[channel.name]
        await self.topics.unsubscribe(channel.name, channel.topics)
        return {}

    async def describe(self, p: _Parameters) -> _Output:
        """DescribeSlackChannelConfigurations: one or all, on one page."""
        wanted = p.get("ChatConfigurationArn")
        found = [channel for channel in self.channels.values() if wanted in {None, channel.arn}]
        return {"SlackChannelConfigurations": [_configuration(channel) for channel in found]}

    def _existing(self, arn: str) -> SlackChannel:
        found = next((channel for channel in self.channels.values() if channel.arn == arn), None)
        if found is None:
            raise ChatbotError("ResourceNotFoundException", f"{arn} does not exist.")
        return found

    async def _check(self, p: _Parameters) -> None:
        if "IamRoleArn" in p:
            await self._check_role(str(p["IamRoleArn"]))
        for policy in p.get("GuardrailPolicyArns", []):
            await self._check_policy(str(policy))
        await self.topics.check(p.get("SnsTopicArns", []))

    async def _check_role(self, arn: str) -> None:
        try:
            found = await self._iam.call("iam", "GetRole", RoleName=arn.rpartition("/")[2])
        except ClientError as error:
            raise invalid(f"The role {arn} does not exist.") from error
        document = unquote(str(found["Role"]["AssumeRolePolicyDocument"]))  # as IAM sends it; boto3 hides that
        context = {"aws:sourceaccount": ACCOUNT_ID}
        if found["Role"]["Arn"] != arn or not allows(
            document, action="sts:AssumeRole", resource=arn, context=context, service=_CHATBOT
        ):
            raise invalid(f"The role {arn} does not let {_CHATBOT} assume it.")

    async def _check_policy(self, arn: str) -> None:
        if not arn.startswith(_AWS_POLICIES):
            try:
                await self._iam.call("iam", "GetPolicy", PolicyArn=arn)
            except ClientError as error:
                raise invalid(f"The guardrail policy {arn} does not exist.") from error

    async def _set(self, channel: SlackChannel, p: _Parameters) -> None:
        channel.channel_id = p["SlackChannelId"]
        channel.channel_name = p.get("SlackChannelName", channel.channel_name)
        channel.role = p.get("IamRoleArn", channel.role)
        channel.logging_level = p.get("LoggingLevel", channel.logging_level)
        channel.user_authorization_required = p.get("UserAuthorizationRequired", channel.user_authorization_required)
        if "GuardrailPolicyArns" in p:
            channel.guardrails = p["GuardrailPolicyArns"] or [ADMINISTRATOR]
        if "SnsTopicArns" in p:
            before, channel.topics = channel.topics, _each_once(p["SnsTopicArns"])
            await self.topics.unsubscribe(channel.name, [arn for arn in before if arn not in channel.topics])
            await self.topics.subscribe(channel.name, channel.topics)

    # --- Tags --------------------------------------------------------------------------------------------------------

    async def tag(self, p: _Parameters) -> _Output:
        """TagResource."""
        tags = self._existing(str(p["ResourceARN"])).tags
        wanted = tags | {tag["TagKey"]: tag["TagValue"] for tag in p["Tags"]}
        if len(wanted) > _MAX_TAGS:
            raise ChatbotError("TooManyTagsException", f"A resource has at most {_MAX_TAGS} tags.")
        tags.update(wanted)
        return {}

    async def untag(self, p: _Parameters) -> _Output:
        """UntagResource; missing keys are not an error."""
        tags = self._existing(str(p["ResourceARN"])).tags
        for key in p["TagKeys"]:
            tags.pop(key, None)
        return {}

    async def list_tags(self, p: _Parameters) -> _Output:
        """ListTagsForResource."""
        return {"Tags": _tags(self._existing(str(p["ResourceARN"])))}


def _each_once(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _tags(channel: SlackChannel) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in channel.tags.items()]


def _configuration(channel: SlackChannel) -> _Output:
    return {
        "ChatConfigurationArn": channel.arn,
        "ConfigurationName": channel.name,
        "SlackTeamId": channel.team_id,
        "SlackTeamName": channel.team_id,  # the name of the workspace is not known here
        "SlackChannelId": channel.channel_id,
        "SlackChannelName": channel.channel_name,
        "IamRoleArn": channel.role,
        "SnsTopicArns": channel.topics,
        "LoggingLevel": channel.logging_level,
        "GuardrailPolicyArns": channel.guardrails,
        "UserAuthorizationRequired": channel.user_authorization_required,
        "Tags": _tags(channel),
        "State": "ENABLED",
    }


_HANDLERS: dict[str, Callable[[Chatbot, _Parameters], Awaitable[_Output]]] = {
    "CreateSlackChannelConfiguration": Chatbot.create,
    "UpdateSlackChannelConfiguration": Chatbot.update,
    "DeleteSlackChannelConfiguration": Chatbot.delete,
    "DescribeSlackChannelConfigurations": Chatbot.describe,
    "TagResource": Chatbot.tag,
    "UntagResource": Chatbot.untag,
    "ListTagsForResource": Chatbot.list_tags,
}
