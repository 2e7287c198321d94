"""Who may do what: every policy document of the stack, as pure functions that return it as JSON.

Not for attaching them. No statement names `*` as an action, nor as a resource where AWS lets one be named; in a key's
own policy `*` is that key.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TypedDict

from mailer.functions.metrics import ACCOUNT_NAMESPACE
from mailer.table import EVENTS, IDEMPOTENCY, MESSAGES, RATE, RECIPIENTS, SUPPRESSIONS, TAGS

_VERSION = "2012-10-17"
Condition = Mapping[str, Mapping[str, str | Sequence[str]]]


class _Required(TypedDict):
    Sid: str
    Effect: str
    Action: str | Sequence[str]


class Statement(_Required, total=False):
    """One statement of a policy. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html."""

    Principal: Mapping[str, str]
    Resource: str | Sequence[str]
    Condition: Condition


def document(*statements: Statement) -> str:
    """A policy document."""
    return json.dumps({"Version": _VERSION, "Statement": statements})


def over_tls(arn: str, *actions: str) -> Statement:
    """Deny every request that is not made over TLS, whatever other statements allow.

    https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html
    """
    return {
        "Sid": "OverTlsAlone",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": _one_or_many(actions),
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def topic(topic_arn: str, *statements: Statement) -> str:
    """A topic's policy: who may publish, and how."""
    return document(*statements, over_tls(topic_arn, "sns:Publish"))


def events_topic(topic_arn: str, account_id: str, configuration_set_arns: Sequence[str]) -> str:
    """SES may publish only for our configuration sets in our account, which prevents the confused-deputy problem.

    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-sns.html
    """
    return topic(
        topic_arn,
        {
            "Sid": "SesPublishesEvents",
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": account_id, "AWS:SourceArn": _one_or_many(configuration_set_arns)}
            },
        },
    )


def alarm_topic(topic_arn: str, account_id: str, alarm_arns: Sequence[str]) -> str:
    """CloudWatch may publish for these alarms alone.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html documents both
    conditions.

    Args:
        topic_arn: The topic.
        account_id: Whose alarms.
        alarm_arns: Alarms.
    """
    allowed: Statement = {
        "Sid": "CloudWatchPublishesAlarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account_id},
            "ArnEquals": {"aws:SourceArn": _one_or_many(alarm_arns)},
        },
    }
    return topic(topic_arn, *([allowed] if alarm_arns else []))


def queue(queue_arn: str, *, topic_arns: Sequence[str], rule_arns: Sequence[str] = ()) -> str:
    """These topics and EventBridge rules may send to the queue.

    Documented conditions: the topic's ARN in
    https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html, for a DLQ in
    https://docs.aws.amazon.com/sns/latest/dg/sns-configure-dead-letter-queue.html; the rule's ARN in
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html, for a DLQ in
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html.
    """
    senders = (("TopicSends", "sns", topic_arns), ("RuleSends", "events", rule_arns))
    return document(
        *(_sends(sid, service, queue_arn, arns) for sid, service, arns in senders if arns),
        over_tls(queue_arn, "sqs:ReceiveMessage", "sqs:SendMessage"),
    )


def _sends(sid: str, service: str, queue_arn: str, arns: Sequence[str]) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": _one_or_many(arns)}},
    }


