"""A stream with its options on, deployed into the local cloud: mail goes through it, and what was asked for happens."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import boto3
import pytest
from botocore.config import Config

from mailer.errors import Refused, ResourceNotFound, SendingPaused
from mailer.mailer import Mailer
from mailer.message import Message
from mailer.results import SendResult
from mailer.stack import StackOutputs
from mailer.transports.ses import SesTransport
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.inprocess import InProcessStack
from tests.waiting import eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]
KEPT_BY = "arn:aws:firehose:us-east-1:000000000000:deliverystream/mail-events"
STREAMS = {
    "transactional": {
        "firehose": KEPT_BY,
        "metrics": {
            "dimensions": {"template": {}, "X-Campaign": {"source": "EMAIL_HEADER", "default": "none"}},
            "events": ["SEND", "DELIVERY", "BOUNCE"],
        },
    },
    "bulk": {"dedicatedPool": "campaigns"},
}
SETTINGS = {
    "streams": STREAMS,
    "pools": {"campaigns": {}},
    "tenants": {"acme": {"streams": "bulk"}},
    "functionConcurrency": 2,
}
MESSAGE = Message(subject="Hello", text="Hello Ada", to="success@simulator.amazonses.com")


class Deployed:
    """The repository's program with those streams, and a mailer that knows nothing but its outputs."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self.cloud = cloud
        cloud.client("route53").create_hosted_zone(Name="example.test", CallerReference="streams")
        cloud.client("s3").create_bucket(Bucket="kept")
        cloud.client("firehose").create_delivery_stream(
            DeliveryStreamName="mail-events",
            ExtendedS3DestinationConfiguration={
                "BucketARN": "arn:aws:s3:::kept",
                "RoleARN": "arn:aws:iam::000000000000:role/firehose",
            },
        )
        config = {f"mailstack:{key}": json.dumps(value) for key, value in SETTINGS.items()}
        state, environment = folder / "state.json", cloud.environment()
        self.stack = InProcessStack(ROOT, "local", config=config, environment=environment, state=state)
        self.stack.up()
        self.outputs = StackOutputs.model_validate(self.stack.outputs["outputs"])
        self.mailer = Mailer(self.outputs)

    def send(self, **envelope: Any) -> str:
        sent = self.mailer.send(MESSAGE, **envelope)
        assert sent.ok, sent
        self.cloud.control("POST", "events/drain")
        return str(sent.message_id)

    def counted(self, metric: str, dimensions: dict[str, str]) -> float:
        """How often an event was counted by exactly these dimensions, within the last hour."""
        now = datetime.now(UTC)
        found = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SES",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=7200,
            Statistics=["Sum"],
        )
        return sum(point.get("Sum", 0) for point in found["Datapoints"])

    def kept(self) -> list[dict[str, Any]]:
        """The events that Firehose kept."""
        s3 = self.cloud.client("s3")
        keys = [one.get("Key", "") for one in s3.list_objects_v2(Bucket="kept").get("Contents", [])]
        texts = [s3.get_object(Bucket="kept", Key=key)["Body"].read().decode() for key in keys]
        return [json.loads(line) for text in texts for line in text.splitlines()]


