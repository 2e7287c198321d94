"""A stack whose zone is in another AWS account: the records go there, and nothing else does."""

import json
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.inprocess import InProcessStack
from mailstack_localcloud.pulumi.stack import DeploymentError

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]
OURS, THEIRS = "000000000000", "111122223333"
ROLE = f"arn:aws:iam::{THEIRS}:role/dns"
EXTERNAL_ID = "mail-2026"
TRUST = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{OURS}:root"},
    "Action": "sts:AssumeRole",
    "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
}


class Accounts:
    """Two accounts in one cloud: the stack's own, and that of the zone with a role for DNS."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self._cloud, self._folder = cloud, folder
        self.client(THEIRS, "route53").create_hosted_zone(Name="example.test", CallerReference="theirs")
        trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
        self.client(THEIRS, "iam").create_role(RoleName="dns", AssumeRolePolicyDocument=trust)
        policy = (ROOT / "docs" / "reference" / "dns-policy.json").read_text()
        self.client(THEIRS, "iam").put_role_policy(RoleName="dns", PolicyName="dns", PolicyDocument=policy)

    def client(self, account: str, service: str) -> Any:
        """A client of the account itself: the local cloud tells accounts by access keys of twelve digits."""
        keys = {"aws_access_key_id": account, "aws_secret_access_key": "none"}
        where = {"endpoint_url": self._cloud.endpoint, "region_name": "us-east-1"}
        return cast("Any", boto3).client(service, **keys, **where)

    def stack(self, *, environment: dict[str, str] | None = None, **options: object) -> InProcessStack:
        given = {"domain": "example.test", "page": [], "protect": False, **options}
        config = {f"mailstack:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in given.items()}
        all_of_it = {**self._cloud.environment(), **(environment or {})}
        return InProcessStack(ROOT, "dev", state=self._folder / "state.json", config=config, environment=all_of_it)

    def published(self, account: str) -> set[str]:
        """The names of the records in all zones of an account, apart from a zone's own."""
        route53 = self.client(account, "route53")
        zones = [zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"]]
        sets = [route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"] for zone in zones]
        return {each["Name"] for found in sets for each in found if each["Type"] not in {"NS", "SOA"}}

    def others(self, account: str) -> dict[str, int]:
        """How much an account has of all else that a stack makes."""
        lists = (
            ("sesv2", "list_email_identities", "EmailIdentities"),
            ("sesv2", "list_configuration_sets", "ConfigurationSets"),
            ("sns", "list_topics", "Topics"),
            ("sqs", "list_queues", "QueueUrls"),
            ("dynamodb", "list_tables", "TableNames"),
            ("lambda", "list_functions", "Functions"),
            ("kms", "list_keys", "Keys"),
            ("cloudwatch", "describe_alarms", "MetricAlarms"),
            ("ssm", "describe_parameters", "Parameters"),
        )
        return {f"{call}": len(getattr(self.client(account, s), call)().get(key, ())) for s, call, key in lists}


@pytest.fixture
def accounts(cloud: LocalCloud, tmp_path: Path) -> Accounts:
    return Accounts(cloud, tmp_path)


def assert_only_records_are_theirs(accounts: Accounts) -> None:
    assert {"_dmarc.example.test.", "bounce.example.test."} < accounts.published(THEIRS)
    assert len([name for name in accounts.published(THEIRS) if "._domainkey." in name]) == 3
    assert accounts.published(OURS) == set()
    # SES of the local cloud has one account for all.
    theirs = {name: count for name, count in accounts.others(THEIRS).items() if "ident" not in name and count}
    assert theirs in ({}, {"list_configuration_sets": accounts.others(OURS)["list_configuration_sets"]})
    assert all(count for count in accounts.others(OURS).values())


def test_records_go_to_the_account_of_the_role(accounts: Accounts):
    stack = accounts.stack(dnsAccess={"role": ROLE, "externalId": EXTERNAL_ID})
    stack.up()
    assert_only_records_are_theirs(accounts)
    assert not stack.up().any
    stack.destroy()
    assert accounts.published(THEIRS) == set()


def test_records_go_to_the_account_of_the_profile(accounts: Accounts, tmp_path: Path):
    credentials = tmp_path / "credentials"
    credentials.write_text(f"[dns]\naws_access_key_id = {THEIRS}\naws_secret_access_key = none\n")
    environment = {"AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    accounts.stack(environment=environment, dnsAccess={"profile": "dns"}).up()
    assert_only_records_are_theirs(accounts)


def test_records_in_the_way_are_seen_in_the_zones_account(accounts: Accounts):
    route53 = accounts.client(THEIRS, "route53")
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    dmarc = {
        "Name": "_dmarc.example.test",
        "Type": "TXT",
        "TTL": 60,
        "ResourceRecords": [{"Value": '"v=DMARC1; p=reject"'}],
    }
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": dmarc}]}
    route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch=change)
    access = {"role": ROLE, "externalId": EXTERNAL_ID}
    with pytest.raises(DeploymentError, match=r"The DMARC record at _dmarc\.example\.test asks for reject"):
        accounts.stack(dnsAccess=access, overwriteRecords="dmarc").up()
    assert not any(accounts.others(OURS).values())


@pytest.mark.parametrize("access", [{"role": ROLE}, {"role": ROLE, "externalId": "another"}, {"role": f"{ROLE}-2"}])
def test_a_role_that_does_not_let_us_in_is_explained(accounts: Accounts, access: dict[str, str]):
    with pytest.raises(DeploymentError, match=r"AccessDenied") as caught:
        accounts.stack(dnsAccess=access).up()
    assert f"It was asked as {access['role']} " in str(caught.value)
    assert "trust policy" in str(caught.value)
    assert not any(accounts.others(OURS).values())


def test_a_profile_of_an_account_without_the_zone_is_explained(accounts: Accounts):
    with pytest.raises(DeploymentError, match=r"Route 53 gave no zone 'example\.test'(.|\n)*the profile elsewhere"):
        accounts.stack(dnsAccess={"profile": "elsewhere"}).up()
