"""Services other than SES: through our port they answer as a separate ministack does."""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from tests.integration.queues import open_to
from tests.processes import child
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration

ACCOUNT = "000000000000"
Client = Callable[[str], Any]
# What differs from call to call by nature: identifiers, moments, the port.
RANDOM = (
    # ministack's signatures are placeholders, ours are real.
    (re.compile(r"\bFAKE\b|[A-Za-z0-9+/]{340,}={0,2}"), "<signature>"),
    (re.compile(r"https?://[\w.:-]+/SimpleNotificationService-\w+\.pem"), "<certificate>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<key material>"),
    (re.compile(r"\b(AIDA|AROA|ANPA|AGPA)[A-Z0-9]{12,}"), r"\1<id>"),
    (re.compile(r"\b[ZC][A-Z0-9]{12,}\b"), "<zone>"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d+"), "<here>"),
    (re.compile(r"\b\d{13}\b"), "<milliseconds>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "<moment>"),
)
# Of the HTTP headers, the ones that carry no moment, length or server.
HEADERS = ("content-type", "etag", "x-amzn-errortype")


@pytest.fixture(scope="module")
def bare() -> Iterator[str]:
    """The endpoint of a ministack in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    known = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0"}
    started = subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        env={**os.environ, **known, "LOG_LEVEL": "CRITICAL", "DOCKER_HOST": "unix:///nonexistent"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with child(started):
        eventually(lambda: is_open(port), "ministack does not start")
        yield f"http://127.0.0.1:{port}"


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except OSError:
        return False
    return True


def clients(endpoint: str) -> Client:
    def client(service: str) -> Any:
        return boto3.client(  # pyright: ignore[reportCallIssue, reportUnknownVariableType] - the service is a variable
            service,  # pyright: ignore[reportArgumentType]
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    return client


def normal(value: Any) -> Any:
    """An answer without what differs by nature."""
    if isinstance(value, dict):
        known: dict[str, Any] = value
        if "ResponseMetadata" in known:
            metadata = known["ResponseMetadata"]
            shown = {name: metadata["HTTPHeaders"].get(name) for name in HEADERS}
            known = {**known, "ResponseMetadata": {"status": metadata["HTTPStatusCode"], **shown}}
        return {name: normal(item) for name, item in known.items()}
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, datetime):
        return "<moment>"
    if hasattr(value, "read"):
        return value.read()
    text = value
    for pattern, token in RANDOM if isinstance(value, str) else ():
        text = pattern.sub(token, text)
    return text


def refused(call: Callable[..., Any], **parameters: Any) -> Any:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response


def s3(client: Client) -> list[Any]:
    s3 = client("s3")
    return [
        s3.create_bucket(Bucket="inbox"),
        s3.put_object(Bucket="inbox", Key="a folder/ümlaut.txt", Body=b"hello" * 1000, Metadata={"kind": "note"}),
        s3.get_object(Bucket="inbox", Key="a folder/ümlaut.txt"),
        s3.get_object(Bucket="inbox", Key="a folder/ümlaut.txt", Range="bytes=2-7"),
        s3.list_objects_v2(Bucket="inbox", Prefix="a "),
        s3.head_object(Bucket="inbox", Key="a folder/ümlaut.txt"),
        refused(s3.get_object, Bucket="inbox", Key="none"),
        s3.delete_object(Bucket="inbox", Key="a folder/ümlaut.txt"),
        s3.delete_bucket(Bucket="inbox"),
    ]


def sqs(client: Client) -> list[Any]:
    sqs = client("sqs")
    created = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "7"})
    url = created["QueueUrl"]
    answers = [
        created,
        sqs.send_message(QueueUrl=url, MessageBody="one", MessageAttributes={"n": attribute("1")}),
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "two"}]),
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]),
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout", "QueueArn"]),
        refused(sqs.get_queue_url, QueueName="none"),
    ]
    return [*answers, sqs.delete_queue(QueueUrl=url)]


def attribute(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def sns(client: Client) -> list[Any]:
    sns, sqs = client("sns"), client("sqs")
    topic = sns.create_topic(Name="news", Tags=[{"Key": "a", "Value": "b"}])
    arn = topic["TopicArn"]
    queue = sqs.create_queue(QueueName="hears", Attributes=open_to("sns", "hears"))["QueueUrl"]
    answers = [
        topic,
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:hears"),
        sns.publish(TopicArn=arn, Message="hello", Subject="Hi", MessageAttributes={"n": attribute("1")}),
        sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"],
        sns.list_subscriptions_by_topic(TopicArn=arn),
        refused(sns.publish, TopicArn=f"{arn}-none", Message="hello"),
    ]
    return [*answers, sns.delete_topic(TopicArn=arn), sqs.delete_queue(QueueUrl=queue)]


def dynamodb(client: Client) -> list[Any]:
    db = client("dynamodb")
    item = {"pk": {"S": "a"}, "count": {"N": "1"}, "blob": {"B": b"\x00\xff"}}
    created = db.create_table(
        TableName="things",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    increment: Any = {
        "TableName": "things",
        "Key": {"pk": {"S": "a"}},
        "UpdateExpression": "ADD #c :one",
        "ExpressionAttributeNames": {"#c": "count"},
        "ExpressionAttributeValues": {":one": {"N": "1"}},
        "ReturnValues": "ALL_NEW",
    }
    return [
        created,
        db.put_item(TableName="things", Item=item),
        db.update_item(**increment),
        refused(db.put_item, TableName="things", Item=item, ConditionExpression="attribute_not_exists(pk)"),
        db.scan(TableName="things"),
        db.delete_table(TableName="things"),
    ]


def route53(client: Client) -> list[Any]:
    dns = client("route53")
    zone = dns.create_hosted_zone(Name="example.test", CallerReference="once")
    name = zone["HostedZone"]["Id"]
    record = {"Name": "a.example.test", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"v=spf1 -all"'}]}
    delegation = sorted(zone["DelegationSet"].pop("NameServers"))
    change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    answers = [
        len(delegation),
        zone["HostedZone"] | {"CallerReference": ""},
        dns.change_resource_record_sets(HostedZoneId=name, ChangeBatch=change),
        [r for r in dns.list_resource_record_sets(HostedZoneId=name)["ResourceRecordSets"] if r["Type"] == "TXT"],
        refused(dns.get_hosted_zone, Id="ZNONE00000000000"),
    ]
    change["Changes"][0]["Action"] = "DELETE"
    return [*answers, dns.change_resource_record_sets(HostedZoneId=name, ChangeBatch=change)]


def iam(client: Client) -> list[Any]:
    iam = client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
    return [
        iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(trust)),
        iam.put_role_policy(RoleName="worker", PolicyName="no", PolicyDocument=policy),
        iam.get_role_policy(RoleName="worker", PolicyName="no"),
        iam.list_role_policies(RoleName="worker"),
        refused(iam.get_role, RoleName="none"),
        iam.delete_role_policy(RoleName="worker", PolicyName="no"),
        iam.delete_role(RoleName="worker"),
        client("sts").get_caller_identity(),
    ]


def kms(client: Client) -> list[Any]:
    kms = client("kms")
    key = kms.create_key(Description="mail")
    sealed = kms.encrypt(KeyId=key["KeyMetadata"]["KeyId"], Plaintext=b"secret")
    return [key, kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"]), refused(kms.describe_key, KeyId="none")]


def ssm(client: Client) -> list[Any]:
    ssm = client("ssm")
    return [
        ssm.put_parameter(Name="/mail/outputs", Value='{"a": 1}', Type="String"),
        ssm.get_parameter(Name="/mail/outputs"),
        ssm.get_parameters_by_path(Path="/mail"),
        refused(ssm.get_parameter, Name="/none"),
        ssm.delete_parameter(Name="/mail/outputs"),
    ]


def eventbridge(client: Client) -> list[Any]:
    events = client("events")
    entry = {"Source": "app.example", "DetailType": "Something", "Detail": '{"a": 1}'}
    return [
        events.put_rule(Name="some", EventPattern='{"source": ["app.example"]}'),
        events.describe_rule(Name="some"),
        events.put_events(Entries=[entry]),
        refused(events.describe_rule, Name="none"),
        events.delete_rule(Name="some"),
    ]


@pytest.mark.parametrize("script", [s3, sqs, sns, dynamodb, route53, iam, kms, ssm, eventbridge])
def test_a_service_answers_through_our_port_as_ministack_alone(
    script: Callable[[Client], list[Any]], cloud: LocalCloud, bare: str
):
    through_us, alone = normal(script(clients(cloud.endpoint))), normal(script(clients(bare)))
    for ours, theirs in zip(through_us, alone, strict=True):
        assert ours == theirs


@pytest.mark.parametrize("raw", [False, True])
def test_queued_event_equals_an_sns_delivery(cloud: LocalCloud, raw: bool):
    sns, sqs, ses = (cloud.client(name) for name in ("sns", "sqs", "sesv2"))
    topic = sns.create_topic(Name="events")["TopicArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "sns:Publish"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": topic}]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    queue = sqs.create_queue(QueueName="events", Attributes=open_to("sns", "events"))["QueueUrl"]
    attributes = {"RawMessageDelivery": "true"} if raw else {}
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:events"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    ses.create_configuration_set(ConfigurationSetName="news")
    destination = {"Enabled": True, "MatchingEventTypes": ["SEND"], "SnsDestination": {"TopicArn": topic}}
    ses.create_configuration_set_event_destination(
        ConfigurationSetName="news", EventDestinationName="topic", EventDestination=destination
    )
    [put_by_us] = sqs.receive_message(QueueUrl=queue, AttributeNames=["All"])["Messages"]
    sent = body_of(put_by_us, raw=raw)
    sns.publish(TopicArn=topic, Message=sent["Message"])
    [put_by_sns] = sqs.receive_message(QueueUrl=queue, AttributeNames=["All"])["Messages"]
    assert normal(sent) == normal(body_of(put_by_sns, raw=raw))
    assert sorted(put_by_us) == sorted(put_by_sns)
    assert normal(put_by_us["Attributes"]) == normal(put_by_sns["Attributes"])
    assert put_by_us["MD5OfBody"] == hashlib.md5(put_by_us["Body"].encode(), usedforsecurity=False).hexdigest()


def body_of(message: dict[str, Any], *, raw: bool) -> dict[str, Any]:
    return {"Message": message["Body"]} if raw else json.loads(message["Body"])
