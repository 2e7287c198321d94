"""What drills need of AWS: move tasks of queues, states of alarms, tables restored to a point in time."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from tests.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

pytestmark = pytest.mark.integration
ARN = "arn:aws:sqs:us-east-1:000000000000"


def refusal(call: Callable[..., object], **parameters: object) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error.get("Code", ""), error.get("Message", "")


# --- Move tasks ------------------------------------------------------------------------------------------------------


@pytest.fixture
def sqs(cloud: LocalCloud) -> "SQSClient":
    """A queue `work` with the dead-letter queue `dead`, and a queue `other`."""
    client = cloud.client("sqs")
    client.create_queue(QueueName="dead")
    policy = json.dumps({"deadLetterTargetArn": f"{ARN}:dead", "maxReceiveCount": 1})
    client.create_queue(QueueName="work", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"})
    client.create_queue(QueueName="other")
    return client


def url(sqs: "SQSClient", name: str) -> str:
    return sqs.get_queue_url(QueueName=name)["QueueUrl"]


def received(sqs: "SQSClient", name: str) -> list[dict[str, Any]]:
    """What is in a queue; it is taken out."""
    found: list[dict[str, Any]] = []
    while messages := sqs.receive_message(
        QueueUrl=url(sqs, name),
        MaxNumberOfMessages=10,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
        VisibilityTimeout=60,
    ).get("Messages"):
        found += [dict(one) for one in messages]
        for one in messages:
            sqs.delete_message(QueueUrl=url(sqs, name), ReceiptHandle=one.get("ReceiptHandle", ""))
    return found


def ended(sqs: "SQSClient") -> dict[str, Any]:
    """The newest task, once it has ended."""

    def look() -> dict[str, Any] | None:
        (task,) = sqs.list_message_move_tasks(SourceArn=f"{ARN}:dead")["Results"]
        return dict(task) if task.get("Status") not in {"RUNNING", "CANCELLING"} else None

    return eventually(look, "the move task does not end")


def test_move_task_makes_new_messages_of_the_same_text(sqs: "SQSClient"):
    names: Any = {"Kind": {"DataType": "String", "StringValue": "drill"}}
    given = [
        sqs.send_message(QueueUrl=url(sqs, "dead"), MessageBody=str(number), MessageAttributes=names)["MessageId"]
        for number in range(12)
    ]
    sqs.start_message_move_task(SourceArn=f"{ARN}:dead", DestinationArn=f"{ARN}:other")
    task = ended(sqs)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 12)
    assert "TaskHandle" not in task
    moved = received(sqs, "other")
    assert sorted(int(one["Body"]) for one in moved) == list(range(12))
    assert not {one["MessageId"] for one in moved} & set(given)
    assert all(one["MessageAttributes"] == names for one in moved)
    assert {one["Attributes"]["ApproximateReceiveCount"] for one in moved} == {"1"}
    assert received(sqs, "dead") == []


def test_move_task_without_destination_goes_to_the_source(sqs: "SQSClient"):
    sqs.send_message(QueueUrl=url(sqs, "work"), MessageBody="one")
    for _ in range(2):  # the second look moves it to the dead-letter queue
        sqs.receive_message(QueueUrl=url(sqs, "work"))
    sqs.start_message_move_task(SourceArn=f"{ARN}:dead")
    assert ended(sqs)["Status"] == "COMPLETED"
    assert [one["Body"] for one in received(sqs, "work")] == ["one"]


def test_move_task_fails_where_no_source_is_known(sqs: "SQSClient"):
    sqs.send_message(QueueUrl=url(sqs, "dead"), MessageBody="of a topic")
    sqs.start_message_move_task(SourceArn=f"{ARN}:dead")
    task = ended(sqs)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert len(received(sqs, "dead")) == 1


def test_move_task_is_alone_and_can_be_cancelled(sqs: "SQSClient"):
    for number in range(3):
        sqs.send_message(QueueUrl=url(sqs, "dead"), MessageBody=str(number))
    start: Any = {"SourceArn": f"{ARN}:dead", "DestinationArn": f"{ARN}:other", "MaxNumberOfMessagesPerSecond": 1}
    handle = sqs.start_message_move_task(**start)["TaskHandle"]
    code, words = refusal(sqs.start_message_move_task, **start)
    assert code == "InvalidParameterValue"
    assert "Only one active task" in words
    sqs.cancel_message_move_task(TaskHandle=handle)
    assert ended(sqs)["Status"] == "CANCELLED"
    assert refusal(sqs.cancel_message_move_task, TaskHandle=handle)[0] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("source", "destination", "code"),
    [
        ("other", "work", "InvalidParameterValue"),
        ("none", "work", "ResourceNotFoundException"),
        ("dead", "none", "ResourceNotFoundException"),
        ("dead", "dead", "InvalidParameterValue"),
    ],
)
def test_move_task_of_wrong_queues_is_refused(sqs: "SQSClient", source: str, destination: str, code: str):
    arns = {"SourceArn": f"{ARN}:{source}", "DestinationArn": f"{ARN}:{destination}"}
    assert refusal(sqs.start_message_move_task, **arns)[0] == code


def test_move_task_needs_permission_on_both_queues(cloud: LocalCloud, sqs: "SQSClient"):
    iam = cloud.client("iam")
    iam.create_user(UserName="operator")
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
    theirs = session.client("sqs", region_name="us-east-1", endpoint_url=cloud.endpoint)
    arns: Any = {"SourceArn": f"{ARN}:dead", "DestinationArn": f"{ARN}:other"}
    on_source = ["StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"]
    grants: list[dict[str, object]] = [
        {"Effect": "Allow", "Action": [f"sqs:{one}" for one in on_source], "Resource": arns["SourceArn"]},
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arns["DestinationArn"]},
    ]
    for number in range(2):
        document = json.dumps({"Version": "2012-10-17", "Statement": grants[number]})
        iam.put_user_policy(UserName="operator", PolicyName="only", PolicyDocument=document)
        assert refusal(theirs.start_message_move_task, **arns)[0] == "AccessDenied"
    document = json.dumps({"Version": "2012-10-17", "Statement": grants})
    iam.put_user_policy(UserName="operator", PolicyName="only", PolicyDocument=document)
    assert theirs.start_message_move_task(**arns)["TaskHandle"]


# --- Alarms ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def cloudwatch(cloud: LocalCloud) -> "CloudWatchClient":
    client = cloud.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="drilled",
        Namespace="Drill",
        MetricName="Failures",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    return client


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"AlarmName": "none"}, "ResourceNotFound"),
        ({"StateValue": "RINGING"}, "ValidationError"),
        ({"StateReason": "x" * 1024}, "ValidationError"),
        ({"StateReasonData": "no JSON"}, "InvalidFormat"),
        ({"StateReasonData": json.dumps("x" * 4000)}, "ValidationError"),
    ],
)
def test_invalid_state_of_an_alarm_is_refused(cloudwatch: "CloudWatchClient", change: dict[str, str], code: str):
    valid = {"AlarmName": "drilled", "StateValue": "ALARM", "StateReason": "A drill.", "StateReasonData": "{}"}
    assert refusal(cloudwatch.set_alarm_state, **{**valid, **change})[0] == code
    cloudwatch.set_alarm_state(**valid)  # pyright: ignore[reportArgumentType]


# --- Tables ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def dynamodb(cloud: LocalCloud) -> "DynamoDBClient":
    """A table with a row and a key of the customer's."""
    client, key = cloud.client("dynamodb"), cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    client.create_table(
        TableName="mail",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    client.update_time_to_live(
        TableName="mail", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
    )
    client.put_item(TableName="mail", Item={"pk": {"S": "ada"}})
    return client


def recoverable(dynamodb: "DynamoDBClient") -> None:
    on: Any = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName="mail", PointInTimeRecoverySpecification=on)


