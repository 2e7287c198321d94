"""Two AWS accounts in one local cloud: the stack's own, and that of the zone with a role for DNS."""

import json
from pathlib import Path
from typing import Any, cast

import boto3

from mailstack_localcloud import LocalCloud

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

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
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


def credentials(folder: Path) -> dict[str, str]:
    """A profile `dns` of the zone's account: the environment of a deployment that may use it."""
    file = folder / "credentials"
    file.write_text(f"[dns]\naws_access_key_id = {THEIRS}\naws_secret_access_key = none\n")
    return {"AWS_SHARED_CREDENTIALS_FILE": str(file)}


def assert_only_records_are_theirs(accounts: Accounts) -> None:
    assert {"_dmarc.example.test.", "bounce.example.test."} < accounts.published(THEIRS)
    assert len([name for name in accounts.published(THEIRS) if "._domainkey." in name]) == 3
    assert accounts.published(OURS) == set()
    # SES of the local cloud has one account for all.
    theirs = {name: count for name, count in accounts.others(THEIRS).items() if "ident" not in name and count}
    assert theirs in ({}, {"list_configuration_sets": accounts.others(OURS)["list_configuration_sets"]})
    assert all(count for count in accounts.others(OURS).values())
