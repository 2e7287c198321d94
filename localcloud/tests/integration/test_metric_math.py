"""Alarms on metric math: stored as in CloudWatch, evaluated, and published to their topics."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from tests.integration.queues import open_to

pytestmark = pytest.mark.integration
METRIC = {"Namespace": "App", "MetricName": "errors", "Dimensions": [{"Name": "Stage", "Value": "test"}]}
QUERIES: list[Any] = [
    {"Id": "errors", "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
    {"Id": "rate", "Expression": "FILL(errors, 0) / 10", "Label": "Rate", "ReturnData": True},
]


def put(cloud: LocalCloud, **more: Any) -> None:
    whole: Any = {
        "AlarmName": "rate",
        "Metrics": QUERIES,
        "EvaluationPeriods": 1,
        "Threshold": 0.5,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }
    cloud.client("cloudwatch").put_metric_alarm(**{**whole, **more})


def test_an_alarm_on_an_expression_pages_with_its_metrics(cloud: LocalCloud):
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name="pages")["TopicArn"]
    url = sqs.create_queue(QueueName="pager", Attributes=open_to("sns", "pager"))["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:pager"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    put(cloud, AlarmActions=[topic])
    assert cloud.control("POST", "alarms/evaluate")["alarms"] == {"rate": "OK"}
    minute_ago = datetime.now(UTC) - timedelta(seconds=60)
    datum: Any = {"MetricName": "errors", "Dimensions": METRIC["Dimensions"], "Value": 7.0, "Timestamp": minute_ago}
    cloud.client("cloudwatch").put_metric_data(Namespace="App", MetricData=[datum])
    assert cloud.control("POST", "alarms/evaluate")["alarms"] == {"rate": "ALARM"}
    (page,) = (json.loads(m["Body"]) for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"])
    assert page["Trigger"]["Metrics"][0]["MetricStat"]["Metric"]["Dimensions"] == [{"value": "test", "name": "Stage"}]
    assert page["Trigger"]["Metrics"][1] == QUERIES[1]
    assert "MetricName" not in page["Trigger"]


def test_metric_math_is_described_as_it_was_put(cloud: LocalCloud):
    put(cloud)
    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=["rate"])["MetricAlarms"]
    assert alarm.get("Metrics") == QUERIES
    assert not {"MetricName", "Namespace", "Statistic", "Period", "Dimensions"} & set(alarm)


def test_metric_math_may_come_as_a_form(cloud: LocalCloud):
    form = {
        "Action": "PutMetricAlarm",
        "Version": "2010-08-01",
        "AlarmName": "rate",
        "EvaluationPeriods": "1",
        "Threshold": "0.5",
        "ComparisonOperator": "GreaterThanThreshold",
        "Metrics.member.1.Id": "errors",
        "Metrics.member.1.ReturnData": "false",
        "Metrics.member.1.MetricStat.Period": "60",
        "Metrics.member.1.MetricStat.Stat": "Sum",
        "Metrics.member.1.MetricStat.Metric.Namespace": "App",
        "Metrics.member.1.MetricStat.Metric.MetricName": "errors",
        "Metrics.member.1.MetricStat.Metric.Dimensions.member.1.Name": "Stage",
        "Metrics.member.1.MetricStat.Metric.Dimensions.member.1.Value": "test",
        "Metrics.member.2.Id": "rate",
        "Metrics.member.2.Expression": "FILL(errors, 0) / 10",
        "Metrics.member.2.Label": "Rate",
    }
    signed = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/monitoring/aws4_request"
    headers = {"Authorization": signed, "Content-Type": "application/x-www-form-urlencoded"}
    with urlopen(Request(cloud.endpoint, urlencode(form).encode(), headers)) as answer:  # noqa: S310 - ours
        assert answer.status == 200
    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=["rate"])["MetricAlarms"]
    assert alarm.get("Metrics") == QUERIES


@pytest.mark.parametrize(
    "expression", ["errors +", "nobody / 2", "SEARCH('{App} errors', 'Sum', 60)", "METRICS()", "1", "AVG(errors)"]
)
def test_an_expression_that_is_no_single_series_is_refused(cloud: LocalCloud, expression: str):
    more = [*QUERIES[:1], {"Id": "more", "MetricStat": QUERIES[0]["MetricStat"], "ReturnData": False}]
    with pytest.raises(ClientError, match="Invalid metrics list") as raised:
        put(cloud, Metrics=[*more, {"Id": "result", "Expression": expression}])
    assert raised.value.response["Error"].get("Code") in {"ValidationError", "ValidationException"}


def test_an_anomaly_band_is_kept_and_not_judged(cloud: LocalCloud):
    band = {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(errors, 2)"}
    watched = {**QUERIES[0], "ReturnData": True}
    more = {"ThresholdMetricId": "band", "ComparisonOperator": "GreaterThanUpperThreshold", "Metrics": [watched, band]}
    put(cloud, **more)
    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=["rate"])["MetricAlarms"]
    assert (alarm.get("ThresholdMetricId"), alarm.get("StateValue")) == ("band", "INSUFFICIENT_DATA")
