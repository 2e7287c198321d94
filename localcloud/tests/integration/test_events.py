"""From a send to a page: event destinations, metrics, alarms, queues, the clock."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from tests.integration.queues import open_to
from tests.waiting import eventually

pytestmark = pytest.mark.integration

ACCOUNT = "000000000000"
HELLO: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello Ada"}}}}
EVENTS = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY"]
NOTICE = "Successfully validated SNS topic for Amazon SES event publishing."


class Loop:
    """A verified domain, a configuration set, a topic, and a queue that hears it."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.ses: Any = cloud.client("sesv2")
        self.sns: Any = cloud.client("sns")
        self.sqs: Any = cloud.client("sqs")
        self.ses.create_email_identity(EmailIdentity="example.test")
        cloud.control("POST", "identities/example.test/verify")
        self.ses.create_configuration_set(
            ConfigurationSetName="news", ReputationOptions={"ReputationMetricsEnabled": True}
        )
        self.topic = self.sns.create_topic(Name="events")["TopicArn"]
        self.queue = self.hear(self.topic)

    def hear(self, topic: str) -> str:
        name = topic.rpartition(":")[2]
        attributes = open_to("sns", f"{name}-heard")
        queue = self.sqs.create_queue(QueueName=f"{name}-heard", Attributes=attributes)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}-heard"
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        return queue

    def allow(self, configuration_set: str = "news") -> None:
        source = f"arn:aws:ses:us-east-1:{ACCOUNT}:configuration-set/{configuration_set}"
        condition = {"StringEquals": {"AWS:SourceAccount": ACCOUNT, "AWS:SourceArn": source}}
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": self.topic,
            "Condition": condition,
        }
        self.set_policy({"Version": "2012-10-17", "Statement": [statement]})

    def set_policy(self, policy: dict[str, Any]) -> None:
        self.sns.set_topic_attributes(TopicArn=self.topic, AttributeName="Policy", AttributeValue=json.dumps(policy))

    def connect(self, *, enabled: bool = True, events: list[str] | None = None) -> None:
        destination = {
            "Enabled": enabled,
            "MatchingEventTypes": events or EVENTS,
            "SnsDestination": {"TopicArn": self.topic},
        }
        self.ses.create_configuration_set_event_destination(
            ConfigurationSetName="news", EventDestinationName="sns", EventDestination=destination
        )

    def send(self, *to: str) -> str:
        sent = self.ses.send_email(
            FromEmailAddress="ada@example.test",
            Destination={"ToAddresses": list(to)},
            Content=HELLO,
            ConfigurationSetName="news",
            EmailTags=[{"Name": "kind", "Value": "welcome"}],
        )
        self.cloud.control("POST", "events/drain")
        return sent["MessageId"]

    def heard(self, queue: str = "") -> list[str]:
        got = self.sqs.receive_message(QueueUrl=queue or self.queue, MaxNumberOfMessages=10).get("Messages", [])
        for one in got:
            self.sqs.delete_message(QueueUrl=queue or self.queue, ReceiptHandle=one["ReceiptHandle"])
        return [one["Body"] for one in got]

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.heard() if body != NOTICE]

    def metric(self, name: str, statistic: str, **dimensions: str) -> float | None:
        found = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SES",
            MetricName=name,
            Dimensions=[
                {"Name": k.replace("_", "-").replace("ses-", "ses:"), "Value": v} for k, v in dimensions.items()
            ],
            StartTime=datetime.now(UTC) - timedelta(minutes=10),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=3600,
            Statistics=[statistic],
        )["Datapoints"]
        return sum(point[statistic] for point in found) if found else None


@pytest.fixture
def loop(cloud: LocalCloud) -> Loop:
    return Loop(cloud)


def test_destination_needs_a_topic_policy_for_ses(loop: Loop):
    loop.allow("another-set")
    with pytest.raises(ClientError, match=r"Could not publish message to SNS topic .*policy does not allow") as error:
        loop.connect()
    assert error.value.response["Error"]["Code"] == "BadRequestException"
    loop.allow()
    loop.connect()
    assert loop.heard() == [NOTICE]


def test_default_topic_policy_allows_ses_to_publish(loop: Loop):
    loop.connect()
    assert loop.heard() == [NOTICE]
    loop.send("ada@example.com")
    assert [event["eventType"] for event in loop.events()] == ["Send", "Delivery"]


