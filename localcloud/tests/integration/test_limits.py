"""Limits of AWS: policies, environments, dashboards; and the age metric of queues."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from tests.waiting import eventually

pytestmark = pytest.mark.integration
ACCOUNT = "000000000000"
LAMBDA = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def policy(size: int, *, spaced: bool = False) -> str:
    """A policy document of so many characters without white space."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    statement["Resource"] += "x" * (size - len(json.dumps(document, separators=(",", ":"))))
    return json.dumps(document, indent=8) if spaced else json.dumps(document, separators=(",", ":"))


def refusal(call: Callable[..., object], **parameters: object) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error.get("Code", ""), error.get("Message", "")


@pytest.mark.parametrize("spaced", [False, True])
def test_a_managed_policy_has_6144_characters_without_space(cloud: LocalCloud, spaced: bool):
    iam = cloud.client("iam")
    too_long = ("LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
    assert refusal(iam.create_policy, PolicyName="big", PolicyDocument=policy(6145, spaced=spaced)) == too_long
    arn = iam.create_policy(PolicyName="fits", PolicyDocument=policy(6144, spaced=spaced))["Policy"]["Arn"]
    assert refusal(iam.create_policy_version, PolicyArn=arn, PolicyDocument=policy(6145)) == too_long
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(6144))


@pytest.mark.parametrize(("kind", "most"), [("Role", 10_240), ("User", 2048), ("Group", 5120)])
def test_inline_policies_are_measured_together(cloud: LocalCloud, kind: str, most: int):
    iam: Any = cloud.client("iam")
    trust = {"AssumeRolePolicyDocument": json.dumps({"Statement": LAMBDA})} if kind == "Role" else {}
    getattr(iam, f"create_{kind.lower()}")(**{f"{kind}Name": "ours"}, **trust)
    put = getattr(iam, f"put_{kind.lower()}_policy")

    def given(name: str, size: int) -> dict[str, str]:
        return {f"{kind}Name": "ours", "PolicyName": name, "PolicyDocument": policy(size)}

    put(**given("one", 1000))
    code, message = refusal(put, **given("two", most - 999))
    assert (code, message) == ("LimitExceeded", f"Maximum policy size of {most} bytes exceeded for {kind.lower()} ours")
    put(**given("two", most - 1000))
    put(**given("two", most - 1000))


def test_a_trust_policy_has_2048_characters(cloud: LocalCloud):
    iam = cloud.client("iam")
    condition = {"StringEquals": {"aws:SourceAccount": ["1" * 12] * 150}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**LAMBDA, "Condition": condition}]})
    too_long = ("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048")
    assert refusal(iam.create_role, RoleName="r", AssumeRolePolicyDocument=document) == too_long
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Statement": LAMBDA}))
    assert refusal(iam.update_assume_role_policy, RoleName="r", PolicyDocument=document) == too_long


def test_the_environment_of_a_function_has_4_kb(cloud: LocalCloud):
    functions: Any = cloud.client("lambda")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("handler.py", "def handle(event, context): pass\n")
    common = {
        "FunctionName": "work",
        "Runtime": "python3.13",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/any",
        "Handler": "handler.handle",
        "Code": {"ZipFile": archive.getvalue()},
    }

    def environment(size: int) -> dict[str, Any]:
        return {"Variables": {"TEXT": "ü" * 100 + "x" * (size - 200 - len('{"TEXT":""}'))}}

    code, message = refusal(functions.create_function, **common, Environment=environment(4097))
    assert code == "InvalidParameterValueException"
    assert 'exceeded the 4KB limit. String measured: {"TEXT":"ü' in message
    functions.create_function(**common, Environment=environment(4096))
    change = functions.update_function_configuration
    assert refusal(change, FunctionName="work", Environment=environment(4097))[0] == "InvalidParameterValueException"
    assert change(FunctionName="work", Environment=environment(4096))


def widget(**properties: object) -> dict[str, object]:
    return {"type": "alarm", "width": 6, "height": 6, "properties": properties}


