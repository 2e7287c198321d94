"""Events that come twice and backwards, on command."""

import json
from typing import Any

import pytest

from mailstack_localcloud import LocalCloud
from tests.integration.queues import open_to

pytestmark = pytest.mark.integration

RULE = {"source": ["aws.ses"]}


def published(cloud: LocalCloud, **settings: bool) -> list[tuple[str, str]]:
    """The (type, message id) of the events of one delivered mail, as they reach a bus's queue."""
    cloud.control("PUT", "account", dict(settings))
    ses, sqs, events = cloud.client("sesv2"), cloud.client("sqs"), cloud.client("events")
    queue = sqs.create_queue(QueueName="events", Attributes=open_to("events", "events"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="ses", EventPattern=json.dumps(RULE))
    events.put_targets(Rule="ses", Targets=[{"Id": "queue", "Arn": arn}])
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    bus = "arn:aws:events:us-east-1:000000000000:event-bus/default"
    destination: Any = {
        "Enabled": True,
        "MatchingEventTypes": ["SEND", "DELIVERY"],
        "EventBridgeDestination": {"EventBusArn": bus},
    }
    ses.create_configuration_set(ConfigurationSetName="set")
    ses.create_configuration_set_event_destination(
        ConfigurationSetName="set", EventDestinationName="bus", EventDestination=destination
    )
    content: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}}
    ses.send_email(
        FromEmailAddress="ada@example.test",
        Destination={"ToAddresses": ["bob@example.com"]},
        Content=content,
        ConfigurationSetName="set",
    )
    cloud.control("POST", "events/drain")
    received = [message for _ in range(5) for message in sqs.receive_message(QueueUrl=queue).get("Messages", [])]
    details = [json.loads(message.get("Body", "{}"))["detail"] for message in received]
    return [(detail["eventType"], detail["mail"]["messageId"]) for detail in details]


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        ({}, ["Send", "Delivery"]),
        ({"reverse_events": True}, ["Delivery", "Send"]),
        ({"duplicate_events": True}, ["Send", "Send", "Delivery", "Delivery"]),
        ({"duplicate_events": True, "reverse_events": True}, ["Delivery", "Delivery", "Send", "Send"]),
    ],
)
def test_duplicate_and_reversed_events_on_command(cloud: LocalCloud, settings: dict[str, bool], kinds: list[str]):
    events = published(cloud, **settings)
    assert [kind for kind, _ in events] == kinds
    assert len({message_id for _, message_id in events}) == 1
