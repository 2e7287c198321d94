"""The alarms that the stack registers."""

from typing import Any

import pytest

from mailer.functions.metrics import ACCOUNT_NAMESPACE as NAMESPACE
from tests.unit.infra.options import all_alarms, everywhere, watched_by
from tests.unit.infra.program import run


@everywhere
def test_every_alarm_pages_and_says_when_all_is_well(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    people = {topic.arn for topic in deployment.of("Topic") if topic.name in {"paging", "warnings"}}
    parts = {part for alarm in deployment.of("CompositeAlarm") for part in alarm.inputs["alarmRule"].split('"')[1::2]}
    for alarm in all_alarms(deployment):
        pages = alarm.inputs.get("okActions", [])
        assert bool(pages) == (alarm.inputs.get("name") not in parts), alarm.urn
        assert set(pages) <= people & set(alarm.inputs.get("alarmActions", [])), alarm.urn
        assert len(alarm.inputs["alarmDescription"]) <= 1024
    assert not [alarm.urn for alarm in deployment.of("MetricAlarm") if "unit" in alarm.inputs]


@pytest.mark.parametrize(
    ("alarm", "metric", "threshold"),
    [
        ("bounce-rate-warning", "Reputation.BounceRate", 0.04),
        ("bounce-rate-reached-critical", "Reputation.BounceRate", 0.08),
        ("complaint-rate-warning", "Reputation.ComplaintRate", 0.0008),
        ("complaint-rate-reached-critical", "Reputation.ComplaintRate", 0.004),
    ],
)
def test_rates_are_watched_by_configuration_set_as_fractions(alarm: str, metric: str, threshold: float):
    inputs = run("prod").one("MetricAlarm", f"transactional-{alarm}").inputs
    assert inputs["name"] == f"mailstack-prod-transactional-{alarm}"
    assert (inputs["namespace"], inputs["metricName"]) == ("AWS/SES", metric)
    assert inputs["dimensions"] == {"ses:configuration-set": "mailstack-prod-transactional"}
    assert inputs["threshold"] == threshold
    assert inputs["comparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert inputs["treatMissingData"] == "ignore"


@pytest.mark.parametrize("kind", ["bounce", "complaint"])
def test_a_critical_rate_acts_only_with_enough_mail_behind_it(kind: str):
    deployment = run("prod", streams={"transactional": {"minimumSends": 250}})
    critical = deployment.one("CompositeAlarm", f"transactional-{kind}-rate-critical")
    names = [f"transactional-{kind}-rate-reached-critical", "transactional-sends-enough"]
    rule = f'ALARM("mailstack-prod-{names[0]}") AND ALARM("mailstack-prod-{names[1]}")'
    assert critical.inputs["alarmRule"] == rule
    assert critical.inputs["alarmActions"] == [deployment.one("Topic", topic).arn for topic in ("paging", "guard")]
    assert {deployment.one("MetricAlarm", name).urn for name in names} <= critical.depends_on
    enough = deployment.one("MetricAlarm", names[1]).inputs
    assert (enough["metricName"], enough["statistic"], enough["period"]) == ("Send", "Sum", 86_400)
    assert (enough["comparisonOperator"], enough["threshold"]) == ("GreaterThanThreshold", 249)
    assert (enough["treatMissingData"], enough.get("alarmActions", [])) == ("notBreaching", [])


@everywhere
def test_ses_counts_for_every_metric_that_a_stream_is_watched_by(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    destinations = {r.inputs["configurationSetName"]: r.inputs["eventDestination"]
                    for r in deployment.of("ConfigurationSetEventDestination")
                    if r.inputs["eventDestinationName"] == "counts"}  # fmt: skip
    for alarm in deployment.of("MetricAlarm"):
        inputs = watched_by(alarm)
        name = inputs.get("dimensions", {}).get("ses:configuration-set")
        if name and not inputs["metricName"].startswith("Reputation."):
            counted = {event.replace("_", "").title().lower() for event in destinations[name]["matchingEventTypes"]}
            assert inputs["metricName"].lower() in counted, alarm.urn
            (dimension,) = destinations[name]["cloudWatchDestination"]["dimensionConfigurations"]
            assert (dimension["dimensionName"], dimension["dimensionValueSource"]) == (
                "ses:configuration-set",
                "MESSAGE_TAG",
            )


def test_functions_queues_and_deliveries_are_watched_as_counts():
    deployment = run("prod")
    watched = {
        (alarm.inputs["metricName"], alarm.inputs["threshold"], *alarm.inputs["dimensions"].items())
        for alarm in deployment.of("MetricAlarm")
        if watched_by(alarm)["namespace"] in {"AWS/Lambda", "AWS/SQS", "AWS/SNS", "AWS/Events", "Mailstack/Functions"}
    }
    names = [f"mailstack-prod-{worker}" for worker in ("feedback", "sending-guard", "account-monitor")]
    topics = [topic.inputs["name"] for topic in deployment.of("Topic")]
    rules = [rule.inputs["name"] for rule in deployment.of("EventRule")]
    of_functions = ("Errors", "Throttles", "FailedRecords")
    assert watched == {
        *((metric, 0, ("FunctionName", name)) for name in names for metric in of_functions),
        *(("ApproximateAgeOfOldestMessage", 900, ("QueueName", name)) for name in names),
        *(
            ("ApproximateNumberOfMessagesVisible", 0, ("QueueName", f"{name}-dlq"))
            for name in (*names, "mailstack-prod-paging")
        ),
        *(("NumberOfNotificationsFailed", 0, ("TopicName", name)) for name in topics),
        ("SenderBounces", 5, ("FunctionName", names[0])),
        *(("FailedInvocations", 0, ("RuleName", name)) for name in rules),
    }
    assert (len(topics), len(rules)) == (4, 3)


def test_the_accounts_own_rates_are_watched_without_a_dimension():
    deployment = run("prod")
    account = {
        alarm.name: alarm.inputs["threshold"]
        for alarm in deployment.of("MetricAlarm")
        if alarm.inputs.get("metricName", "").startswith("Reputation.") and not alarm.inputs.get("dimensions")
    }
    assert account == {
        "account-bounce-rate-warning": 0.04,
        "account-bounce-rate-reached-critical": 0.08,
        "account-complaint-rate-warning": 0.0008,
        "account-complaint-rate-reached-critical": 0.004,
    }
    for kind in ("bounce", "complaint"):
        critical = deployment.one("CompositeAlarm", f"account-{kind}-rate-critical").inputs
        parts = [f"mailstack-prod-account-{part}" for part in (f"{kind}-rate-reached-critical", "sends-enough")]
        assert critical["alarmRule"] == " AND ".join(f'ALARM("{part}")' for part in parts)
        assert critical["alarmActions"] == [deployment.one("Topic", "paging").arn]


def test_account_alarms_use_the_smallest_minimum_of_sends():
    streams = {"transactional": {"minimumSends": 50}, "bulk": {"minimumSends": 500}}
    enough = run("prod", streams=streams).one("MetricAlarm", "account-sends-enough").inputs
    assert (enough["metricName"], enough["threshold"]) == ("SentLast24Hours", 50)
    assert (enough["comparisonOperator"], enough["dimensions"]) == ("GreaterThanOrEqualToThreshold", {"Stack": "prod"})


def test_the_account_is_watched_for_quota_standing_and_silence():
    deployment = run("prod")
    found = {
        alarm.name: (watched_by(alarm)["metricName"], alarm.inputs["threshold"], alarm.inputs["treatMissingData"])
        for alarm in deployment.of("MetricAlarm")
        if watched_by(alarm)["namespace"] == NAMESPACE
    }
    assert found == {
        "account-sends-enough": ("SentLast24Hours", 100, "ignore"),
        "account-quota-warning": ("QuotaUsed", 0.8, "ignore"),
        "account-quota-critical": ("QuotaUsed", 0.9, "ignore"),
        "account-enforcement": ("Enforcement", 0, "ignore"),
        "account-sending-disabled": ("SendingDisabled", 0, "ignore"),
        "account-pagers-missing": ("ConfirmedPagers", 1, "ignore"),
        "account-monitor-silent": ("QuotaUsed", 1, "breaching"),
    }
    heartbeat = watched_by(deployment.one("MetricAlarm", "account-monitor-silent"))
    assert (heartbeat["statistic"], heartbeat["period"], heartbeat["evaluationPeriods"]) == ("SampleCount", 300, 3)


def test_one_stack_of_an_account_is_enough_to_watch_it():
    deployment = run("prod", watchAccount=False)
    assert [rule.name for rule in deployment.of("EventRule")] == ["sending-guard"]
    assert not [r.name for r in deployment.aws if r.name.startswith("account")]
    assert set(deployment.policy("TopicPolicy", "paging")) == {"CloudWatchPublishesAlarms", "OverTlsAlone"}
