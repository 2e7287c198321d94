"""Policies of topics, queues, keys and roles: requests that AWS would deny are denied."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from tests.integration.queues import open_to
from tests.waiting import eventually, moment

pytestmark = pytest.mark.integration
ACCOUNT = "000000000000"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:pages"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:pager"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
ADMINISTRATION = {"Sid": "Admin", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"}
USES = ["kms:GenerateDataKey*", "kms:Decrypt"]
Statement = Mapping[str, Any]


def document(*statements: Statement, resource: str = "*") -> str:
    whole = [{"Effect": "Allow", "Resource": resource, **statement} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


def service(name: str, action: str | list[str], **condition: Any) -> dict[str, Any]:
    given = {"Condition": condition} if condition else {}
    return {"Principal": {"Service": f"{name}.amazonaws.com"}, "Action": action, **given}


class House:
    """A topic with a queue on it, each with a policy and perhaps a key."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.sns: Any = cloud.client("sns")
        self.sqs: Any = cloud.client("sqs")
        self.url = self.sqs.create_queue(QueueName="pager", Attributes=open_to("sns", "pager"))["QueueUrl"]
        self.sns.create_topic(Name="pages")
        raw = {"RawMessageDelivery": "true"}
        self.sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE, Attributes=raw)

    def key(self, *statements: Statement) -> str:
        policy = document(ADMINISTRATION, *statements)
        return self.cloud.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]

    def topic(self, name: str, value: str) -> None:
        self.sns.set_topic_attributes(TopicArn=TOPIC, AttributeName=name, AttributeValue=value)

    def queue(self, **attributes: str) -> None:
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes=attributes)

    def heard(self) -> list[str]:
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        return [message["Body"] for message in found]

    def denials(self) -> list[tuple[str, str]]:
        return [(one["service"], one["action"]) for one in self.cloud.control("GET", "denials")["denials"]]


@pytest.fixture
def house(cloud: LocalCloud) -> House:
    return House(cloud)


@pytest.mark.parametrize(
    ("statement", "delivered"),
    [
        (service("sns", "sqs:SendMessage"), True),
        (service("sns", "sqs:SendMessage", ArnEquals={"aws:SourceArn": TOPIC}), True),
        (service("sns", "sqs:SendMessage", StringEquals={"aws:SourceAccount": ACCOUNT}), True),
        ({"Principal": "*", "Action": "sqs:SendMessage"}, True),
        (service("sns", "sqs:SendMessage", ArnEquals={"aws:SourceArn": f"{TOPIC}-other"}), False),
        (service("sns", "sqs:SendMessage", Bool={"aws:SecureTransport": "false"}), False),
        (service("events", "sqs:SendMessage"), False),
        (service("sns", "sqs:ReceiveMessage"), False),
        ({"Principal": {"AWS": ACCOUNT}, "Action": "sqs:*"}, False),
    ],
)
def test_the_queue_policy_decides_what_a_topic_delivers(house: House, statement: Statement, delivered: bool):
    house.queue(Policy=document(statement, resource=QUEUE))
    house.sns.publish(TopicArn=TOPIC, Message="hello")
    assert house.heard() == (["hello"] if delivered else [])
    assert house.denials() == ([] if delivered else [("sns.amazonaws.com", "sqs:SendMessage")])


def test_a_queue_without_a_policy_takes_nothing_from_a_topic(house: House):
    house.queue(Policy="")
    house.sns.publish(TopicArn=TOPIC, Message="hello")
    assert house.heard() == []


@pytest.mark.parametrize(
    ("statements", "delivered"),
    [
        ([service("sns", USES)], True),
        ([service("sns", ["kms:GenerateDataKey", "kms:Decrypt"], ArnEquals={"aws:SourceArn": TOPIC})], True),
        ([service("sns", USES, StringEquals={"kms:EncryptionContext:aws:sqs:arn": QUEUE})], True),
        ([service("sns", "kms:GenerateDataKey*")], False),
        ([service("sqs", USES)], False),
        ([service("sns", USES, ArnEquals={"aws:SourceArn": QUEUE})], False),
        ([], False),
    ],
)
def test_encrypted_queue_needs_a_key_that_allows_sns(house: House, statements: list[Statement], delivered: bool):
    house.queue(KmsMasterKeyId=house.key(*statements))
    house.sns.publish(TopicArn=TOPIC, Message="hello")
    assert house.heard() == (["hello"] if delivered else [])


