"""Alarms on the delivery of events and pages: functions that fail, queues that do not drain, DLQs, deliveries."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.functions.metrics import FAILED_RECORDS, FUNCTIONS_DIMENSION, FUNCTIONS_NAMESPACE, SENDER_BOUNCES
from mailstack_infra import inventory as names
from mailstack_infra.monitoring.definitions.texts import Speaker, minutes
from mailstack_infra.monitoring.definitions.values import MINUTE, Alarm, Level

if TYPE_CHECKING:
    from mailstack_infra.environment import Environment
    from mailstack_infra.inventory import Inventory

# A working function drains its queue within seconds. A message of this age shows that it stopped or cannot keep up.
OLDEST_MESSAGE_SECONDS = 15 * MINUTE
# A few mail servers always have policies of their own. More than this within a period is a problem of the sender.
SENDER_BOUNCES_ALLOWED, SENDER_PERIOD = 5, 5 * MINUTE
CONSEQUENCES = {
    names.FEEDBACK: "Bounces and complaints are not recorded.",
    names.GUARD: "Streams are not paused when they must be.",
    names.MONITOR: "No alarm watches the account's quota and its review by AWS, and SES's own events do not page.",
}
RULE_CONSEQUENCES = {
    names.MONITOR_CLOCK: "The account's quota and its review by AWS are not measured.",
    names.SES_EVENTS: "What SES says about the account does not page.",
    names.GUARD_CLOCK: "A stream that somebody resumes while its alarm is in ALARM is not paused again.",
}
SENDER_SECTION = "bounces-about-the-sender"
WORKER_SECTION, DLQ_SECTION, UNDELIVERED_SECTION = "errors-throttles-queue-age", "dlq", "undelivered"


def singles(env: "Environment", speaker: Speaker, inventory: "Inventory") -> Iterator[Alarm]:
    """Every alarm on functions, queues, topics and rules."""
    for name in inventory.workers:
        yield from _function(env, speaker, name)
        yield from _queues(env, speaker, name)
    yield _sender_bounces(env, speaker)
    yield _depth(
        env,
        names.PAGING_DLQ,
        speaker.says(
            f"SNS could not deliver a page, so somebody missed an alarm. The page is kept in "
            f"{env.name(names.PAGING_DLQ)} for 14 days. Find out which pager failed, and repair or replace it.",
            then=_queue_command(env, "receive-message", names.PAGING_DLQ, " --max-number-of-messages 10"),
            section=UNDELIVERED_SECTION,
        ),
    )
    yield from _topics(env, speaker, inventory)
    yield from _rules(env, speaker, inventory)


@dataclass(frozen=True, slots=True)
class _Metric:
    """A metric of CloudWatch with its one dimension."""

    namespace: str
    name: str
    dimension: str
    value: str


def _count(key: str, does: str, metric: _Metric, *, level: Level = "warning") -> Alarm:
    """An alarm that goes off at the first occurrence."""
    return Alarm(
        key=key,
        does=does,
        namespace=metric.namespace,
        metric=metric.name,
        dimensions={metric.dimension: metric.value},
        statistic="Sum",
        threshold=0,
        missing="notBreaching",
        level=level,
        period=MINUTE,
    )


def _function(env: "Environment", speaker: Speaker, name: str) -> Iterator[Alarm]:
    function = env.name(name)
    tried = "Lambda tries each message five times, three minutes apart; then SQS moves it to the DLQ."
    yield _count(
        f"{name}-errors",
        speaker.says(
            f"The function {function} crashed, timed out, could not start, or failed on every message of a batch. "
            f"{CONSEQUENCES[name]} {tried}",
            then=speaker.log(name),
            section=WORKER_SECTION,
        ),
        _Metric("AWS/Lambda", "Errors", "FunctionName", function),
    )
    yield _count(
        f"{name}-failed-records",
        speaker.says(
            f"The function {function} could not process a message. {CONSEQUENCES[name]} {tried} The log says why.",
            then=speaker.log(name, '{ $.level = "ERROR" }'),
            section=WORKER_SECTION,
        ),
        _Metric(FUNCTIONS_NAMESPACE, FAILED_RECORDS, FUNCTIONS_DIMENSION, function),
    )
    yield _count(
        f"{name}-throttles",
        speaker.says(
            f"Lambda throttles the function {function}: the account's concurrency is used up. {CONSEQUENCES[name]} "
            "Messages wait in the queue and are tried again. Request a higher limit of concurrent executions.",
            then=speaker.aws("lambda get-account-settings"),
            section=WORKER_SECTION,
        ),
        _Metric("AWS/Lambda", "Throttles", "FunctionName", function),
    )


def _sender_bounces(env: "Environment", speaker: Speaker) -> Alarm:
    """Nobody is suppressed for these bounces, so no other number shows them."""
    return Alarm(
        key=f"{names.FEEDBACK}-sender-bounces",
        does=speaker.says(
            f"Mail servers refused more than {SENDER_BOUNCES_ALLOWED} mails within {minutes(SENDER_PERIOD)} because "
            "of the sender: an IP address is blocked, DMARC fails, or the domain's reputation is low. The log has what "
            "they said. Nobody is suppressed.",
            then=speaker.log(names.FEEDBACK, '{ $.counts_as = "sender" }'),
            section=SENDER_SECTION,
        ),
        namespace=FUNCTIONS_NAMESPACE,
        metric=SENDER_BOUNCES,
        dimensions={FUNCTIONS_DIMENSION: env.name(names.FEEDBACK)},
        statistic="Sum",
        threshold=SENDER_BOUNCES_ALLOWED,
        missing="notBreaching",
        period=SENDER_PERIOD,
    )


def _queues(env: "Environment", speaker: Speaker, name: str) -> Iterator[Alarm]:
    queue, dlq = env.name(name), env.name(f"{name}-dlq")
    yield Alarm(
        key=f"{name}-queue-age",
        # SQS leaves messages that were received three times out of this metric: those are failed records.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
        does=speaker.says(
            f"A message has waited in the queue {queue} for more than {minutes(OLDEST_MESSAGE_SECONDS)}: the function "
            f"does not receive it. {CONSEQUENCES[name]}",
            then=speaker.aws(f"lambda list-event-source-mappings --function-name {queue}"),
            section=WORKER_SECTION,
        ),
        namespace="AWS/SQS",
        metric="ApproximateAgeOfOldestMessage",
        dimensions={"QueueName": queue},
        statistic="Maximum",
        threshold=OLDEST_MESSAGE_SECONDS,
        missing="notBreaching",
    )
    move = f"sqs start-message-move-task --source-arn {env.arn('sqs', dlq)} --destination-arn {env.arn('sqs', queue)}"
    yield _depth(
        env,
        f"{name}-dlq",
        speaker.says(
            f"Messages failed five times, or could not be delivered to the queue. They are kept in {dlq} for 14 days. "
            f"{CONSEQUENCES[name]} "
            f"The log says why. Remove the cause, then move them back: {speaker.aws(move)}",
            # Read the log first: a message comes back if its cause remains.
            then=speaker.log(name, '{ $.level = "ERROR" }'),
            section=DLQ_SECTION,
        ),
    )


def _depth(env: "Environment", queue: str, does: str) -> Alarm:
    """A DLQ that is not empty."""
    return Alarm(
        key=f"{queue}-depth",
        does=does,
        namespace="AWS/SQS",
        metric="ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": env.name(queue)},
        statistic="Maximum",
        threshold=0,
        missing="notBreaching",
        level="critical",
    )


def _topics(env: "Environment", speaker: Speaker, inventory: "Inventory") -> Iterator[Alarm]:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html."""
    dlqs = {wiring.topic: f"{worker}-dlq" for worker, wiring in inventory.workers.items()}
    for topic in inventory.topics:
        name, dlq = env.name(topic), env.name(dlqs.get(topic, names.PAGING_DLQ))
        yield _count(
            f"{topic}-undelivered",
            speaker.says(
                f"SNS gave up delivering a message of the topic {name} to a subscriber. If the subscription belongs to "
                f"the stack, the message is kept in {dlq}.",
                then=speaker.aws(f"sns list-subscriptions-by-topic --topic-arn {env.arn('sns', name)}"),
                section=UNDELIVERED_SECTION,
            ),
            _Metric("AWS/SNS", "NumberOfNotificationsFailed", "TopicName", name),
            level="critical" if topic == names.PAGING else "warning",
        )


def _rules(env: "Environment", speaker: Speaker, inventory: "Inventory") -> Iterator[Alarm]:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html."""
    for worker, wiring in inventory.workers.items():
        for rule in wiring.rules:
            name, dlq = env.name(rule), env.name(f"{worker}-dlq")
            yield _count(
                f"{rule}-rule-undelivered",
                speaker.says(
                    f"EventBridge gave up delivering an event of the rule {name} to its queue. It is kept in {dlq}. "
                    f"{RULE_CONSEQUENCES[rule]}",
                    then=speaker.aws(f"events list-targets-by-rule --rule {name}"),
                    section=UNDELIVERED_SECTION,
                ),
                _Metric("AWS/Events", "FailedInvocations", "RuleName", name),
            )


def _queue_command(env: "Environment", command: str, queue: str, options: str = "") -> str:
    url = f"https://sqs.{env.region}.{env.dns_suffix}/{env.account_id}/{env.name(queue)}"
    return f"aws sqs {command} --queue-url {url} --region {env.region}{options}"
