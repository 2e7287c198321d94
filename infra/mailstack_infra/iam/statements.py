"""Policies: the permissions of the stack. Pure functions that return statements, or documents as JSON.

Not for attaching them. No statement has `*` as an action, nor as a resource if AWS supports one; in a key's own policy
the resource `*` is that key.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TypedDict

from mailer.functions.metrics import ACCOUNT_NAMESPACE
from mailer.table import EVENTS, IDEMPOTENCY, MESSAGES, RATE, RECIPIENTS, SUPPRESSIONS, TAGS, VERIFICATION

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
    """A topic's policy: who may publish, and only over TLS."""
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
    """CloudWatch may publish only for these alarms.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html documents both
    conditions.

    Args:
        topic_arn: The topic.
        account_id: The account of the alarms.
        alarm_arns: The alarms.
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


# The actions of a service that reads and writes encrypted data: https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
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
    """The policy of the stack's key: each service may use it only for our own resources.

    The account's principals may use it only through other services, and only if their own IAM policies allow it.
    EventBridge has no grant: see `inventory.Wiring.customer_key`.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html,
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html

    Args:
        account_arn: The account's root principal, which delegates to IAM policies.
        account_id: The account.
        region: The region of CloudWatch Logs.
        event_topic_arn: The topic that SES publishes to.
        alarm_topic_arns: The topics that alarms publish to.
        delivering_topic_arns: The topics that deliver to queues encrypted with the key.
        log_group_arns: The log groups.
        through: The services through which the account's principals use it, by their names for `kms:ViaService`.
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
    """A role may use a key only through these services.

    Args:
        key_arn: The key.
        services: The services by their names for `kms:ViaService`: `Environment.via`.
    """
    return {
        "Sid": "UseKey",
        "Effect": "Allow",
        "Action": list(_USE_KEY),
        "Resource": key_arn,
        "Condition": {"StringEquals": {"kms:ViaService": list(services)}},
    }


def see_alarms(alarm_arns: str) -> tuple[Statement, ...]:
    """A role may read alarms, the history of these alarms, and graphs, whose metrics AWS cannot restrict.

    DescribeAlarms returns composite alarms only if the grant names no alarms:
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
    """A function may receive from its queue, write its log, and do its work.

    Args:
        queue_arn: The queue that its event source mapping polls with the function's own role.
        log_group_arn: Its log group, without `:*`.
        work: Its other permissions.
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
    """The actions of `mailer.feedback.processor` on its items. AWS authorizes each part of a transaction.

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
    """May read the outcome of a message by its id. It cannot search by address or tag."""
    return {
        "Sid": "ReadMessageLog",
        "Effect": "Allow",
        "Action": "dynamodb:Query",
        "Resource": table_arn,
        "Condition": _items(MESSAGES),
    }


def _items(*beginnings: str) -> Condition:
    """Only items whose partition keys begin with one of these.

    AWS requires `ForAllValues` with this key, which is also true for a request without items. None of the actions here
    is such a request; a scan would be.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html,
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_dynamodb.html
    """
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{beginning}*" for beginning in beginnings]}}


def pause_sending(configuration_set_arns: Sequence[str], paging_topic_arn: str) -> tuple[Statement, ...]:
    """The guard may read these configuration sets, alarms and rates, pause the sets, and page.

    SES has no condition on the value of PutConfigurationSetSendingOptions, so IAM cannot allow only pausing; the
    guard's code never resumes a set, which a test proves:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html.
    AWS cannot restrict DescribeAlarms to composite alarms, nor GetMetricData to metrics:
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
            "Action": ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"],
            "Resource": "*",
        },
        {"Sid": "Page", "Effect": "Allow", "Action": "sns:Publish", "Resource": paging_topic_arn},
    )


def page(paging_topic_arn: str) -> tuple[Statement]:
    """The account monitor may page, and count confirmed subscriptions."""
    return (
        {
            "Sid": "Page",
            "Effect": "Allow",
            "Action": ["sns:GetTopicAttributes", "sns:Publish"],
            "Resource": paging_topic_arn,
        },
    )


def measure_account() -> tuple[Statement, Statement]:
    """The account monitor may read the account's status and publish metrics in its own namespace.

    Neither action supports resources.
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
# SES authorizes raw MIME by this action, over SMTP and as the content of SendEmail. AWS's reference lists the action
# for the first API only; users of the second report it: https://github.com/anymail/django-anymail/issues/384
SEND_RAW = ("ses:SendRawEmail",)
# By the same report, SES may authorize SendBulkEmail by either action.
SEND_BULK = ("ses:SendBulkEmail", "ses:SendBulkTemplatedEmail")


def send(
    arns: Sequence[str], *, senders: Sequence[str], recipients: Sequence[str], actions: Sequence[str] = SEND
) -> Statement:
    """May send with these resources, from these addresses, to these recipients.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html. SES documents `StringEquals` and
    `StringLike` for its keys, which are case-sensitive; `ses:FromAddress` is the address without its display name:
    https://docs.aws.amazon.com/ses/latest/dg/sending-authorization-policy-examples.html

    Args:
        arns: Identities, configuration sets, stored templates: SES authorizes each that a mail uses. In the sandbox
            it also authorizes the recipients' verified identities, whose names are unknown beforehand: allow
            `identity/*`; the condition on the From address still restricts the sender.
            https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
        senders: The From addresses, or patterns such as `*@example.com`.
        recipients: The recipients, or patterns of them; empty for everybody.
        actions: The operations.
    """
    test = "StringLike" if any(mark in sender for sender in senders for mark in "*?") else "StringEquals"
    condition: dict[str, Mapping[str, str | Sequence[str]]] = {test: {"ses:FromAddress": list(senders)}}
    if recipients:
        condition["ForAllValues:StringLike"] = {"ses:Recipients": list(recipients)}
        # ForAllValues is also true without a value.
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
    """May send in bulk. SES has no condition on addresses for it: only the resources restrict it."""
    return {"Sid": "SendBulk", "Effect": "Allow", "Action": list(SEND_BULK), "Resource": list(arns)}


def sender(sends: Sequence[Statement], *, table_arn: str, parameter_arn: str, more: Sequence[Statement] = ()) -> str:
    """The policy of an application that sends.

    Args:
        sends: The statements about sending.
        table_arn: The table of suppressions, idempotency keys, verification tokens and the sending rate.
        parameter_arn: The parameter with the stack's outputs.
        more: Further statements.
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
            "Condition": _items(IDEMPOTENCY, RATE, VERIFICATION),
        },
        # It supports no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html
        {"Sid": "ReadSendingRate", "Effect": "Allow", "Action": "ses:GetAccount", "Resource": "*"},
        {"Sid": "ReadOutputs", "Effect": "Allow", "Action": "ssm:GetParameter", "Resource": parameter_arn},
        *more,
    )


def read_secret(secret_arn: str) -> Statement:
    """May read one secret.

    Args:
        secret_arn: Its ARN with `-??????` for the six characters that Secrets Manager appends to the name.
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
