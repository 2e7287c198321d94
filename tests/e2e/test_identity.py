"""Identity and DNS under the real CLI: a record that is in the way, a DKIM key of one's own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mailer.stack import StackOutputs
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.cli import CliStack
from mailstack_localcloud.pulumi.stack import DeploymentError
from tests.unit.infra.rsa import private

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
PACK = ROOT / "infra" / "policy"

Open = Callable[..., CliStack]


@pytest.fixture
def zone(cloud: LocalCloud) -> str:
    """The id of the hosted zone of example.com, in which the subdomain dev.example.com is published, too."""
    made = cloud.client("route53").create_hosted_zone(Name="example.com", CallerReference="e2e")
    return made["HostedZone"]["Id"].rpartition("/")[2]


@pytest.fixture
def opened(cloud: LocalCloud, pulumi: Path, tmp_path: Path) -> Open:
    def opened(*, secrets: dict[str, str] | None = None, **config: str) -> CliStack:
        return CliStack(
            ROOT,
            "dev",
            config={f"mailstack:{key}": value for key, value in {"zone": "example.com", **config}.items()},
            secrets={f"mailstack:{key}": value for key, value in (secrets or {}).items()},
            environment=cloud.environment(),
            pulumi=pulumi,
            state=tmp_path / "state",
            policy_packs=(PACK,),
        )

    return opened


def records(cloud: LocalCloud, zone: str) -> dict[str, list[str]]:
    found = cloud.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {r["Name"].rstrip("."): [v["Value"] for v in r["ResourceRecords"]] for r in found if r["Type"] == "TXT"}


def test_existing_record_is_taken_over_only_with_consent(cloud: LocalCloud, opened: Open, zone: str):
    name = "_dmarc.dev.example.com"
    mine = {"Name": name, "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"v=DMARC1; p=reject"'}]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": mine}]}
    cloud.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    with opened() as stack, pytest.raises(DeploymentError) as caught:
        stack.up()
    said = str(caught.value)
    assert "already exists" in said
    assert f"TXT {name} already exists in the zone and was not changed." in said
    assert "pulumi config set --path 'mailstack:overwriteRecords[0]' dmarc" in said
    parent = "urn:pulumi:dev::mailstack::mailstack:index:MailStack$mailstack:identity:Identity::identity"
    take_over = f"pulumi import aws:route53/record:Record dmarc '{zone}_{name}_TXT' --parent 'identity={parent}'"
    assert take_over in said
    assert records(cloud, zone)[name] == ['"v=DMARC1; p=reject"']
    with opened(overwriteRecords='["dmarc"]') as stack, pytest.raises(DeploymentError, match="asks for reject"):
        stack.up()
    with opened(overwriteRecords='["dmarc"]', dmarc='{"policy": "none", "replaces": "reject"}') as stack:
        stack.up()
        assert records(cloud, zone)[name] == ['"v=DMARC1; p=none"']
        assert not stack.up().any
        stack.destroy()
    assert records(cloud, zone)[name] == ['"v=DMARC1; p=none"']


def test_own_dkim_key_is_published_verified_and_secret(cloud: LocalCloud, opened: Open, zone: str, tmp_path: Path):
    key = private(pem=True)
    with opened(secrets={"dkim": json.dumps({"selector": "own", "privateKey": key})}) as stack:
        stack.up()
        assert not stack.up().any
        outputs = StackOutputs.model_validate(stack.outputs["outputs"])
        (record,) = [each for each in outputs.dns_records if "_domainkey" in each.name]
        (published,) = records(cloud, zone)["own._domainkey.dev.example.com"]
        assert published.replace('" "', "").replace('""', "").strip('"') == record.values[0]
        found = cloud.client("sesv2").get_email_identity(EmailIdentity="dev.example.com")
        assert found["DkimAttributes"]["SigningAttributesOrigin"] == "EXTERNAL"
        assert (found["DkimAttributes"]["Status"], found["VerificationStatus"]) == ("SUCCESS", "SUCCESS")

        part = private()[100:160]
        assert part not in json.dumps(stack.outputs, default=str)
        kept = [file.read_text(errors="replace") for file in (tmp_path / "state").rglob("*") if file.is_file()]
        assert any("own._domainkey" in text for text in kept)
        assert not [text for text in kept if part in text]
        stack.destroy()
