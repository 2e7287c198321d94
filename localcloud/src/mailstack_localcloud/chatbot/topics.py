"""Chatbot's subscriptions to SNS topics, and the messages that they deliver to channels.

In AWS Chatbot subscribes an HTTPS endpoint of its own. Here the endpoint is on this server, so SNS delivers as to any
other subscriber, with filters.
"""

import asyncio
import functools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from mailstack_localcloud.backend.calls import InProcess
from mailstack_localcloud.backend.credentials import ACCOUNT_ID
from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.chatbot.notifications import shown
from mailstack_localcloud.chatbot.protocol import invalid
from mailstack_localcloud.chatbot.state import Message, SlackChannel

_CONFIRMATION_SECONDS = 60.0
# As in AWS: a message may differ by protocol. ministack takes an endpoint without TLS by that name, too.
_PROTOCOL = "https"
_PENDING = "pending confirmation"  # what SNS says in place of an ARN until it has it


class Topics:
    """Chatbot as a subscriber of topics, in whatever region they are."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._confirmed: dict[tuple[str, str], asyncio.Event] = {}

    @functools.cache  # noqa: B019 - there is one of these as long as the process lives
    def _sns(self, region: str) -> InProcess:
        return InProcess(self._backend.app, region=region, access_key=ACCOUNT_ID)

    def _endpoint(self, channel: str) -> str:
        return f"{self._backend.endpoint}/_localcloud/slack/{channel}/sns"

    async def check(self, topics: Iterable[str]) -> None:
        """Refuse topics that are not there, or that Chatbot cannot subscribe to.

        Raises:
            ChatbotError: One is not a standard topic of this account.
        """
        for arn in topics:
            if arn.split(":")[2] != "sns" or arn.endswith(".fifo"):
                raise invalid(f"{arn} is not the ARN of a standard SNS topic.")
            try:
                await self._sns(arn.split(":")[3]).call("sns", "GetTopicAttributes", TopicArn=arn)
            except ClientError as error:
                raise invalid(f"The SNS topic {arn} does not exist.") from error

    async def subscribe(self, channel: str, topics: Iterable[str]) -> None:
        """Subscribe a channel, and wait until SNS has the confirmation; what is subscribed already stays so."""
        for arn in topics:
            confirmed = self._confirmed[channel, arn] = asyncio.Event()
            endpoint = self._endpoint(channel)
            sns = self._sns(arn.split(":")[3])
            try:
                made = await sns.call("sns", "Subscribe", TopicArn=arn, Protocol=_PROTOCOL, Endpoint=endpoint)
                if made["SubscriptionArn"] == _PENDING:
                    await asyncio.wait_for(confirmed.wait(), _CONFIRMATION_SECONDS)
            finally:
                del self._confirmed[channel, arn]

    async def unsubscribe(self, channel: str, topics: Iterable[str]) -> None:
        """Unsubscribe a channel; topics that are gone took their subscriptions with them."""
        for arn in topics:
            sns = self._sns(arn.split(":")[3])
            try:
                found = await sns.call("sns", "ListSubscriptionsByTopic", TopicArn=arn)
            except ClientError:
                continue
            for subscription in found.get("Subscriptions", []):
                if subscription["Endpoint"] == self._endpoint(channel):
                    await sns.call("sns", "Unsubscribe", SubscriptionArn=subscription["SubscriptionArn"])

    async def receive(self, channel: SlackChannel, envelope: Mapping[str, Any]) -> None:
        """Take what SNS posts: the question whether to subscribe, or a notification."""
        arn, kind = str(envelope.get("TopicArn", "")), envelope.get("Type")
        if kind == "SubscriptionConfirmation":
            await self._confirm(channel.name, arn, str(envelope.get("Token", "")))
        elif kind == "Notification" and arn in channel.topics:
            message = str(envelope.get("Message", ""))
            seen = shown(message)
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            subject = str(envelope.get("Subject") or "")
            channel.messages.append(Message(now, arn, subject, message, bool(seen.kind), *seen))

    async def _confirm(self, channel: str, arn: str, token: str) -> None:
        await self._sns(arn.split(":")[3]).call("sns", "ConfirmSubscription", TopicArn=arn, Token=token)
        if (channel, arn) in self._confirmed:
            self._confirmed[channel, arn].set()