# What a service does to write and read what it keeps: https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
_USE_KEY = ("kms:Decrypt", "kms:GenerateDataKey")
_ADMINISTER_KEY = (
    *("kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:DisableKey"),
    *("kms:DisableKeyRotation", "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy"),
    *("kms:GetKeyRotationStatus", "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListResourceTags"),
    *("kms:PutKeyPolicy", "kms:RevokeGrant", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource"),
    *("kms:UpdateAlias", "kms:UpdateKeyDescription"),
)


def key(
    *,
    account_arn: str,
    account_id: str,
    region: str,
    event_topic_arn: str,
    alarm_topic_arns: Sequence[str],
    delivering_topic_arns: Sequence[str],
    log_group_arns: Sequence[str],
    through: Sequence[str],
) -> str:
    """Who may use the stack's key: each service for our own resources alone.

    The account's principals may do so only through other services, and only as far as their own IAM policies let
    them. In a key's policy the resource `*` is that key. EventBridge has no grant: see `inventory.Wiring.customer_key`.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html,
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html

    Args:
        account_arn: The account's root principal, which stands for what IAM policies allow.
        account_id: The account.
        region: Where CloudWatch Logs is.
        event_topic_arn: The topic that SES publishes to.
        alarm_topic_arns: The topics that alarms publish to.
        delivering_topic_arns: The topics that deliver to queues encrypted with the key.
        log_group_arns: The log groups.
        through: Which services the account's principals use it through, as KMS calls them.
    """
    account: Mapping[str, str] = {"AWS": account_arn}
    via: Condition = {"StringEquals": {"kms:CallerAccount": account_id, "kms:ViaService": list(through)}}
    return document(
        _for_key("AccountAdministers", account, _ADMINISTER_KEY),
        _for_key(
            "AccountUsesThroughServices",
            account,
            (*_USE_KEY, "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
            via,
        ),
        _for_key(
            "TableAndFunctionsTakeGrants",
            account,
            ("kms:CreateGrant",),
            {**via, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        _publishes("SesEncryptsEvents", "ses", account_id, [event_topic_arn]),
        _publishes("AlarmsPublish", "cloudwatch", account_id, alarm_topic_arns),
        # The topic is the only condition that AWS documents here:
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html (encrypted queues as subscribers).
        _for_key(
            "TopicsDeliver",
            {"Service": "sns.amazonaws.com"},
            _USE_KEY,
            {"ArnEquals": {"aws:SourceArn": _one_or_many(delivering_topic_arns)}},
        ),
        _for_key(
            "LogsAreWritten",
            {"Service": f"logs.{region}.amazonaws.com"},
            (*_USE_KEY, "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
            {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": _one_or_many(log_group_arns)}},
        ),
    )


def _publishes(sid: str, service: str, account_id: str, topic_arns: Sequence[str]) -> Statement:
    """A service may use the key to publish to encrypted topics.

    `aws:SourceAccount` is documented for every service but EventBridge, and the encryption context is what SNS sets on
    each call to KMS: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html,
    https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html (encryption context). A condition on
    `aws:SourceArn` is not documented for SES and CloudWatch; one that does not match would fail the first deployment.
    """
    ours = {"aws:SourceAccount": account_id, "kms:EncryptionContext:aws:sns:topicArn": _one_or_many(topic_arns)}
    return _for_key(sid, {"Service": f"{service}.amazonaws.com"}, _USE_KEY, {"StringEquals": ours})


def _for_key(
    sid: str, principal: Mapping[str, str], actions: Sequence[str], condition: Condition | None = None
) -> Statement:
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": _one_or_many(actions),
        "Resource": "*",
    }
    return {**statement, "Condition": condition} if condition else statement


def use_key(key_arn: str, services: Sequence[str]) -> Statement:
    """A role may use a key, through these services alone.

    Args:
        key_arn: The key.
        services: As KMS calls them: `Environment.via`.
    """
    return {
        "Sid": "UseKey",
        "Effect": "Allow",
        "Action": list(_USE_KEY),
        "Resource": key_arn,
        "Condition": {"StringEquals": {"kms:ViaService": list(services)}},
    }


def see_alarms(alarm_arns: str) -> tuple[Statement, ...]:
    """A role may look at alarms and at the history of these, and at graphs, of which AWS lets nobody name the metrics.

    A grant of DescribeAlarms that names alarms shows no composite ones:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html,
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
    """
    return (
        {"Sid": "SeeAlarms", "Effect": "Allow", "Action": ["cloudwatch:DescribeAlarms"], "Resource": "*"},
        {
            "Sid": "SeeHistory",
            "Effect": "Allow",
            "Action": ["cloudwatch:DescribeAlarmHistory"],
            "Resource": alarm_arns,
        },
        {
            "Sid": "SeeGraphs",
            "Effect": "Allow",
            "Action": [
                *("cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:GetMetricWidgetImage"),
            ],
            "Resource": "*",
        },
    )


def put_records(stream_arn: str) -> str:
    """A role may write to one Firehose stream."""
    return document(
        {"Sid": "PutRecords", "Effect": "Allow", "Action": "firehose:PutRecordBatch", "Resource": stream_arn}
    )


def queue_worker(queue_arn: str, log_group_arn: str, *work: Statement) -> str:
    """A function may take from its queue, write its log, and do its work.

    Args:
        queue_arn: What its event source mapping polls, with the function's own role.
        log_group_arn: Its log group, without `:*`.
        work: What else it may do.
    """
    return document(
        {
            "Sid": "TakeFromTheQueue",
            "Effect": "Allow",
            "Action": ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            "Resource": queue_arn,
        },
        {
            "Sid": "WriteTheLog",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"{log_group_arn}:*",  # the streams of the group
        },
        *work,
    )


def keep_feedback(table_arn: str) -> Statement:
    """What `mailer.feedback.processor` does with its items, in transactions whose parts are authorized one by one.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    """
    return {
        "Sid": "KeepFeedback",
        "Effect": "Allow",
        "Action": ["dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PutItem"],
        "Resource": table_arn,
        "Condition": _items(SUPPRESSIONS, EVENTS),
    }


def write_message_log(table_arn: str) -> Statement:
    """May add to the message log: `PutItem` cannot read or delete."""
    return {
        "Sid": "WriteMessageLog",
        "Effect": "Allow",
        "Action": "dynamodb:PutItem",
        "Resource": table_arn,
        "Condition": _items(MESSAGES, RECIPIENTS, TAGS),
    }


def read_message_log(table_arn: str) -> Statement:
    """May read what became of a message whose id it knows. It cannot search by address or tag."""
    return {
        "Sid": "ReadMessageLog",
        "Effect": "Allow",
        "Action": "dynamodb:Query",
        "Resource": table_arn,
        "Condition": _items(MESSAGES),
    }


def _items(*beginnings: str) -> Condition:
    """Only items whose partition keys begin so.

    AWS asks for `ForAllValues` with this key, which also holds where a request names no item. None of the actions here
    is such a request; a scan would be.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html,
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_dynamodb.html
    """
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{beginning}*" for beginning in beginnings]}}


def pause_sending(configuration_set_arns: Sequence[str], paging_topic_arn: str) -> tuple[Statement, ...]:
    """The guard sees whether these configuration sets are paused and why they should be, pauses them, tells people.

    SES gives PutConfigurationSetSendingOptions no condition on its value, so that IAM cannot allow pausing alone; that
    the guard never un-pauses is its code's:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html.
    AWS lets nobody name composite alarms in a grant of DescribeAlarms, nor metrics in one of GetMetricStatistics:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html,
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
    """
    return (
        {
            "Sid": "PauseSending",
            "Effect": "Allow",
            "Action": ["ses:GetConfigurationSet", "ses:PutConfigurationSetSendingOptions"],
            "Resource": _one_or_many(configuration_set_arns),
        },
        {
            "Sid": "SeeAlarmsAndRates",
            "Effect": "Allow",
            "Action": ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricStatistics"],
            "Resource": "*",
        },
        {"Sid": "Page", "Effect": "Allow", "Action": "sns:Publish", "Resource": paging_topic_arn},
    )


def page(paging_topic_arn: str) -> tuple[Statement]:
    """The account monitor pages, and counts who is subscribed."""
    return (
        {
            "Sid": "Page",
            "Effect": "Allow",
            "Action": ["sns:GetTopicAttributes", "sns:Publish"],
            "Resource": paging_topic_arn,
        },
    )


def measure_account() -> tuple[Statement, Statement]:
    """The account monitor asks about the account and publishes in its own namespace.

    Neither action is about a resource that could be named.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
    """
    return (
        {"Sid": "SeeTheAccount", "Effect": "Allow", "Action": "ses:GetAccount", "Resource": "*"},
        {
            "Sid": "PublishMetrics",
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": ACCOUNT_NAMESPACE}},
        },
    )


SEND = ("ses:SendEmail",)
# SES authorizes raw MIME under this name, over SMTP and as the content of SendEmail. AWS's reference lists the action
# for the first API only; users of the second report it: https://github.com/anymail/django-anymail/issues/384
SEND_RAW = ("ses:SendRawEmail",)
# By the same report, SendBulkEmail may be authorized under either name.
SEND_BULK = ("ses:SendBulkEmail", "ses:SendBulkTemplatedEmail")


def send(
    arns: Sequence[str], *, senders: Sequence[str], recipients: Sequence[str], actions: Sequence[str] = SEND
) -> Statement:
    """May send through these resources, from these addresses, to these people.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html. SES documents `StringEquals` and
    `StringLike` for its keys, which compare letter case, too; `ses:FromAddress` is the address without its name:
    https://docs.aws.amazon.com/ses/latest/dg/sending-authorization-policy-examples.html

    Args:
        arns: Identities, the configuration sets, stored templates: SES asks for each that a mail uses. In the sandbox
            it asks for the recipients' verified identities as well, whose names nobody knows beforehand: allow
            `identity/*`, and the condition on the From address still bounds whose mail it is.
            https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
        senders: The From address, or patterns of it such as `*@example.com`.
        recipients: Addresses or patterns of whom it may write to; empty for everybody.
        actions: By which operations.
    """
    test = "StringLike" if any(mark in sender for sender in senders for mark in "*?") else "StringEquals"
    condition: dict[str, Mapping[str, str | Sequence[str]]] = {test: {"ses:FromAddress": list(senders)}}
    if recipients:
        condition["ForAllValues:StringLike"] = {"ses:Recipients": list(recipients)}
        # All of none would be allowed, too.
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
        condition["Null"] = {"ses:Recipients": "false"}
    return {
        "Sid": "Send",
        "Effect": "Allow",
        "Action": _one_or_many(actions),
        "Resource": list(arns),
        "Condition": condition,
    }


def send_bulk(arns: Sequence[str]) -> Statement:
    """May send in bulk. SES gives this no condition on addresses: only what it names holds."""
    return {"Sid": "SendBulk", "Effect": "Allow", "Action": list(SEND_BULK), "Resource": list(arns)}


def sender(sends: Sequence[Statement], *, table_arn: str, parameter_arn: str, more: Sequence[Statement] = ()) -> str:
    """What an application that sends may do.

    Args:
        sends: What it sends.
        table_arn: Where it reads suppressions and keeps idempotency keys.
        parameter_arn: Where it reads the stack's outputs.
        more: What else that takes.
    """
    return document(
        *sends,
        {
            "Sid": "ReadSuppressions",
            "Effect": "Allow",
            "Action": ["dynamodb:BatchGetItem", "dynamodb:GetItem"],
            "Resource": table_arn,
            "Condition": _items(SUPPRESSIONS),
        },
        {
            "Sid": "KeepKeysAndRate",
            "Effect": "Allow",
            "Action": ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            "Resource": table_arn,
            "Condition": _items(IDEMPOTENCY, RATE),
        },
        # It has no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html
        {"Sid": "ReadSendingRate", "Effect": "Allow", "Action": "ses:GetAccount", "Resource": "*"},
        {"Sid": "ReadOutputs", "Effect": "Allow", "Action": "ssm:GetParameter", "Resource": parameter_arn},
        *more,
    )


def read_secret(secret_arn: str) -> Statement:
    """May read one secret.

    Args:
        secret_arn: Its ARN with `-??????` for the six characters that Secrets Manager puts behind the name.
            https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html
    """
    return {
        "Sid": "ReadSmtpLogin",
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": secret_arn,
    }


def _one_or_many(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)
