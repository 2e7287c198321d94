"""A queue of the live check's own, which hears what the stack's topics publish: events of SES, and pages."""

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from mailer.stack import StackOutputs

if TYPE_CHECKING:
    from collections.abc import Callable

# SQS's longest wait for a message, in seconds.
_LONG_POLL = 10


class Witness:
    """The queue, and the messages that it got.

    Args:
        client: Gives a boto3 client by the service's name.
        outputs: Of the stack.
        name: The queue's name.
    """

    def __init__(self, client: "Callable[[str], Any]", outputs: StackOutputs, name: str) -> None:
        self._sqs, self._sns = client("sqs"), client("sns")
        self.messages: list[dict[str, Any]] = []
        self._subscriptions: list[str] = []
        partition = outputs.identity_arn.split(":")[1]
        arn = f"arn:{partition}:sqs:{outputs.region}:{outputs.account_id}:{name}"
        topics = (outputs.events_topic_arn, outputs.paging_topic_arn)
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": list(topics)}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._url = self._sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
        for topic in topics:
            raw = {"RawMessageDelivery": "true"}
            found = self._sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
            self._subscriptions.append(found["SubscriptionArn"])

    def listen(self, seconds: int = _LONG_POLL) -> list[dict[str, Any]]:
        """Wait for messages, and return the new ones."""
        found = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=seconds)
        new: list[dict[str, Any]] = []
        for message in found.get("Messages", []):
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            with suppress(ValueError):  # the guard's page is plain text
                body: object = json.loads(message["Body"])
                if isinstance(body, dict):
                    new.append(cast("dict[str, Any]", body))
                    continue
            new.append({"text": message["Body"]})
        self.messages += new
        return new

    def close(self) -> None:
        """Delete the queue and its subscriptions; what is gone already is no error."""
        for arn in self._subscriptions:
            with suppress(BotoCoreError, ClientError):
                self._sns.unsubscribe(SubscriptionArn=arn)
        with suppress(BotoCoreError, ClientError):
            self._sqs.delete_queue(QueueUrl=self._url)
