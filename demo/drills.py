"""Parts of a deployed stack that can be taken out, to see that the demo notices. Each is a call to AWS's own API."""

from collections.abc import Callable

from mailer.stack import StackOutputs
from mailstack_localcloud import LocalCloud


def _stop_feedback(cloud: LocalCloud, outputs: StackOutputs) -> None:
    _stop_function(cloud, outputs.feedback_function)


def _stop_guard(cloud: LocalCloud, outputs: StackOutputs) -> None:
    _stop_function(cloud, outputs.guard_function)


def _stop_function(cloud: LocalCloud, function: str) -> None:
    client = cloud.client("lambda")
    for mapping in client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
        client.delete_event_source_mapping(UUID=mapping["UUID"])
    client.delete_function(FunctionName=function)


def _remove_topic_policy(cloud: LocalCloud, outputs: StackOutputs) -> None:
    nobody = '{"Version":"2012-10-17","Statement":[]}'
    sns = cloud.client("sns")
    sns.set_topic_attributes(TopicArn=outputs.events_topic_arn, AttributeName="Policy", AttributeValue=nobody)


def _remove_alarms(cloud: LocalCloud, outputs: StackOutputs) -> None:
    cloudwatch = cloud.client("cloudwatch")
    kinds = ["CompositeAlarm", "MetricAlarm"]
    found = cloudwatch.describe_alarms(AlarmNamePrefix=f"mailstack-{outputs.stack}-", AlarmTypes=kinds, MaxRecords=100)
    # CloudWatch deletes one composite alarm a call, and nothing that one is still made of.
    for alarm in found["CompositeAlarms"]:
        cloudwatch.delete_alarms(AlarmNames=[alarm["AlarmName"]])
    cloudwatch.delete_alarms(AlarmNames=[alarm["AlarmName"] for alarm in found["MetricAlarms"]])


DRILLS: dict[str, Callable[[LocalCloud, StackOutputs], None]] = {
    "feedback": _stop_feedback,
    "topic-policy": _remove_topic_policy,
    "alarms": _remove_alarms,
    "guard": _stop_guard,
}