def test_validation_message_has_no_subject(loop: Loop):
    loop.allow()
    enveloped = loop.sqs.create_queue(QueueName="enveloped", Attributes=open_to("sns", "enveloped"))["QueueUrl"]
    loop.sns.subscribe(TopicArn=loop.topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:enveloped")
    loop.connect()
    loop.send("ada@example.com")
    notice, *events = (json.loads(body) for body in loop.heard(enveloped))
    assert (notice["Message"], "Subject" in notice) == (NOTICE, False)
    assert [event["Subject"] for event in events] == ["Amazon SES Email Event Notification"] * 2


def test_a_destination_needs_a_topic_that_exists(loop: Loop):
    loop.sns.delete_topic(TopicArn=loop.topic)
    with pytest.raises(ClientError, match=r"SNS topic <.*> not found\."):
        loop.connect()


def test_every_recipient_has_events_of_its_own(loop: Loop):
    loop.allow()
    loop.connect()
    message_id = loop.send("success@simulator.amazonses.com", "bounce@simulator.amazonses.com", "ada@example.com")
    events = loop.events()
    assert {event["mail"]["messageId"] for event in events} == {message_id}
    assert sorted(event["eventType"] for event in events) == ["Bounce", "Delivery", "Delivery", "Send"]
    bounced = next(event for event in events if event["eventType"] == "Bounce")["bounce"]["bouncedRecipients"]
    assert [recipient["emailAddress"] for recipient in bounced] == ["bounce@simulator.amazonses.com"]
    tags = events[0]["mail"]["tags"]
    assert (tags["ses:configuration-set"], tags["kind"]) == (["news"], ["welcome"])


def test_enabled_destinations_get_matching_events_only(loop: Loop):
    loop.allow()
    loop.connect(enabled=False, events=["BOUNCE"])
    loop.send("bounce@simulator.amazonses.com")
    assert loop.events() == []
    loop.ses.update_configuration_set_event_destination(
        ConfigurationSetName="news",
        EventDestinationName="sns",
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": ["BOUNCE"],
            "SnsDestination": {"TopicArn": loop.topic},
        },
    )
    loop.send("bounce@simulator.amazonses.com")
    assert [event["eventType"] for event in loop.events()] == ["Bounce"]


def test_removing_the_topic_policy_stops_the_events(loop: Loop):
    loop.allow()
    loop.connect()
    loop.set_policy({"Version": "2012-10-17", "Statement": []})
    loop.send("success@simulator.amazonses.com")
    assert loop.events() == []


def test_destinations_are_shown_and_deleted(loop: Loop):
    loop.allow()
    loop.connect(events=["BOUNCE"])
    shown = loop.ses.get_configuration_set_event_destinations(ConfigurationSetName="news")["EventDestinations"]
    assert shown == [
        {
            "Name": "sns",
            "Enabled": True,
            "MatchingEventTypes": ["BOUNCE"],
            "SnsDestination": {"TopicArn": loop.topic},
        }
    ]
    loop.ses.delete_configuration_set_event_destination(ConfigurationSetName="news", EventDestinationName="sns")
    assert loop.ses.get_configuration_set_event_destinations(ConfigurationSetName="news")["EventDestinations"] == []