def test_restored_table_has_the_rows_and_the_key(dynamodb: "DynamoDBClient"):
    recoverable(dynamodb)
    names: Any = {"SourceTableName": "mail", "TargetTableName": "copy"}
    found = dynamodb.restore_table_to_point_in_time(**names, UseLatestRestorableTime=True)["TableDescription"]
    assert found.get("RestoreSummary", {}).get("SourceTableArn", "").endswith("table/mail")
    rows = dynamodb.scan(TableName="copy")["Items"]
    assert rows == [{"pk": {"S": "ada"}}]
    copy, mail = (dynamodb.describe_table(TableName=name)["Table"] for name in ("copy", "mail"))
    assert copy.get("SSEDescription") == mail.get("SSEDescription")
    # What AWS does not restore.
    assert dynamodb.describe_time_to_live(TableName="copy")["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"
    backups = dynamodb.describe_continuous_backups(TableName="copy")["ContinuousBackupsDescription"]
    assert backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "DISABLED"


def test_latest_restorable_time_is_minutes_ago(cloud: LocalCloud, dynamodb: "DynamoDBClient"):
    recoverable(dynamodb)
    cloud.control("POST", "time", {"hours": 1})
    whole = dynamodb.describe_continuous_backups(TableName="mail")["ContinuousBackupsDescription"]
    found: Any = whole.get("PointInTimeRecoveryDescription", {})
    assert timedelta(minutes=54) < found["LatestRestorableDateTime"] - found["EarliestRestorableDateTime"]


def test_restore_that_aws_refuses_is_refused(dynamodb: "DynamoDBClient"):
    names: Any = {"SourceTableName": "mail", "TargetTableName": "copy"}
    restore = dynamodb.restore_table_to_point_in_time
    latest = {**names, "UseLatestRestorableTime": True}
    assert refusal(restore, **latest)[0] == "PointInTimeRecoveryUnavailableException"
    recoverable(dynamodb)
    assert refusal(restore, **names)[0] == "ValidationException"
    assert refusal(restore, **{**latest, "SourceTableName": "none"})[0] == "TableNotFoundException"
    assert refusal(restore, **{**latest, "TargetTableName": "mail"})[0] == "TableAlreadyExistsException"
    long_ago = datetime.now(UTC) - timedelta(days=40)
    assert refusal(restore, **names, RestoreDateTime=long_ago)[0] == "InvalidRestoreTimeException"


# --- Production access -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "granted"), [("DENIED", False), ("FAILED", False), ("GRANTED", True)])
def test_request_for_production_access_is_decided(cloud: LocalCloud, status: str, *, granted: bool):
    ses = cloud.client("sesv2")
    cloud.control("PUT", "account", {"production_access": False})
    asked: Any = {"MailType": "TRANSACTIONAL", "WebsiteURL": "https://www.example.com"}
    ses.put_account_details(**asked, ProductionAccessEnabled=True)
    assert refusal(ses.put_account_details, **asked)[0] == "ConflictException"
    cloud.control("PUT", "account/review", {"status": status})
    account = ses.get_account()
    assert account.get("Details", {}).get("ReviewDetails", {}).get("Status") == status
    assert account["ProductionAccessEnabled"] is granted
    ses.put_account_details(**asked, ProductionAccessEnabled=True)


def test_review_of_no_request_is_refused(cloud: LocalCloud):
    with pytest.raises(Exception, match="Nobody has asked"):
        cloud.control("PUT", "account/review", {"status": "DENIED"})
    with pytest.raises(Exception, match="must be one of PENDING, GRANTED, DENIED, FAILED"):
        cloud.control("PUT", "account/review", {"status": "PERHAPS"})
