"""The program with its options on, deployed into the local cloud: what was made works, and a second run is quiet."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailer.catalog import VerificationCode
from mailer.errors import IdentityNotVerified
from mailer.mailer import Mailer
from mailer.stack import StackOutputs
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.inprocess import InProcessStack
from mailstack_localcloud.pulumi.stack import DeploymentError
from tests.unit.infra.rsa import private

if TYPE_CHECKING:
    from mypy_boto3_route53.literals import RRTypeType

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]


class Program:
    """The repository's program in a local cloud of its own, from options to what is there."""

    def __init__(self, cloud: LocalCloud, state: Path) -> None:
        self.cloud, self._state = cloud, state
        cloud.client("route53").create_hosted_zone(Name="example.test", CallerReference="options")

    def stack(self, *, secret: Mapping[str, object] | None = None, **options: object) -> InProcessStack:
        environment = self.cloud.environment()
        config, secrets = _settings(options), _settings(secret or {})
        return InProcessStack(ROOT, "local", state=self._state, config=config, secrets=secrets, environment=environment)

    def deploy(self, **options: object) -> InProcessStack:
        """Deploy, and again: the second run must find nothing to do."""
        stack = self.stack(secret=None, **options)
        stack.up()
        again = stack.up()
        assert (again.create, again.update, again.replace, again.delete) == (0, 0, 0, 0), again.names
        return stack

    def publish(self, name: str, kind: "RRTypeType", value: str) -> None:
        """A record that another tool created."""
        route53 = self.cloud.client("route53")
        route53.change_resource_record_sets(
            HostedZoneId=route53.list_hosted_zones()["HostedZones"][0]["Id"],
            ChangeBatch={
                "Changes": [
                    {
                        "Action": "CREATE",
                        "ResourceRecordSet": {
                            "Name": name,
                            "Type": kind,
                            "TTL": 60,
                            "ResourceRecords": [{"Value": value}],
                        },
                    }
                ]
            },
        )

    def records(self) -> dict[tuple[str, str], list[str]]:
        """What stands in the zone: values by name and type."""
        route53 = self.cloud.client("route53")
        zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
        found = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return {(r["Name"].rstrip("."), r["Type"]): [v["Value"] for v in r["ResourceRecords"]] for r in found}


def _settings(options: Mapping[str, object]) -> dict[str, str]:
    return {f"mailstack:{key}": v if isinstance(v, str) else json.dumps(v) for key, v in options.items()}


@pytest.fixture
def program(cloud: LocalCloud, tmp_path: Path) -> Program:
    return Program(cloud, tmp_path / "state.json")


def test_every_option_adopts_existing_resources_and_keeps_them(program: Program):
    program.publish("_dmarc.example.test", "TXT", '"mine"')
    logo = f"https://example.com/{'l' * 300}.svg"
    options = {
        "maxDeliverySeconds": 3600,
        "vdm": {"engagementMetrics": "DISABLED"},
        "eventBridge": True,
        "tracking": {"events": ["OPEN", "CLICK"], "domain": "links.example.test"},
        "metrics": {"dimensions": {"button": {"source": "LINK_TAG"}}, "events": ["OPEN", "CLICK"]},
        "dedicatedPool": "receipts",
    }
    ses = program.cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity="example.test", Tags=[{"Key": "owner", "Value": "somebody"}])
    # SES takes `tracking.domain` for a verified identity only.
    program.cloud.control("POST", "identities/example.test/verify")
    stack = program.deploy(
        adopt=True,
        takeOver=["mailFrom", "feedback", "records"],
        feedbackForwarding=True,
        overwriteRecords=["dmarc"],
        bimi={"logo": logo},
        streams={"transactional": options, "bulk": {}},
        ownsAccount=True,
        account={"suppress": ["COMPLAINT"], "vdm": True},
        secondaryRegion="eu-west-1",
        pools={"receipts": {"scaling": "STANDARD"}},
        tenants={"acme": {}, "initech": {"streams": "bulk"}},
        slack={"workspace": "T0EXAMPLE", "page": "C0PAGES", "warn": "C0WARNINGS"},
        functionConcurrency=5,
    )
    found = ses.get_configuration_set(ConfigurationSetName="mailstack-local-transactional")
    assert found["DeliveryOptions"] == {
        "TlsPolicy": "REQUIRE",
        "MaxDeliverySeconds": 3600,
        "SendingPoolName": "mailstack-local-receipts",
    }
    assert found["TrackingOptions"]["CustomRedirectDomain"] == "links.example.test"
    endpoint = ses.get_multi_region_endpoint(EndpointName="mailstack-local-endpoint")
    assert [route["Region"] for route in endpoint.get("Routes", [])] == ["us-east-1", "eu-west-1"]
    assert stack.outputs["endpoint_id"] == endpoint.get("EndpointId")
    account = ses.get_account()
    assert account["SuppressionAttributes"]["SuppressedReasons"] == ["COMPLAINT"]
    assert account["VdmAttributes"]["VdmEnabled"] == "ENABLED"
    assert program.records()["links.example.test", "CNAME"] == ["r.us-east-1.awstrack.me"]
    assert program.records()["_dmarc.example.test", "TXT"] == ['"mine"', '"v=DMARC1; p=reject"']
    (value,) = program.records()["default._bimi.example.test", "TXT"]
    assert value.replace('""', "").strip('"') == f"v=BIMI1; l={logo}"
    stack.destroy()
    kept = ses.get_email_identity(EmailIdentity="example.test")
    assert kept["Tags"] == [{"Key": "owner", "Value": "somebody"}]
    assert not kept["FeedbackForwardingStatus"]  # as the official provider leaves it
    # A record that was taken over stays, with what others have in it.
    left = program.records()
    assert left.pop(("_dmarc.example.test", "TXT")) == ['"mine"', '"v=DMARC1; p=reject"']
    assert {kind for _, kind in left} == {"NS", "SOA"}


