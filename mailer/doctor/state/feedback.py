"""The way of events and pages: subscriptions, queues, alarms."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mailer.doctor.checks.paging import UNCONFIRMED, alarms_found
from mailer.doctor.state.row import row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailer.doctor.site import Site
    from mailer.doctor.state.row import Row

PART, ALARMS = "feedback", "alarms"
_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
# Events that wait; `mailer doctor` warns at the same number.
_MANY = 1000
_LINK = "follow the link in the mail from no-reply@sns.amazonaws.com within 48 hours of the deployment"
_GONE = "SNS deletes subscriptions that nobody confirms within 48 hours: `pulumi up --refresh` subscribes again"


def subscriptions(site: "Site") -> "Iterator[Row]":
    """https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html."""
    outputs = site.outputs
    for what, arn, nobody in (
        ("events", outputs.events_topic_arn, "events have no subscriber"),
        ("pager", outputs.paging_topic_arn, "nobody is paged"),
    ):
        found = site.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
        for one in found:
            waits = one["SubscriptionArn"] in UNCONFIRMED
            state = "unconfirmed" if waits else "confirmed"
            yield row(PART, f"{what} {_endpoint(one)}", state, _LINK if waits else "", confirmed=not waits)
        if all(one["SubscriptionArn"] in UNCONFIRMED for one in found):
            yield row(PART, what, nobody, _GONE, confirmed=False)


def _endpoint(subscription: "Mapping[str, str]") -> str:
    """Who is subscribed; of an on-call service's address the host alone, because its path is a secret."""
    where = urlsplit(subscription["Endpoint"])
    return f"{where.scheme}://{where.hostname}/…" if where.scheme in {"http", "https"} else subscription["Endpoint"]


def queues(site: "Site") -> "Iterator[Row]":
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html."""
    outputs = site.outputs
    logs = f"aws logs tail /aws/lambda/{outputs.feedback_function} --since 1h --region {outputs.region}"
    depth = depth_of(site, outputs.feedback_queue_url)
    then = f"suppressions come late; the function's log: {logs}" if depth > _MANY else ""
    yield row(PART, "queue", f"{depth:,} events wait", then, depth=depth)
    depth = depth_of(site, outputs.feedback_dlq_url)
    then = f"find the reason: mailer dlq show --stack {outputs.stack}; then: mailer dlq redrive" if depth else ""
    yield row(PART, "dead-letter queue", f"{depth:,} events", then, depth=depth)


def depth_of(site: "Site", url: str) -> int:
    """Messages of a queue, with those in flight; approximate."""
    found = site.read("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
    return sum(int(found.get(name, 0)) for name in _COUNTS)


def alarms(site: "Site") -> "Iterator[Row]":
    """The alarms in ALARM that do something, and how many have no data.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    """
    found = alarms_found(site)
    acting = {name: alarm for name, alarm in found.items() if alarm["AlarmActions"]}
    ringing = {name: alarm for name, alarm in acting.items() if alarm["StateValue"] == "ALARM"}
    for name, alarm in ringing.items():
        first, _, rest = alarm.get("AlarmDescription", "").partition("\n")
        then = rest.removeprefix("Next: ").partition("\n")[0] or "docs/guides/monitoring.md#runbook"
        yield row(ALARMS, name, f"ALARM: {first}", then, state="ALARM")
    silent = sum(alarm["StateValue"] == "INSUFFICIENT_DATA" for alarm in acting.values())
    well = len(acting) - len(ringing) - silent
    state = f"{well} OK, {silent} INSUFFICIENT_DATA, {len(ringing)} ALARM"
    then = "" if acting else f"deploy the stack: pulumi up --stack {site.outputs.stack} --refresh"
    yield row(ALARMS, "alarms", state, then, ok=well, silent=silent, ringing=len(ringing))
