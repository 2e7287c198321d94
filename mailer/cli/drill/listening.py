"""A queue of a drill that listens to a topic, and is gone afterwards."""

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mailer.cli.drill.task import Task

# Seconds for which SQS keeps a message: the queue lives for minutes.
_KEPT = "3600"


@contextmanager
def listening(task: "Task", topic: str) -> "Generator[Callable[[], list[str]]]":
    """Subscribe a queue to a topic; yields what returns all messages that have arrived so far.

    Raw delivery: https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html
    """
    sqs, sns, course = task.site.client("sqs"), task.site.client("sns"), task.course
    with ExitStack() as undo:
        with course.step("subscribe a queue of the drill to the topic") as step:
            url = sqs.create_queue(QueueName=task.name, Attributes=_attributes(task.name, topic))["QueueUrl"]
            undo.callback(_remove, task, "delete the queue of the drill", lambda: sqs.delete_queue(QueueUrl=url))
            subscription = sns.subscribe(
                TopicArn=topic,
                Protocol="sqs",
                Endpoint=_arn(task.name, topic),
                Attributes={"RawMessageDelivery": "true"},
                ReturnSubscriptionArn=True,
            )["SubscriptionArn"]
            undo.callback(_remove, task, "unsubscribe it", lambda: sns.unsubscribe(SubscriptionArn=subscription))
            step.found = task.name
        arrived: list[str] = []

        def collected() -> list[str]:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ()):
                arrived.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return arrived

        yield collected


def _remove(task: "Task", what: str, remove: "Callable[[], object]") -> None:
    """Clean up. What AWS refuses is a failed step, and the rest is cleaned up all the same."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        with task.course.step(what):
            remove()
    except (BotoCoreError, ClientError):
        return  # the step has failed, and says why


def _arn(name: str, topic: str) -> str:
    partition, _, region, account = topic.split(":")[1:5]
    return f"arn:{partition}:sqs:{region}:{account}:{name}"


def _attributes(name: str, topic: str) -> dict[str, str]:
    """A queue that takes messages of this topic alone, encrypted with SQS's own key, which SNS can use."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": _arn(name, topic),
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return {"Policy": policy, "MessageRetentionPeriod": _KEPT, "SqsManagedSseEnabled": "true"}