def test_tracking_domain_is_set_after_verification(program: Program):
    def redirect() -> str | None:
        found = program.cloud.client("sesv2").get_configuration_set(
            ConfigurationSetName="mailstack-local-transactional"
        )
        return found.get("TrackingOptions", {}).get("CustomRedirectDomain")

    tracking = {"events": "CLICK", "domain": "links.example.test"}
    stack = program.stack(streams={"transactional": {"eventBridge": True, "tracking": tracking}})
    stack.up()
    assert redirect() is None
    program.cloud.control("POST", "identities/example.test/verify")
    stack.up()
    assert redirect() == "links.example.test"
    assert not stack.up().any


def test_a_single_address_sends_once_it_is_verified(program: Program, monkeypatch: pytest.MonkeyPatch):
    stack = program.deploy(domain="", address="ada@example.test", sender="", dmarc={})
    outputs = StackOutputs.model_validate(stack.outputs["outputs"])
    assert (outputs.identity, outputs.dns_records) == ("ada@example.test", ())
    assert {kind for _, kind in program.records()} == {"NS", "SOA"}
    ses = program.cloud.client("sesv2")
    found = ses.get_email_identity(EmailIdentity="ada@example.test")
    assert (found["IdentityType"], found["VerificationStatus"]) == ("EMAIL_ADDRESS", "PENDING")
    assert found["ConfigurationSetName"] == outputs.default_configuration_set

    for name, value in program.cloud.environment().items():
        monkeypatch.setenv(name, value)
    mailer, to = Mailer(outputs), "success@simulator.amazonses.com"
    (refused,) = mailer.send(VerificationCode(code="424242"), to=to)
    assert isinstance(refused.error, IdentityNotVerified)
    program.cloud.control("POST", "identities/ada@example.test/verify")
    assert mailer.send(VerificationCode(code="424242"), to=to).ok
    stack.destroy()
    assert ses.list_email_identities()["EmailIdentities"] == []


def test_own_dkim_key_can_be_added_and_removed(program: Program):
    def status() -> tuple[str, str]:
        dkim = program.cloud.client("sesv2").get_email_identity(EmailIdentity="example.test")["DkimAttributes"]
        return dkim["SigningAttributesOrigin"], dkim["Status"]

    def keys() -> list[str]:
        return [kind for name, kind in program.records() if "._domainkey." in name]

    stack = program.stack(secret={"dkim": {"selector": "own", "privateKey": private(pem=True)}})
    stack.up()
    assert (status(), keys()) == (("EXTERNAL", "SUCCESS"), ["TXT"])
    (value,) = program.records()["own._domainkey.example.test", "TXT"]
    outputs = StackOutputs.model_validate(stack.outputs["outputs"])
    assert value.replace('" "', "").replace('""', "").strip('"') in [each.values[0] for each in outputs.dns_records]
    assert private()[100:160] not in json.dumps(stack.outputs, default=str)

    with pytest.raises(DeploymentError, match="SES currently signs with the selector own"):
        program.stack().preview()
    back = program.stack(dkim={"previous": {"own": "2999-12-31"}})
    back.preview()
    back.up()
    assert (status(), sorted(keys())) == (("AWS_SES", "SUCCESS"), ["CNAME"] * 3 + ["TXT"])
    assert program.records()["own._domainkey.example.test", "TXT"] == [value]
    assert not back.up().any
    program.stack(dkim={"previous": {"own": "2020-01-01"}}).up()
    assert keys() == ["CNAME"] * 3


def test_pages_by_mail_and_https_wait_for_their_confirmation(program: Program):
    page = ["https://pager.example.test/on-call", "ada@example.com"]
    stack = program.deploy(page=page)
    sns = program.cloud.client("sns")
    topic = StackOutputs.model_validate(stack.outputs["outputs"]).paging_topic_arn
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert sorted(one.get("Endpoint", "") for one in listed) == sorted(["ada@example.com", page[0]])
    # SNS deletes what nobody confirms, and a refresh finds that out.
    program.cloud.control("POST", "time", {"hours": 49})
    stack.refresh()
    assert stack.up().create == len(page)
    stack.destroy()
