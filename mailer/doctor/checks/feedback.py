"""The way of an event: topic, key, queue, function, table, and what was left on the way."""

import json
from typing import TYPE_CHECKING, Any

from mailer.doctor.check import Check, Problem
from mailer.doctor.policy import lets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.doctor.site import Site

_PAGE = "docs/guides/feedback.md"
_OLD = 900  # seconds that an event may wait


def _again(site: "Site") -> str:
    return f"pulumi up --stack {site.outputs.stack} --refresh"


def queue_arn(site: "Site", url: str) -> str:
    """The ARN of a queue, without asking for it."""
    _, partition, _, region, *_ = site.outputs.events_topic_arn.split(":")
    return f"arn:{partition}:sqs:{region}:{site.outputs.account_id}:{url.rpartition('/')[2]}"


def _topic(site: "Site") -> dict[str, Any]:
    arn = site.outputs.events_topic_arn
    return site.owned("events-topic", f"The topic {arn}", "sns", "get_topic_attributes", TopicArn=arn)["Attributes"]


def _queue(site: "Site", url: str, check: str) -> dict[str, Any]:
    name = url.rpartition("/")[2]
    found = site.owned(check, f"The queue {name}", "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
    return found["Attributes"]


def _events_topic(site: "Site") -> "Iterator[Problem]":
    """SES may publish for each stream: https://docs.aws.amazon.com/ses/latest/dg/configure-sns-notifications.html."""
    policy = _topic(site).get("Policy", "")
    for name, stream in site.outputs.streams.items():
        context = {
            "aws:sourceaccount": site.outputs.account_id,
            "aws:sourcearn": stream.configuration_set_arn,
            "aws:securetransport": "true",
        }
        if not lets(policy, "ses.amazonaws.com", "sns:Publish", context):
            yield Problem(f"The events topic's policy does not let SES publish events of {name}.", _again(site))


def _subscription(site: "Site") -> "Iterator[Problem]":
    _topic(site)
    wanted = queue_arn(site, site.outputs.feedback_queue_url)
    found = site.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=site.outputs.events_topic_arn)
    if not any(one["Endpoint"] == wanted and one["SubscriptionArn"].startswith("arn:") for one in found):
        yield Problem("The feedback queue is not subscribed to the events topic: events are dropped.", _again(site))


def _feedback_queue(site: "Site") -> "Iterator[Problem]":
    attributes = _queue(site, site.outputs.feedback_queue_url, "feedback-queue")
    context = {"aws:sourcearn": site.outputs.events_topic_arn, "aws:sourceaccount": site.outputs.account_id}
    if not lets(attributes.get("Policy", ""), "sns.amazonaws.com", "sqs:SendMessage", context | _TLS):
        yield Problem("The feedback queue's policy does not let the events topic write to it.", _again(site))
    redrive = json.loads(attributes.get("RedrivePolicy", "{}"))
    if redrive.get("deadLetterTargetArn") != queue_arn(site, site.outputs.feedback_dlq_url):
        yield Problem("The feedback queue has no dead-letter queue: broken events are lost.", _again(site))


_TLS = {"aws:securetransport": "true"}


def _backlog(site: "Site") -> "Iterator[Problem]":
    attributes = _queue(site, site.outputs.feedback_queue_url, "feedback-queue")
    waiting = int(attributes.get("ApproximateNumberOfMessages", 0))
    if waiting > _MANY:
        yield Problem(
            f"{waiting:,} events wait in the feedback queue: suppressions come late.",
            f"read the function's log: aws logs tail /aws/lambda/{site.outputs.feedback_function} "
            f"--since 1h --region {site.outputs.region}",
            warning=True,
        )


_MANY = 1000


def _dead_letters(site: "Site") -> "Iterator[Problem]":
    attributes = _queue(site, site.outputs.feedback_dlq_url, "dead-letters")
    dead = sum(int(attributes.get(f"ApproximateNumberOfMessages{part}", 0)) for part in ("", "NotVisible", "Delayed"))
    if dead:
        yield Problem(
            f"{dead:,} events could not be processed and wait in the dead-letter queue.",
            f"find the reason: mailer dlq show --stack {site.outputs.stack}; remove it, then: mailer dlq redrive",
        )


