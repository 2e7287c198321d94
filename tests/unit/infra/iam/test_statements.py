import json
from typing import Any

from mailstack_infra.iam import statements as policies

TOPIC = "arn:aws:sns:us-east-1:123456789012:mailstack-dev-events"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:mailstack-dev-feedback"
SET = "arn:aws:ses:us-east-1:123456789012:configuration-set/mailstack-dev-transactional"
BULK = "arn:aws:ses:us-east-1:123456789012:configuration-set/mailstack-dev-bulk"
IDENTITY = "arn:aws:ses:us-east-1:123456789012:identity/example.com"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/mailstack-dev-store"
PARAMETER = "arn:aws:ssm:us-east-1:123456789012:parameter/mailstack/dev/outputs"
GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/mailstack-dev-feedback"


def statements(text: str) -> list[dict[str, Any]]:
    document = json.loads(text)
    assert document["Version"] == "2012-10-17"
    return document["Statement"]


def over_tls(arn: str, *actions: str) -> dict[str, Any]:
    return {
        "Sid": "OverTlsAlone",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": actions[0] if len(actions) == 1 else list(actions),
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def sender(recipients: tuple[str, ...] = (), senders: tuple[str, ...] = ("*@example.com",)) -> list[dict[str, Any]]:
    send = policies.send([IDENTITY, SET], senders=senders, recipients=recipients)
    return statements(policies.sender([send], table_arn=TABLE, parameter_arn=PARAMETER))


def test_only_ses_publishes_events_for_our_configuration_sets():
    assert statements(policies.events_topic(TOPIC, "123456789012", [SET])) == [
        {
            "Sid": "SesPublishesEvents",
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": TOPIC,
            "Condition": {"StringEquals": {"AWS:SourceAccount": "123456789012", "AWS:SourceArn": SET}},
        },
        over_tls(TOPIC, "sns:Publish"),
    ]


def test_every_stream_may_publish_its_events():
    statement, _ = statements(policies.events_topic(TOPIC, "123456789012", [SET, BULK]))
    assert statement["Condition"]["StringEquals"]["AWS:SourceArn"] == [SET, BULK]


def test_only_alarms_that_are_named_publish_to_an_alarm_topic():
    alarm = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:mailstack-dev-feedback-errors"
    assert statements(policies.alarm_topic(TOPIC, "123456789012", [alarm])) == [
        {
            "Sid": "CloudWatchPublishesAlarms",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": TOPIC,
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "123456789012"},
                "ArnEquals": {"aws:SourceArn": alarm},
            },
        },
        over_tls(TOPIC, "sns:Publish"),
    ]


def test_topics_and_rules_that_are_named_send_to_a_queue():
    rule = "arn:aws:events:us-east-1:123456789012:rule/mailstack-dev-account-monitor"
    sent = [("TopicSends", "sns", TOPIC), ("RuleSends", "events", rule)]
    assert statements(policies.queue(QUEUE, topic_arns=[TOPIC], rule_arns=[rule])) == [
        *(
            {
                "Sid": sid,
                "Effect": "Allow",
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": QUEUE,
                "Condition": {"ArnEquals": {"aws:SourceArn": arn}},
            }
            for sid, service, arn in sent
        ),
        over_tls(QUEUE, "sqs:ReceiveMessage", "sqs:SendMessage"),
    ]


def test_the_feedback_function_may_do_what_it_does_and_no_more():
    found = statements(policies.queue_worker(QUEUE, GROUP, policies.keep_feedback(TABLE)))
    assert [(s["Action"], s["Resource"]) for s in found] == [
        (["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], QUEUE),
        (["logs:CreateLogStream", "logs:PutLogEvents"], f"{GROUP}:*"),
        (["dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PutItem"], TABLE),
    ]
    own = {"dynamodb:LeadingKeys": ["SUPPRESSION#*", "EVENT#*"]}
    assert found[-1]["Condition"] == {"ForAllValues:StringLike": own}


def test_message_log_is_added_to_and_never_deleted_from():
    write, read = policies.write_message_log(TABLE), policies.read_message_log(TABLE)
    assert (write["Action"], write.get("Resource")) == ("dynamodb:PutItem", TABLE)
    log = {"dynamodb:LeadingKeys": ["MESSAGE#*", "RECIPIENT#*", "TAG#*"]}
    assert write.get("Condition") == {"ForAllValues:StringLike": log}
    assert (read["Action"], read.get("Resource")) == ("dynamodb:Query", TABLE)
    assert read.get("Condition") == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["MESSAGE#*"]}}


def test_the_guard_may_pause_only_its_configuration_sets():
    paging = "arn:aws:sns:us-east-1:123456789012:mailstack-dev-paging"
    found = policies.pause_sending([SET], paging)
    assert [(s["Action"], s.get("Resource")) for s in found] == [
        (["ses:GetConfigurationSet", "ses:PutConfigurationSetSendingOptions"], SET),
        (["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"], "*"),
        ("sns:Publish", paging),
    ]


def test_a_sender_may_send_from_its_domain_and_read_outputs():
    assert sender() == [
        {
            "Sid": "Send",
            "Effect": "Allow",
            "Action": "ses:SendEmail",
            "Resource": [IDENTITY, SET],
            "Condition": {"StringLike": {"ses:FromAddress": ["*@example.com"]}},
        },
        {
            "Sid": "ReadSuppressions",
            "Effect": "Allow",
            "Action": ["dynamodb:BatchGetItem", "dynamodb:GetItem"],
            "Resource": TABLE,
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["SUPPRESSION#*"]}},
        },
        {
            "Sid": "KeepKeysAndRate",
            "Effect": "Allow",
            "Action": ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            "Resource": TABLE,
            "Condition": {
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["IDEMPOTENCY#*", "RATE#*", "VERIFICATION#*"]}
            },
        },
        {"Sid": "ReadSendingRate", "Effect": "Allow", "Action": "ses:GetAccount", "Resource": "*"},
        {"Sid": "ReadOutputs", "Effect": "Allow", "Action": "ssm:GetParameter", "Resource": PARAMETER},
    ]


def test_a_sender_from_a_single_address_may_use_no_other():
    send, *_ = sender(senders=("ada@example.com",))
    assert send["Condition"] == {"StringEquals": {"ses:FromAddress": ["ada@example.com"]}}


def test_in_development_a_sender_reaches_listed_recipients():
    send, *_ = sender(("*@example.org", "ada@example.com"))
    assert send["Condition"] == {
        "StringLike": {"ses:FromAddress": ["*@example.com"]},
        "ForAllValues:StringLike": {"ses:Recipients": ["*@example.org", "ada@example.com"]},
        "Null": {"ses:Recipients": "false"},
    }