def test_the_managed_key_of_sqs_cannot_be_used_by_sns(house: House):
    house.queue(KmsMasterKeyId="alias/aws/sqs")
    house.sns.publish(TopicArn=TOPIC, Message="hello")
    assert house.heard() == []


def test_disabled_key_refuses_every_use(house: House):
    key = house.key(service("sns", USES))
    house.queue(KmsMasterKeyId=key)
    house.cloud.client("kms").disable_key(KeyId=key)
    house.sns.publish(TopicArn=TOPIC, Message="hello")
    assert house.heard() == []


# --- CloudWatch and EventBridge --------------------------------------------------------------------------------------

ALARM = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:high"


def raise_alarm(house: House) -> None:
    cloudwatch = house.cloud.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="high",
        Namespace="App",
        MetricName="errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[TOPIC],
    )
    cloudwatch.set_alarm_state(AlarmName="high", StateValue="ALARM", StateReason="drill")


@pytest.mark.parametrize(
    ("policy", "key", "paged"),
    [
        (service("cloudwatch", "sns:Publish", ArnEquals={"aws:SourceArn": ALARM}), None, True),
        (service("cloudwatch", "sns:Publish", ArnEquals={"aws:SourceArn": f"{ALARM}-other"}), None, False),
        (service("cloudwatch", "sns:Publish"), service("cloudwatch", USES), True),
        (
            service("cloudwatch", "sns:Publish"),
            service("cloudwatch", USES, StringEquals={"aws:SourceAccount": ACCOUNT}),
            True,
        ),
        (service("cloudwatch", "sns:Publish"), service("events", USES), False),
        (service("events", "sns:Publish"), None, False),
    ],
)
def test_alarm_pages_if_topic_and_key_allow_cloudwatch(
    house: House, policy: Statement, key: Statement | None, paged: bool
):
    house.topic("Policy", document(policy, resource=TOPIC))
    if key:
        house.topic("KmsMasterKeyId", house.key(key))
    raise_alarm(house)
    assert [json.loads(body)["AlarmName"] for body in house.heard()] == (["high"] if paged else [])


@pytest.mark.parametrize(
    ("policy", "key", "delivered"),
    [
        (service("events", "sns:Publish"), None, True),
        (service("events", "sns:Publish"), service("events", USES), True),
        (service("events", "sns:Publish"), service("sns", USES), False),
        # EventBridge does not say for whom it publishes to a topic.
        (service("events", "sns:Publish", ArnLike={"aws:SourceArn": "arn:aws:events:*:*:rule/ours"}), None, False),
        (service("events", "sns:Publish", StringEquals={"aws:SourceAccount": ACCOUNT}), None, False),
        (
            service("events", "sns:Publish"),
            service("events", USES, ArnLike={"aws:SourceArn": "arn:aws:events:*:*:rule/ours"}),
            False,
        ),
        (service("events", "sns:Publish"), service("events", USES, StringEquals={"aws:SourceAccount": ACCOUNT}), False),
        (
            service("events", "sns:Publish"),
            service("events", USES, StringEquals={"kms:EncryptionContext:aws:sns:topicArn": TOPIC}),
            True,
        ),
        (service("cloudwatch", "sns:Publish"), None, False),
    ],
)
def test_rule_publishes_if_topic_and_key_allow_eventbridge(
    house: House, policy: Statement, key: Statement | None, delivered: bool
):
    house.topic("Policy", document(policy, resource=TOPIC))
    if key:
        house.topic("KmsMasterKeyId", house.key(key))
    put_event(house, TOPIC)
    assert bool(house.heard()) is delivered
    assert house.denials() == ([] if delivered else [("events.amazonaws.com", "sns:Publish")])