def test_events_reach_eventbridge(loop: Loop):
    bridge: Any = loop.cloud.client("events")
    queue = loop.sqs.create_queue(QueueName="bridged", Attributes=open_to("events", "bridged"))["QueueUrl"]
    bridge.put_rule(Name="ses", EventPattern=json.dumps({"source": ["aws.ses"], "detail-type": ["Email Bounced"]}))
    bridge.put_targets(Rule="ses", Targets=[{"Id": "q", "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:bridged"}])
    destination = {
        "Enabled": True,
        "MatchingEventTypes": ["SEND", "BOUNCE"],
        "EventBridgeDestination": {"EventBusArn": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"},
    }
    loop.ses.create_configuration_set_event_destination(
        ConfigurationSetName="news", EventDestinationName="bridge", EventDestination=destination
    )
    loop.send("bounce@simulator.amazonses.com")
    bodies = eventually(lambda: loop.heard(queue), "no event came by EventBridge")
    assert [json.loads(body)["detail"]["bounce"]["bounceType"] for body in bodies] == ["Permanent"]


def test_cloudwatch_destination_counts_by_its_dimensions(loop: Loop):
    dimension = {"DimensionName": "kind", "DimensionValueSource": "MESSAGE_TAG", "DefaultDimensionValue": "none"}
    destination = {
        "Enabled": True,
        "MatchingEventTypes": ["SEND"],
        "CloudWatchDestination": {"DimensionConfigurations": [dimension]},
    }
    loop.ses.create_configuration_set_event_destination(
        ConfigurationSetName="news", EventDestinationName="cw", EventDestination=destination
    )
    loop.send("ada@example.com")
    assert loop.metric("Send", "Sum", kind="welcome") == 1


def test_clicks_become_metrics_with_the_tags_of_their_links(loop: Loop):
    dimension = {"DimensionName": "button", "DimensionValueSource": "LINK_TAG", "DefaultDimensionValue": "none"}
    destination = {
        "Enabled": True,
        "MatchingEventTypes": ["CLICK"],
        "CloudWatchDestination": {"DimensionConfigurations": [dimension]},
    }
    loop.ses.create_configuration_set_event_destination(
        ConfigurationSetName="news", EventDestinationName="cw", EventDestination=destination
    )
    html = '<a href="https://example.com/a" ses:tags="button:buy">Buy</a> <a href="https://example.com/b">Read</a>'
    content: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Html": {"Data": html}}}}
    sent = loop.ses.send_email(
        FromEmailAddress="ada@example.test",
        Destination={"ToAddresses": ["ada@example.com"]},
        Content=content,
        ConfigurationSetName="news",
    )["MessageId"]
    for link in ("https://example.com/a", "https://example.com/b"):
        loop.cloud.control("POST", f"messages/{sent}/events", {"event": "click", "link": link})
    loop.cloud.control("POST", "events/drain")
    assert (loop.metric("Click", "Sum", button="buy"), loop.metric("Click", "Sum", button="none")) == (1, 1)


def test_metrics_count_recipients_for_account_and_enabled_sets(loop: Loop):
    loop.send("ada@example.com", "bounce@simulator.amazonses.com")
    counts = {name: loop.metric(name, "Sum") for name in ("Send", "Delivery", "Bounce")}
    assert counts == {"Send": 2, "Delivery": 1, "Bounce": 1}
    assert loop.metric("Send", "Sum", ses_configuration_set="news") is None


def test_reputation_metrics_exclude_the_simulator(loop: Loop):
    loop.cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    loop.ses.create_configuration_set(ConfigurationSetName="quiet")
    loop.send("bounce@simulator.amazonses.com", "a@example.com", "b@example.com", "c@example.com", "x@gone.test")
    loop.cloud.control("POST", "alarms/evaluate")
    assert loop.metric("Reputation.BounceRate", "Maximum") == 0.25
    assert loop.metric("Reputation.BounceRate", "Maximum", ses_configuration_set="news") == 0.25
    assert loop.metric("Reputation.ComplaintRate", "Maximum") == 0
    assert loop.metric("Reputation.BounceRate", "Maximum", ses_configuration_set="quiet") is None


def alarm(loop: Loop, name: str, **changes: Any) -> str:
    """An alarm that pages; the queue that hears the page."""
    topic = loop.sns.create_topic(Name=f"{name}-pages")["TopicArn"]
    loop.cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        EvaluationPeriods=1,
        Period=60,
        Statistic="Maximum",
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[topic],
        **changes,
    )
    return loop.hear(topic)


def test_bounce_rate_alarm_of_a_set_pages_with_its_name(loop: Loop):
    dimensions = [{"Name": "ses:configuration-set", "Value": "news"}]
    rate = {"Namespace": "AWS/SES", "MetricName": "Reputation.BounceRate", "Threshold": 0.05}
    pages = alarm(loop, "bounces", Dimensions=dimensions, TreatMissingData="ignore", **rate)
    other = [{"Name": "ses:configuration-set", "Value": "other"}]
    quiet = alarm(loop, "other", Dimensions=other, TreatMissingData="ignore", **rate)
    loop.cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    loop.send("x@gone.test")
    heard = eventually(lambda: loop.heard(pages), "the clock did not evaluate the alarm")
    page = json.loads(heard[0])
    assert (page["NewStateValue"], page["AlarmName"]) == ("ALARM", "bounces")
    assert page["Trigger"]["Dimensions"] == [{"value": "news", "name": "ses:configuration-set"}]
    assert loop.heard(quiet) == []


