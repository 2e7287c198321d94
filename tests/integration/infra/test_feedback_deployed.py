"""The feedback zip as a Lambda of the local cloud, behind topic, queue and DLQ, as a stack deploys it."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailstack_infra.functions.packages import build
from mailstack_localcloud import LocalCloud
from tests.integration.queues import open_to
from tests.integration.tables import new_table
from tests.unit.mailer.feedback.payloads import load
from tests.waiting import eventually

pytestmark = pytest.mark.integration


class Deployed:
    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self._sns, self._sqs, self._lambda = cloud.client("sns"), cloud.client("sqs"), cloud.client("lambda")
        self._mark = uuid.uuid4().hex[:8]
        dynamodb = cloud.client("dynamodb")
        table = new_table(dynamodb)
        self.suppressions = DynamoDBSuppressions(table, dynamodb)
        self.dlq, dlq_arn = self._queue("dlq", {})
        redrive = json.dumps({"deadLetterTargetArn": dlq_arn, "maxReceiveCount": 2})
        _, queue_arn = self._queue("feedback", {"VisibilityTimeout": "1", "RedrivePolicy": redrive})
        self.topic = self._sns.create_topic(Name=f"events-{self._mark}")["TopicArn"]
        self._sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=queue_arn)
        name = f"feedback-{self._mark}"
        self._lambda.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role="arn:aws:iam::000000000000:role/feedback",
            Handler="handler.handle",
            Code={"ZipFile": build("feedback", folder).path.read_bytes()},
            Environment={"Variables": {"MAILSTACK_TABLE": table, "MAILSTACK_MESSAGE_LOG_DAYS": "0"}},
        )
        self.mapping = self._lambda.create_event_source_mapping(
            EventSourceArn=queue_arn,
            FunctionName=name,
            BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )["UUID"]

    def _queue(self, name: str, attributes: dict[str, str]) -> tuple[str, str]:
        whole = open_to("sns", f"{name}-{self._mark}") | attributes
        url = self._sqs.create_queue(QueueName=f"{name}-{self._mark}", Attributes=whole)["QueueUrl"]
        return url, self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def publish(self, message: str) -> None:
        self._sns.publish(TopicArn=self.topic, Message=message)

    def dead(self) -> list[str]:
        messages = self._sqs.receive_message(QueueUrl=self.dlq, VisibilityTimeout=0).get("Messages", [])
        return [json.loads(message["Body"])["Message"] for message in messages]

    def close(self) -> None:
        self._lambda.delete_event_source_mapping(UUID=self.mapping)
        self._lambda.delete_function(FunctionName=f"feedback-{self._mark}")


@pytest.fixture
def deployed(cloud: LocalCloud, tmp_path: Path) -> Iterator[Deployed]:
    stack = Deployed(cloud, tmp_path)
    yield stack
    stack.close()


def test_a_bounce_becomes_a_suppression_and_junk_ends_in_the_dlq(deployed: Deployed):
    deployed.publish("junk")
    deployed.publish(json.dumps(load("bounce")) + "\n")
    eventually(lambda: deployed.suppressions.get_many(["ada@example.org"]), "no suppression of who bounced")
    assert eventually(deployed.dead, "no message in the dead-letter queue") == ["junk"]
