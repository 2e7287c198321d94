"""The account monitor: its clock, permissions and metrics."""

import json
from typing import Any

import pytest

from mailer.functions.account import measure
from mailer.functions.account import pagers as subscribed
from mailer.functions.metrics import ACCOUNT_NAMESPACE as NAMESPACE
from tests.unit.infra.options import watched_by
from tests.unit.infra.program import run


@pytest.mark.parametrize("worker", ["account-monitor", "sending-guard"])
def test_a_clock_ticks_straight_into_the_queue(worker: str):
    deployment = run("prod")
    rule, target = deployment.one("EventRule", worker), deployment.one("EventTarget", worker)
    queue, dlq = deployment.one("Queue", worker), deployment.one("Queue", f"{worker}-dlq")
    assert rule.inputs["scheduleExpression"] == "rate(5 minutes)"
    assert (target.inputs["rule"], target.inputs["arn"]) == (rule.inputs["name"], queue.arn)
    assert target.inputs["deadLetterConfig"] == {"arn": dlq.arn}
    assert {deployment.one("QueuePolicy", each.name).urn for each in (queue, dlq)} <= target.depends_on


def test_the_account_monitor_may_measure_page_and_mail_people():
    deployment = run("prod", warn=["https://events.example.org/x", "team@example.com"])
    role = deployment.policy("RolePolicy", "account-monitor")
    assert set(role) == {
        *("TakeFromTheQueue", "WriteTheLog", "SeeTheAccount", "PublishMetrics", "Page", "Send", "UseKey")
    }
    assert role["PublishMetrics"]["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Mailstack/Account"}}
    paging = deployment.one("Topic", "paging").arn
    assert (role["Page"]["Action"], role["Page"]["Resource"]) == (["sns:GetTopicAttributes", "sns:Publish"], paging)
    assert role["Send"]["Condition"] == {"StringEquals": {"ses:FromAddress": ["no-reply@example.com"]}}
    assert deployment.one("Function", "account-monitor").inputs["environment"]["variables"] == {
        "MAILSTACK_STACK": "prod",
        "MAILSTACK_PAGING_TOPIC_ARN": paging,
        "MAILSTACK_SENDER": "no-reply@example.com",
        "MAILSTACK_CONFIGURATION_SET": "mailstack-prod-transactional",
        "MAILSTACK_PEOPLE": '["oncall@example.com", "mail-team@example.com", "team@example.com"]',
    }


def test_the_program_and_the_monitor_mean_the_same_metrics():
    account: Any = {
        "EnforcementStatus": "HEALTHY",
        "ProductionAccessEnabled": True,
        "SendingEnabled": True,
        "SendQuota": {"Max24HourSend": 1.0, "SentLast24Hours": 0.0, "MaxSendRate": 1.0},
    }
    topic = {"SubscriptionsConfirmed": "2", "SubscriptionsPending": "0"}
    data = [*measure(account, "prod"), *subscribed(topic, "prod")]
    published = {(d["MetricName"], *(x["Value"] for x in d.get("Dimensions", []))) for d in data}
    watched = [inputs for a in run("prod").of("MetricAlarm") if (inputs := watched_by(a))["namespace"] == NAMESPACE]
    assert len(watched) == 7
    assert {(alarm["metricName"], *alarm["dimensions"].values()) for alarm in watched} <= published


def test_account_event_of_ses_pages():
    deployment = run("prod", warn=["team@example.com"])
    rule, target = deployment.one("EventRule", "ses-events"), deployment.one("EventTarget", "ses-events")
    pattern = json.loads(rule.inputs["eventPattern"])
    assert pattern["source"] == ["aws.ses"]
    assert {"Sending Status Disabled", "Advisor Recommendation Status Open"} <= set(pattern["detail-type"])
    assert target.inputs["arn"] == deployment.one("Queue", "account-monitor").arn
    assert deployment.one("QueuePolicy", "account-monitor").urn in target.depends_on