def test_composite_alarm_pages_with_rule_and_changed_child(loop: Loop):
    depth = {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Threshold": 1}
    for name in ("one", "two"):
        dimensions = [{"Name": "QueueName", "Value": name}]
        alarm(loop, name, **depth, Dimensions=dimensions, TreatMissingData="notBreaching")
    topic = loop.sns.create_topic(Name="both-pages")["TopicArn"]
    heard, cloudwatch = loop.hear(topic), loop.cloud.client("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule='ALARM("one") AND ALARM("two")', AlarmActions=[topic])
    urls = [loop.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("one", "two")]
    loop.sqs.send_message(QueueUrl=urls[0], MessageBody="one")
    loop.cloud.control("POST", "alarms/evaluate")
    assert loop.heard(heard) == []
    loop.sqs.send_message(QueueUrl=urls[1], MessageBody="two")
    loop.cloud.control("POST", "alarms/evaluate")
    (page,) = (json.loads(body) for body in loop.heard(heard))
    assert (page["AlarmName"], page["NewStateValue"]) == ("both", "ALARM")
    assert page["AlarmRule"] == 'ALARM("one") AND ALARM("two")'
    assert [child["Arn"].rsplit(":", 1)[-1] for child in page["TriggeringChildren"]] == ["two", "one"]
    assert {child["State"]["Value"] for child in page["TriggeringChildren"]} == {"ALARM"}
    assert "Trigger" not in page


def test_a_dead_letter_queue_alarm_fires_for_its_own_queue_alone(loop: Loop):
    urls = {name: loop.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("dlq", "full")}
    depth = {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Threshold": 1}
    treat = {"TreatMissingData": "notBreaching", "Dimensions": [{"Name": "QueueName", "Value": "dlq"}]}
    pages = alarm(loop, "dlq-depth", **depth, **treat)
    loop.sqs.send_message(QueueUrl=urls["full"], MessageBody="not a dead letter")
    assert loop.cloud.control("POST", "alarms/evaluate")["alarms"]["dlq-depth"] == "OK"
    loop.sqs.send_message(QueueUrl=urls["dlq"], MessageBody="dead")
    assert loop.cloud.control("POST", "alarms/evaluate")["alarms"]["dlq-depth"] == "ALARM"
    assert [json.loads(body)["NewStateValue"] for body in loop.heard(pages)] == ["ALARM"]


def test_alarm_page_needs_a_topic_policy_for_cloudwatch(loop: Loop):
    pages = alarm(loop, "shut", Namespace="Own", MetricName="m", Threshold=1)
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:shut-pages"
    empty = json.dumps({"Version": "2012-10-17", "Statement": []})
    loop.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=empty)
    cloudwatch: Any = loop.cloud.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="Own", MetricData=[{"MetricName": "m", "Value": 2}])
    assert cloudwatch.describe_alarms(AlarmNames=["shut"])["MetricAlarms"][0]["StateValue"] == "ALARM"
    assert loop.heard(pages) == []


def test_a_composite_alarm_follows_its_children(loop: Loop):
    alarm(loop, "child", Namespace="Own", MetricName="m", Threshold=1)
    topic = loop.sns.create_topic(Name="above")["TopicArn"]
    pages = loop.hear(topic)
    cloudwatch: Any = loop.cloud.client("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName="parent", AlarmRule="ALARM(child)", AlarmActions=[topic])
    cloudwatch.put_metric_data(Namespace="Own", MetricData=[{"MetricName": "m", "Value": 2}])
    assert [json.loads(body)["AlarmName"] for body in loop.heard(pages)] == ["parent"]


def function_of(loop: Loop, name: str, statement: str) -> Any:
    """The client of Lambda, and with it a function that does no more than the statement."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("handler.py", f"import json\n\n\ndef handle(event, context):\n    {statement}\n")
    function: Any = loop.cloud.client("lambda")
    function.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=f"arn:aws:iam::{ACCOUNT}:role/any",
        Handler="handler.handle",
        Code={"ZipFile": archive.getvalue()},
    )
    return function


def test_a_function_on_a_topic_gets_the_names_that_lambda_gives(loop: Loop):
    function = function_of(loop, "tell", "print(json.dumps(event))")
    function.add_permission(
        FunctionName="tell", StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com"
    )
    target = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:tell"
    loop.sns.subscribe(TopicArn=loop.topic, Protocol="lambda", Endpoint=target)
    loop.connect()
    logs: Any = loop.cloud.client("logs")

    def told() -> list[str]:
        groups = [
            g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/tell")["logGroups"]
        ]
        found = [e["message"] for g in groups for e in logs.filter_log_events(logGroupName=g)["events"]]
        return [message for message in found if message.startswith("{")]

    said = eventually(told, "the function was not called")
    (record,) = json.loads(said[0])["Records"]
    # https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
    assert set(record) == {"EventVersion", "EventSubscriptionArn", "EventSource", "Sns"}
    assert set(record["Sns"]) == {
        *("SignatureVersion", "Timestamp", "Signature", "SigningCertUrl", "MessageId", "Message"),
        *("MessageAttributes", "Type", "UnsubscribeUrl", "TopicArn", "Subject"),
    }
    assert (record["Sns"]["Message"], record["Sns"]["Subject"]) == (NOTICE, None)


def test_a_failing_function_counts_errors_that_an_alarm_sees(loop: Loop):
    function = function_of(loop, "broken", "raise ValueError('broken')")
    dimensions = [{"Name": "FunctionName", "Value": "broken"}]
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Threshold": 1}
    pages = alarm(loop, "errors", Dimensions=dimensions, TreatMissingData="notBreaching", **metric)
    function.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:us-east-1:{ACCOUNT}:events-heard", FunctionName="broken", BatchSize=1
    )
    loop.sqs.send_message(QueueUrl=loop.queue, MessageBody="{}")
    heard = eventually(lambda: loop.heard(pages), "the alarm did not page")
    assert json.loads(heard[0])["Trigger"]["Dimensions"] == [{"value": "broken", "name": "FunctionName"}]
