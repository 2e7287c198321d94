"""Event destinations on Firehose delivery streams: deliveries and refusals."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from tests.waiting import eventually

pytestmark = pytest.mark.integration

ACCOUNT = "000000000000"
SET = f"arn:aws:ses:us-east-1:{ACCOUNT}:configuration-set/news"
STREAM = f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/events"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ses-to-firehose"
HELLO: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello Ada"}}}}
PUT = {"Effect": "Allow", "Action": "firehose:PutRecordBatch", "Resource": STREAM}


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(service: str = "ses.amazonaws.com", source: str = SET) -> str:
    condition = {"StringEquals": {"AWS:SourceAccount": ACCOUNT, "AWS:SourceArn": source}}
    principal = {"Service": service}
    return document(Effect="Allow", Principal=principal, Action="sts:AssumeRole", Condition=condition)


@pytest.fixture
def ses(cloud: LocalCloud) -> Any:
    client: Any = cloud.client("sesv2")
    client.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    client.create_configuration_set(ConfigurationSetName="news")
    iam: Any = cloud.client("iam")
    iam.create_role(RoleName="ses-to-firehose", AssumeRolePolicyDocument=trust())
    iam.put_role_policy(RoleName="ses-to-firehose", PolicyName="put", PolicyDocument=document(**PUT))
    cloud.client("s3").create_bucket(Bucket="kept")
    firehose: Any = cloud.client("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName="events",
        ExtendedS3DestinationConfiguration={"BucketARN": "arn:aws:s3:::kept", "RoleARN": ROLE},
    )
    return client


def connect(ses: Any, **more: str) -> None:
    destination = {"IamRoleArn": ROLE, "DeliveryStreamArn": STREAM, **more}
    ses.create_configuration_set_event_destination(
        ConfigurationSetName="news",
        EventDestinationName="kept",
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": ["SEND", "BOUNCE"],
            "KinesisFirehoseDestination": destination,
        },
    )


def send(cloud: LocalCloud, ses: Any) -> str:
    sent = ses.send_email(
        FromEmailAddress="ada@example.test",
        Destination={"ToAddresses": ["bounce@simulator.amazonses.com"]},
        Content=HELLO,
        ConfigurationSetName="news",
    )
    cloud.control("POST", "events/drain")
    return sent["MessageId"]


def kept(cloud: LocalCloud, count: int) -> list[str]:
    """The objects in the bucket, once there are so many."""
    s3: Any = cloud.client("s3")

    def keys() -> list[str]:
        found = [one["Key"] for one in s3.list_objects_v2(Bucket="kept").get("Contents", [])]
        return found if len(found) >= count else []

    found = eventually(keys, f"fewer than {count} objects") if count else keys()
    return [s3.get_object(Bucket="kept", Key=key)["Body"].read().decode() for key in found]


def test_each_event_is_a_record_with_a_newline_after_it(cloud: LocalCloud, ses: Any):
    connect(ses)
    message_id = send(cloud, ses)
    records = kept(cloud, 2)
    assert all(record.endswith("}\n") and record.count("\n") == 1 for record in records)
    events = [json.loads(record) for record in records]
    assert sorted(event["eventType"] for event in events) == ["Bounce", "Send"]
    assert {event["mail"]["messageId"] for event in events} == {message_id}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"IamRoleArn": f"{ROLE}-none"}, "does not exist"),
        ({"IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/other/ses-to-firehose"}, "does not exist"),
        ({"DeliveryStreamArn": f"{STREAM}-none"}, "the delivery stream .* does not exist"),
        ({"DeliveryStreamArn": STREAM.replace("us-east-1", "eu-west-1")}, "does not exist"),
    ],
)
def test_a_role_or_a_stream_that_is_not_there_is_refused(ses: Any, more: dict[str, str], reason: str):
    with pytest.raises(ClientError, match=f"Could not put records on delivery stream .*{reason}") as raised:
        connect(ses, **more)
    assert raised.value.response["Error"]["Code"] == "BadRequestException"


@pytest.mark.parametrize("wrong", [trust("lambda.amazonaws.com"), trust(source=f"{SET}-other")])
def test_a_role_that_ses_may_not_take_is_refused(cloud: LocalCloud, ses: Any, wrong: str):
    cloud.client("iam").update_assume_role_policy(RoleName="ses-to-firehose", PolicyDocument=wrong)
    with pytest.raises(ClientError, match=r"does not let ses\.amazonaws\.com take it"):
        connect(ses)


@pytest.mark.parametrize("wrong", [{"Action": "firehose:PutRecord"}, {"Resource": f"{STREAM}-2"}, {"Effect": "Deny"}])
def test_a_role_that_may_not_put_records_is_refused(cloud: LocalCloud, ses: Any, wrong: dict[str, str]):
    iam: Any = cloud.client("iam")
    iam.put_role_policy(RoleName="ses-to-firehose", PolicyName="put", PolicyDocument=document(**{**PUT, **wrong}))
    with pytest.raises(ClientError, match="do not allow firehose:PutRecordBatch"):
        connect(ses)


def test_firehose_delivery_needs_the_role_policy(cloud: LocalCloud, ses: Any):
    connect(ses)
    iam: Any = cloud.client("iam")
    first = send(cloud, ses)
    iam.delete_role_policy(RoleName="ses-to-firehose", PolicyName="put")
    send(cloud, ses)
    iam.put_role_policy(RoleName="ses-to-firehose", PolicyName="put", PolicyDocument=document(**PUT))
    third = send(cloud, ses)
    events = [json.loads(record) for record in kept(cloud, 4)]
    assert sorted(event["mail"]["messageId"] for event in events) == sorted([first, first, third, third])