@pytest.mark.parametrize(
    ("policy", "key", "delivered"),
    [
        (service("events", "sqs:SendMessage"), None, True),
        (service("events", "sqs:SendMessage", ArnLike={"aws:SourceArn": "arn:aws:events:*:*:rule/ours"}), None, True),
        (service("events", "sqs:SendMessage", ArnLike={"aws:SourceArn": "arn:aws:events:*:*:rule/not"}), None, False),
        (service("events", "sqs:SendMessage"), service("events", USES), True),
        (service("events", "sqs:SendMessage"), service("sqs", USES), False),
        (service("sns", "sqs:SendMessage"), None, False),
    ],
)
def test_rule_sends_if_queue_and_key_allow_eventbridge(
    house: House, policy: Statement, key: Statement | None, delivered: bool
):
    house.queue(Policy=document(policy, resource=QUEUE))
    if key:
        house.queue(KmsMasterKeyId=house.key(key))
    put_event(house, QUEUE)
    assert bool(house.heard()) is delivered


def test_default_topic_policy_denies_eventbridge(house: House):
    put_event(house, TOPIC)
    assert house.heard() == []


def put_event(house: House, target: str) -> None:
    events = house.cloud.client("events")
    events.put_rule(Name="ours", EventPattern=json.dumps({"source": ["app"]}))
    events.put_targets(Rule="ours", Targets=[{"Id": "target", "Arn": target}])
    events.put_events(Entries=[{"Source": "app", "DetailType": "tick", "Detail": "{}"}])


# --- Roles -----------------------------------------------------------------------------------------------------------


class Worker:
    """A role and what signs with its session."""

    def __init__(self, cloud: LocalCloud, *statements: Statement) -> None:
        self.cloud, self.iam = cloud, cloud.client("iam")
        trust = document(service("lambda", "sts:AssumeRole")).replace('"Resource": "*", ', "")
        self.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trust)
        self.may(*statements)

    def may(self, *statements: Statement) -> None:
        policy = document(*(statements or ({"Action": "none:Nothing"},)))
        self.iam.put_role_policy(RoleName="worker", PolicyName="work", PolicyDocument=policy)

    def client(self, name: Any) -> Any:
        keys = self.cloud.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="now")["Credentials"]
        return boto3.client(
            name,
            endpoint_url=self.cloud.endpoint,
            region_name="us-east-1",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )


def code(call: Callable[..., object], **parameters: object) -> str:
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"].get("Code", "")
    return ""


VIA_SQS = {"StringEquals": {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}}


@pytest.mark.parametrize(
    ("statements", "answer"),
    [
        ([{"Action": "sqs:SendMessage", "Resource": QUEUE}], ""),
        ([{"Action": "sqs:*", "Resource": "*"}], ""),
        ([{"Action": "sqs:SendMessage", "Resource": f"{QUEUE}-other"}], "AccessDenied"),
        ([{"Action": "sqs:ReceiveMessage", "Resource": QUEUE}], "AccessDenied"),
        ([], "AccessDenied"),
    ],
)
def test_role_sends_only_what_its_policy_allows(house: House, statements: list[Statement], answer: str):
    sqs = Worker(house.cloud, *statements).client("sqs")
    assert code(sqs.send_message, QueueUrl=house.url, MessageBody="hello") == answer
    batch = [{"Id": "1", "MessageBody": "hello"}]
    assert code(sqs.send_message_batch, QueueUrl=house.url, Entries=batch) == answer