def _function(site: "Site") -> "Iterator[Problem]":
    name = site.outputs.feedback_function
    found = site.owned(
        "feedback-function", f"The function {name}", "lambda", "get_function_configuration", FunctionName=name
    )
    state = found.get("State", "Active")
    if state not in {"Active", "Inactive"}:  # one that nobody called for weeks is inactive, and wakes
        yield Problem(f"The function {name} is {state}: {found.get('StateReason', '')}", _again(site))
    mappings = site.read("lambda", "list_event_source_mappings", FunctionName=name)["EventSourceMappings"]
    wanted = queue_arn(site, site.outputs.feedback_queue_url)
    ours = [one for one in mappings if one["EventSourceArn"] == wanted]
    if not ours:
        yield Problem(f"The function {name} does not read the feedback queue.", _again(site))
    elif not any(one["State"] in {"Enabled", "Enabling", "Creating", "Updating"} for one in ours):
        yield Problem(
            f"The function {name} has stopped reading the feedback queue ({ours[0]['State']}).",
            f"aws lambda update-event-source-mapping --enabled --uuid {ours[0]['UUID']} --region {site.outputs.region}",
        )
    concurrency = site.read("lambda", "get_function_concurrency", FunctionName=name)
    if concurrency.get("ReservedConcurrentExecutions") == 0:
        yield Problem(
            f"The function {name} may not run: its reserved concurrency is 0.",
            f"aws lambda delete-function-concurrency --function-name {name} --region {site.outputs.region}",
        )


def _table(site: "Site") -> "Iterator[Problem]":
    name = site.outputs.table
    found = site.owned("table", f"The table {name}", "dynamodb", "describe_table", TableName=name)["Table"]
    if found["TableStatus"] not in {"ACTIVE", "UPDATING"}:
        yield Problem(f"The table {name} is {found['TableStatus']}.", _again(site))
    expiry = site.read("dynamodb", "describe_time_to_live", TableName=name)["TimeToLiveDescription"]
    if expiry.get("TimeToLiveStatus") not in {"ENABLED", "ENABLING"}:
        yield Problem(f"The table {name} does not delete expired rows: it grows for ever.", _again(site), warning=True)


def _backup(site: "Site") -> "Iterator[Problem]":
    name = site.outputs.table
    site.owned("table", f"The table {name}", "dynamodb", "describe_table", TableName=name)
    found = site.read("dynamodb", "describe_continuous_backups", TableName=name)["ContinuousBackupsDescription"]
    if found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
        yield Problem(f"The table {name} has no point-in-time recovery.", _again(site), warning=True)


def _key(site: "Site") -> "Iterator[Problem]":
    """https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html, 'Enable compatibility'."""
    key = _topic(site).get("KmsMasterKeyId", "")
    if not key.startswith("arn:"):
        return
    found = site.read("kms", "describe_key", KeyId=key)["KeyMetadata"]
    if found["KeyState"] != "Enabled":
        then = "cancel-key-deletion" if found["KeyState"] == "PendingDeletion" else "enable-key"
        yield Problem(
            f"The stack's key is {found['KeyState']}: nothing encrypted with it can be read, and events are lost.",
            f"aws kms {then} --key-id {found['KeyId']} --region {site.outputs.region}",
        )
        return
    policy = site.read("kms", "get_key_policy", KeyId=key, PolicyName="default")["Policy"]
    for service, topic in (
        ("ses.amazonaws.com", site.outputs.events_topic_arn),
        ("cloudwatch.amazonaws.com", site.outputs.paging_topic_arn),
    ):
        context = {"aws:sourceaccount": site.outputs.account_id, "kms:encryptioncontext:aws:sns:topicarn": topic}
        if not all(lets(policy, service, action, context) for action in ("kms:Decrypt", "kms:GenerateDataKey")):
            yield Problem(
                f"The key's policy does not let {service} publish to {topic.rpartition(':')[2]}.", _again(site)
            )


CHECKS = (
    Check("events-topic", "SES publishes what became of each mail there.", _PAGE, _events_topic),
    Check("events-subscription", "The topic hands events to the queue.", _PAGE, _subscription),
    Check("feedback-queue", "Events wait there for the function.", _PAGE, _feedback_queue),
    Check("backlog", "A suppression that comes late is a second bounce.", _PAGE, _backlog),
    Check("dead-letters", "Each is a bounce or complaint that is not acted on.", _PAGE, _dead_letters),
    Check("feedback-function", "It writes the suppressions.", _PAGE, _function),
    Check("table", "It holds the suppressions.", "docs/guides/stores.md", _table),
    Check("backup", "Lost suppressions are bounces again.", "docs/guides/stack-lifecycle.md", _backup),
    Check("key", "Topics, queues and the table are encrypted with it.", "docs/guides/access.md", _key),
)