def arns(count: int) -> list[str]:
    return [f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:a{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("widgets", "path", "message"),
    [
        ([widget(alarms=arns(101))], "/widgets/0/properties/alarms", "Should NOT have more than 100 items"),
        ([widget(), widget(alarms=[])], "/widgets/1/properties/alarms", "Should NOT have less than 1 items"),
        ([widget(metrics=[["a", "b"]] * 501)], "/widgets/0/properties/metrics", "Should NOT have more than 500 items"),
        ([widget()] * 501, "/widgets", "Should NOT have more than 500 items"),
        ([widget(metrics=[["a", "b"]] * 500)] * 6, "/widgets", "Should NOT have more than 2500 metrics"),
    ],
)
def test_a_dashboard_with_too_much_is_refused(cloud: LocalCloud, widgets: list[Any], path: str, message: str):
    put = cloud.client("cloudwatch").put_dashboard
    code, text = refusal(put, DashboardName="d", DashboardBody=json.dumps({"widgets": widgets}))
    first, _, listed = text.partition("\n")
    assert code == "InvalidParameterInput"
    assert first == "The dashboard body is invalid, there are 1 validation errors:"
    assert json.loads(listed) == [{"dataPath": path, "message": message}]


@pytest.mark.parametrize("body", ["", "[]", "no json", '"text"'])
def test_a_dashboard_that_is_no_object_is_refused(cloud: LocalCloud, body: str):
    code, text = refusal(cloud.client("cloudwatch").put_dashboard, DashboardName="d", DashboardBody=body)
    assert (code, text) == ("InvalidParameterInput", "The field DashboardBody must be a valid JSON object")


def test_a_dashboard_at_the_limits_is_kept(cloud: LocalCloud):
    body = json.dumps({"widgets": [widget(alarms=arns(100)), *[widget(metrics=[["a", "b"]] * 500)] * 5]})
    cloudwatch = cloud.client("cloudwatch")
    cloudwatch.put_dashboard(DashboardName="d", DashboardBody=body)
    assert cloudwatch.get_dashboard(DashboardName="d")["DashboardBody"] == body


# --- Queues ----------------------------------------------------------------------------------------------------------


def oldest(cloud: LocalCloud, queue: str) -> float:
    """What an alarm on the age of the oldest message sees."""
    cloud.control("POST", "alarms/evaluate")
    now = time.time()
    found = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": queue}],
        StartTime=now - 120,
        EndTime=now + 60,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    newest = max(found, key=lambda point: str(point.get("Timestamp")))
    return newest.get("Maximum", -1.0)


def test_a_message_received_three_times_is_no_longer_the_oldest(cloud: LocalCloud):
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    eventually(lambda: oldest(cloud, "work") >= 1, "the message grew no older")
    sqs.receive_message(QueueUrl=url)
    sqs.receive_message(QueueUrl=url)
    assert oldest(cloud, "work") >= 1
    sqs.receive_message(QueueUrl=url)
    assert oldest(cloud, "work") == 0


def test_in_a_dead_letter_queue_the_time_there_counts(cloud: LocalCloud):
    sqs = cloud.client("sqs")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead", "maxReceiveCount": 3})
    attributes = {"VisibilityTimeout": "0", "RedrivePolicy": redrive}
    url = sqs.create_queue(QueueName="work", Attributes=attributes)["QueueUrl"]
    sent = datetime.now(UTC)
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    eventually(lambda: oldest(cloud, "work") >= 3, "the message grew no older")
    for _ in range(4):
        sqs.receive_message(QueueUrl=url)
    eventually(lambda: oldest(cloud, "dead") >= 1, "the message grew no older in the dead-letter queue")
    in_dead_letters = oldest(cloud, "dead")
    assert in_dead_letters <= (datetime.now(UTC) - sent).total_seconds() - 2
    assert sqs.receive_message(QueueUrl=dead)["Messages"]


def test_describe_alarms_takes_100_names(cloud: LocalCloud):
    cloudwatch = cloud.client("cloudwatch")
    names = [f"alarm-{number}" for number in range(101)]
    assert cloudwatch.describe_alarms(AlarmNames=names[:100])["MetricAlarms"] == []
    too_many = "The collection AlarmNames must not have a size greater than 100."
    assert refusal(cloudwatch.describe_alarms, AlarmNames=names)[1] == too_many


def test_get_metric_data_takes_500_queries(cloud: LocalCloud):
    metric = {"Namespace": "Test", "MetricName": "Count"}
    queries: list[Any] = [
        {"Id": f"q{number}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}} for number in range(501)
    ]
    times: Any = {"StartTime": datetime(2026, 1, 1, tzinfo=UTC), "EndTime": datetime(2026, 1, 2, tzinfo=UTC)}
    cloudwatch = cloud.client("cloudwatch")
    assert len(cloudwatch.get_metric_data(MetricDataQueries=queries[:500], **times)["MetricDataResults"]) == 500
    too_many = "The collection MetricDataQueries must not have a size greater than 500."
    assert refusal(cloudwatch.get_metric_data, MetricDataQueries=queries, **times)[1] == too_many