@pytest.mark.parametrize(
    ("statements", "key_statements", "answer"),
    [
        ([{"Action": USES, "Condition": VIA_SQS}], [], ""),
        ([{"Action": "kms:Decrypt"}], [], "KMS.AccessDeniedException"),
        ([], [], "KMS.AccessDeniedException"),
        (
            [{"Action": USES, "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}}],
            [],
            "KMS.",
        ),
        ([], [{"Principal": {"AWS": ROLE}, "Action": USES}], ""),
    ],
)
def test_a_role_that_sends_to_an_encrypted_queue_needs_the_key(
    house: House, statements: list[Statement], key_statements: list[Statement], answer: str
):
    house.queue(KmsMasterKeyId=house.key(*key_statements))
    sqs = Worker(house.cloud, {"Action": "sqs:*"}, *statements).client("sqs")
    given = code(sqs.send_message, QueueUrl=house.url, MessageBody="hello")
    assert given.startswith(answer)
    assert bool(given) is bool(answer)


def test_key_without_principals_denies_every_role(house: House):
    key = house.cloud.client("kms").create_key(Policy=document(service("sns", USES)))["KeyMetadata"]["Arn"]
    worker = Worker(house.cloud, {"Action": "kms:*"})
    assert code(worker.client("kms").encrypt, KeyId=key, Plaintext=b"secret") == "AccessDeniedException"
    own = document({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"})
    house.cloud.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=own)
    assert code(worker.client("kms").encrypt, KeyId=key, Plaintext=b"secret") == ""


def test_a_queue_that_denies_a_role_wins(house: House):
    worker = Worker(house.cloud, {"Action": "sqs:*"})
    denial = {"Effect": "Deny", "Principal": {"AWS": ROLE}, "Action": "sqs:SendMessage"}
    house.queue(Policy=document(denial, resource=QUEUE))
    assert code(worker.client("sqs").send_message, QueueUrl=house.url, MessageBody="hello") == "AccessDenied"
    assert code(house.sqs.send_message, QueueUrl=house.url, MessageBody="hello") == ""


def test_a_role_publishes_to_an_encrypted_topic_with_the_key(house: House):
    house.topic("KmsMasterKeyId", house.key())
    worker = Worker(house.cloud, {"Action": "sns:Publish", "Resource": TOPIC})
    assert code(worker.client("sns").publish, TopicArn=TOPIC, Message="hello") == "KMSAccessDenied"
    worker.may({"Action": "sns:Publish", "Resource": TOPIC}, {"Action": USES})
    assert code(worker.client("sns").publish, TopicArn=TOPIC, Message="hello") == ""
    worker.may({"Action": USES})
    assert code(worker.client("sns").publish, TopicArn=TOPIC, Message="hello") == "AuthorizationError"


def test_a_role_reads_an_encrypted_table_with_the_key(house: House):
    dynamodb = house.cloud.client("dynamodb")
    dynamodb.create_table(
        TableName="kept",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": house.key()},
    )
    table = {"Action": "dynamodb:GetItem", "Resource": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/kept"}
    worker = Worker(house.cloud, table)
    item: Any = {"TableName": "kept", "Key": {"pk": {"S": "a"}}}
    assert code(worker.client("dynamodb").get_item, **item) == "AccessDeniedException"
    via = {"StringEquals": {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}}
    worker.may(table, {"Action": "kms:Decrypt", "Condition": via})
    assert code(worker.client("dynamodb").get_item, **item) == ""
    assert code(worker.client("dynamodb").delete_item, **item) == "AccessDeniedException"


@pytest.mark.parametrize(
    ("granted", "refused"),
    [
        (["dynamodb:ConditionCheckItem", "dynamodb:PutItem"], False),
        (["dynamodb:PutItem"], True),
        (["dynamodb:ConditionCheckItem"], True),
        (["dynamodb:TransactWriteItems"], True),  # no action of IAM's
    ],
)
def test_a_transaction_takes_the_rights_to_its_parts(house: House, granted: list[str], *, refused: bool):
    house.cloud.client("dynamodb").create_table(
        TableName="parts",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    worker = Worker(house.cloud, {"Action": granted, "Resource": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/parts"})
    check = {"TableName": "parts", "Key": {"pk": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(pk)"}
    parts = [{"ConditionCheck": check}, {"Put": {"TableName": "parts", "Item": {"pk": {"S": "b"}}}}]
    answered = code(worker.client("dynamodb").transact_write_items, TransactItems=parts)
    assert answered == ("AccessDeniedException" if refused else "")


OWN = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["OWN#*"]}}
EVERY_ITEM = [f"dynamodb:{name}Item" for name in ("BatchGet", "BatchWrite", "ConditionCheck", "Delete", "Get", "Put")]


def item_requests(pk: str) -> list[tuple[str, dict[str, Any]]]:
    """Every kind of request for one item."""
    key: Any = {"pk": {"S": pk}}
    one: Any = {"TableName": "keyed", "Key": key}
    check = {**one, "ConditionExpression": "attribute_not_exists(nothing)"}
    query = {"TableName": "keyed", "ExpressionAttributeValues": {":p": {"S": pk}}}
    return [
        ("get_item", one),
        ("delete_item", one),
        ("put_item", {"TableName": "keyed", "Item": key}),
        ("batch_get_item", {"RequestItems": {"keyed": {"Keys": [{"pk": {"S": "OWN#0"}}, key]}}}),
        ("batch_write_item", {"RequestItems": {"keyed": [{"PutRequest": {"Item": key}}]}}),
        ("batch_write_item", {"RequestItems": {"keyed": [{"DeleteRequest": {"Key": key}}]}}),
        ("transact_write_items", {"TransactItems": [{"ConditionCheck": check}]}),
        ("transact_write_items", {"TransactItems": [{"Put": {"TableName": "keyed", "Item": key}}]}),
        ("query", {**query, "KeyConditionExpression": "pk = :p"}),
        ("query", {**query, "KeyConditionExpression": "#p = :p", "ExpressionAttributeNames": {"#p": "pk"}}),
    ]


@pytest.mark.parametrize("number", range(len(item_requests(""))))
def test_a_condition_on_leading_keys_holds_for_each_request(house: House, number: int):
    house.cloud.client("dynamodb").create_table(
        TableName="keyed",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/keyed"
    worker = Worker(house.cloud, {"Action": [*EVERY_ITEM, "dynamodb:Query"], "Resource": table, "Condition": OWN})
    for pk, expected in (("OWN#1", ""), ("ANOTHERS#1", "AccessDeniedException")):
        name, request = item_requests(pk)[number]
        assert code(getattr(worker.client("dynamodb"), name), **request) == expected


def test_put_metric_data_obeys_the_namespace_condition(cloud: LocalCloud):
    condition = {"StringEquals": {"cloudwatch:namespace": "App"}}
    cloudwatch = Worker(cloud, {"Action": "cloudwatch:PutMetricData", "Condition": condition}).client("cloudwatch")
    data = [{"MetricName": "a", "Value": 1.0}]
    assert code(cloudwatch.put_metric_data, Namespace="App", MetricData=data) == ""
    assert code(cloudwatch.put_metric_data, Namespace="Other", MetricData=data).startswith("AccessDenied")


@pytest.mark.parametrize(
    ("resource", "metric", "composite"),
    [("*", ["app-a"], ["app-both"]), (f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:app-*", ["app-a"], [])],
)
def test_composite_alarms_need_an_unscoped_permission(
    cloud: LocalCloud, resource: str, metric: list[str], composite: list[str]
):
    cloudwatch = cloud.client("cloudwatch")
    alarm: Any = {"MetricName": "m", "Namespace": "App", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    cloudwatch.put_metric_alarm(AlarmName="app-a", Threshold=1, ComparisonOperator="GreaterThanThreshold", **alarm)
    cloudwatch.put_composite_alarm(AlarmName="app-both", AlarmRule="ALARM(app-a)")
    narrow = Worker(cloud, {"Action": "cloudwatch:DescribeAlarms", "Resource": resource}).client("cloudwatch")
    both: Any = ["MetricAlarm", "CompositeAlarm"]
    found = narrow.describe_alarms(AlarmNamePrefix="app-", AlarmTypes=both)
    assert [one["AlarmName"] for one in found["MetricAlarms"]] == metric
    assert [one["AlarmName"] for one in found["CompositeAlarms"]] == composite
    only = narrow.describe_alarms(AlarmNamePrefix="app-", AlarmTypes=["CompositeAlarm"])
    assert (only["MetricAlarms"], [one["AlarmName"] for one in only["CompositeAlarms"]]) == ([], composite)


# --- Functions -------------------------------------------------------------------------------------------------------

HANDLER = """
import boto3, os
def handle(event, context):
    boto3.client("sns").publish(TopicArn=os.environ["TOPIC"], Message="handled")
"""


def create(cloud: LocalCloud, name: str = "work") -> Any:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("handler.py", HANDLER)
    functions: Any = cloud.client("lambda")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=ROLE,
        Handler="handler.handle",
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": {"TOPIC": TOPIC}},
        Timeout=30,
    )
    return functions


def test_a_function_may_do_only_what_its_role_may(house: House):
    worker = Worker(house.cloud)
    functions = create(house.cloud)
    refused = functions.invoke(FunctionName="work", Payload=b"{}")
    assert "is not authorized to perform: sns:Publish" in refused["Payload"].read().decode()
    worker.may({"Action": "sns:Publish", "Resource": TOPIC})
    assert "FunctionError" not in functions.invoke(FunctionName="work", Payload=b"{}")
    assert house.heard() == ["handled"]


def test_a_mapping_needs_a_role_that_may_take_from_the_queue(house: House):
    source = house.sqs.create_queue(QueueName="work")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:work"
    publish = {"Action": "sns:Publish", "Resource": TOPIC}
    worker = Worker(house.cloud, publish, {"Action": "sqs:ReceiveMessage", "Resource": arn})
    functions = create(house.cloud)
    with pytest.raises(ClientError, match="does not have permissions to call DeleteMessage on SQS"):
        functions.create_event_source_mapping(EventSourceArn=arn, FunctionName="work")
    polls = {"Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], "Resource": arn}
    worker.may(publish, polls)
    functions.create_event_source_mapping(EventSourceArn=arn, FunctionName="work")
    house.sqs.send_message(QueueUrl=source, MessageBody="one")
    heard: list[str] = []
    eventually(lambda: bool(heard.extend(house.heard()) or heard), "nothing was heard")
    house.sqs.set_queue_attributes(QueueUrl=source, Attributes={"KmsMasterKeyId": house.key()})
    house.sqs.send_message(QueueUrl=source, MessageBody="two")
    moment()
    waiting = house.sqs.get_queue_attributes(QueueUrl=source, AttributeNames=["All"])["Attributes"]
    assert (waiting["ApproximateNumberOfMessages"], house.heard()) == ("1", [])


def test_a_function_needs_a_role_that_lambda_may_take(house: House):
    worker = Worker(house.cloud)
    trust = document(service("ec2", "sts:AssumeRole"))
    worker.iam.update_assume_role_policy(RoleName="worker", PolicyDocument=trust)
    with pytest.raises(ClientError, match=r"cannot be assumed by Lambda"):
        create(house.cloud)


@pytest.mark.parametrize("service_name", ["sns", "events"])
def test_service_invokes_a_function_that_allows_it(house: House, service_name: str):
    Worker(house.cloud, {"Action": "sns:Publish", "Resource": TOPIC})
    functions = create(house.cloud)
    target = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:work"
    news = house.sns.create_topic(Name="news")["TopicArn"]
    house.sns.subscribe(TopicArn=news, Protocol="lambda", Endpoint=target)

    def say() -> None:
        if service_name == "sns":
            house.sns.publish(TopicArn=news, Message="hello")
        else:
            put_event(house, target)

    say()
    denied = [(f"{service_name}.amazonaws.com", "lambda:InvokeFunction")]
    eventually(lambda: house.denials() == denied, "the call was not denied")
    functions.add_permission(
        FunctionName="work",
        StatementId="calls",
        Action="lambda:InvokeFunction",
        Principal=f"{service_name}.amazonaws.com",
    )
    say()
    eventually(lambda: house.heard() == ["handled"], "the function was not called")