@pytest.fixture(scope="module")
def deployed(shared_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    shared_cloud.reset()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in shared_cloud.environment().items():
            patch.setenv(name, value)
        yield Deployed(shared_cloud, tmp_path_factory.mktemp("streams"))


def test_a_second_deployment_finds_nothing_to_do(deployed: Deployed):
    again = deployed.stack.up()
    assert (again.create, again.update, again.replace, again.delete) == (0, 0, 0, 0), again.names


def test_mail_is_counted_by_its_tag_and_its_header(deployed: Deployed):
    deployed.send(tags={"template": "welcome"}, headers={"X-Campaign": "spring"})
    deployed.send(tags={"template": "welcome"})
    deployed.send(to="bounce@simulator.amazonses.com")
    counts = {
        (metric, template, campaign): deployed.counted(metric, {"template": template, "X-Campaign": campaign})
        for metric, template, campaign in (
            ("Send", "welcome", "spring"),
            ("Delivery", "welcome", "none"),
            ("Bounce", "none", "none"),
            ("Complaint", "none", "none"),
        )
    }
    assert list(counts.values()) == [1, 1, 1, 0]
    by_set = {"Name": "ses:configuration-set", "Value": deployed.outputs.default_configuration_set}
    found = deployed.cloud.client("cloudwatch").list_metrics(Namespace="AWS/SES", Dimensions=[by_set])["Metrics"]
    assert {len(metric.get("Dimensions", [])) for metric in found} == {1}, "the stack's own counts stay as they are"


def test_every_event_is_kept_where_firehose_says(deployed: Deployed):
    message_id = deployed.send()

    def events() -> list[str]:
        found = [event["eventType"] for event in deployed.kept() if event["mail"]["messageId"] == message_id]
        return sorted(found) if len(found) == 2 else []

    assert eventually(events, "Firehose keeps nothing") == ["Delivery", "Send"]


def test_a_stream_without_firehose_keeps_nothing(deployed: Deployed):
    message_id = deployed.send(stream="bulk")
    assert message_id not in {event["mail"]["messageId"] for event in deployed.kept()}


def test_a_stream_sends_from_the_pool_that_was_made_for_it(deployed: Deployed):
    ses = deployed.cloud.client("sesv2")
    name = deployed.outputs.streams["bulk"].configuration_set
    pool = ses.get_configuration_set(ConfigurationSetName=name)["DeliveryOptions"]["SendingPoolName"]
    assert ses.get_dedicated_ip_pool(PoolName=pool)["DedicatedIpPool"]["ScalingMode"] == "MANAGED"
    deployed.send(stream="bulk")


def test_mail_is_sent_for_a_tenant_until_it_is_paused(deployed: Deployed):
    ses, name = deployed.cloud.client("sesv2"), "mailstack-local-acme"
    deployed.send(stream="bulk", tenant="acme")
    (elsewhere,) = deployed.mailer.send(MESSAGE, tenant="acme")
    assert isinstance(elsewhere.error, Refused)
    assert f"The tenant {name} may not use" in str(elsewhere.error)

    def status(sending: Literal["ENABLED", "DISABLED"]) -> None:
        arn = ses.get_tenant(TenantName=name)["Tenant"]["TenantArn"]
        ses.update_reputation_entity_customer_managed_status(
            ReputationEntityType="RESOURCE", ReputationEntityReference=arn, SendingStatus=sending
        )

    status("DISABLED")
    (paused,) = deployed.mailer.send(MESSAGE, stream="bulk", tenant="acme")
    assert isinstance(paused.error, SendingPaused)
    assert f"paused for the tenant {name}" in str(paused.error)
    deployed.send(stream="bulk")
    status("ENABLED")
    deployed.send(stream="bulk", tenant="acme")


def test_a_tenant_that_there_is_not_is_named(deployed: Deployed):
    (result,) = deployed.mailer.send(MESSAGE, tenant="initech")
    assert isinstance(result.error, ResourceNotFound)
    assert "no tenant mailstack-local-initech" in str(result.error)


def test_mail_goes_through_a_multi_region_endpoint(deployed: Deployed):
    ses: Any = deployed.cloud.client("sesv2")
    routes = {"RoutesDetails": [{"Region": "eu-west-1"}]}
    made = ses.create_multi_region_endpoint(EndpointName="both", Details=routes)["EndpointId"]
    # Signed for one region, for there is one here: without that it takes boto3[crt].
    client: Any = boto3.client("sesv2", config=Config(signature_version="v4", retries={"total_max_attempts": 1}))

    def through(endpoint: str) -> SendResult:
        outputs = deployed.outputs.model_copy(update={"endpoint_id": endpoint})
        return Mailer(outputs, transport=SesTransport(outputs, client=client)).send(MESSAGE)

    assert through(made).ok
    (result,) = through("nowhere")
    assert isinstance(result.error, ResourceNotFound)
