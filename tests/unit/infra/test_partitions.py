"""What the program writes in each partition: ARNs, service principals, endpoints, records."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import Session

from mailstack_infra.environment import DNS_SUFFIXES, Environment
from mailstack_infra.settings.loading import SettingsInvalid
from tests.unit.infra.options import ACCESS, FULL
from tests.unit.infra.program import Deployment, run

BOTOCORE = Session()
OPTIONS: dict[str, Any] = {"streams": {"transactional": {**FULL["transactional"], "firehose": ""}}, "access": ACCESS}
# One region of each partition with SES, what its endpoints end in, and where SES publishes its DKIM keys:
# https://docs.aws.amazon.com/general/latest/gr/ses.html
REGIONS = [
    ("us-east-1", "aws", "amazonaws.com", "dkim.amazonses.com"),
    ("eu-south-1", "aws", "amazonaws.com", "dkim.eu-south-1.amazonses.com"),
    ("us-gov-west-1", "aws-us-gov", "amazonaws.com", "dkim.amazonses.com"),
    ("us-gov-east-1", "aws-us-gov", "amazonaws.com", "dkim.us-gov-east-1.amazonses.com"),
    ("eusc-de-east-1", "aws-eusc", "amazonaws.eu", "dkim.amazonses.com"),
]
everywhere = pytest.mark.parametrize(("region", "partition", "suffix", "dkim"), REGIONS, ids=[r[0] for r in REGIONS])


def deployed(region: str) -> Deployment:
    access = {**ACCESS, "oidc": {"deploys": ACCESS["oidc"]["deploys"]}}
    options: dict[str, Any] = {**OPTIONS, "access": access}
    return run("prod", region=region, **options)


def texts(value: object) -> Iterator[str]:
    """Every text in a resource's inputs, whatever it stands in; policies are JSON in text."""
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts(each)
        case list():
            for each in value:
                yield from texts(each)
        case _:
            pass


@everywhere
def test_arns_and_endpoints_are_the_partitions(region: str, partition: str, suffix: str, dkim: str):
    deployment = deployed(region)
    written = "\n".join(text for resource in deployment.aws for text in texts(resource.inputs))
    assert set(re.findall(r"\barn:(aws[a-z-]*):", written)) == {partition}
    login = json.loads(deployment.one("SecretVersion", "smtp").inputs["secretString"])
    assert login["host"] == f"email-smtp.{region}.{suffix}"
    targets = {
        r.inputs["records"][0].partition(".")[2] for r in deployment.of("Record") if "_domainkey" in r.inputs["name"]
    }
    assert targets == {dkim}
    (mx,) = (r.inputs["records"] for r in deployment.of("Record") if r.inputs["type"] == "MX")
    assert mx == [f"10 feedback-smtp.{region}.amazonses.com"]
    assert bool([said for said in deployment.warnings if "AWS documents no names" in said]) is (partition == "aws-eusc")


@everywhere
def test_services_are_principals_by_the_same_names(region: str, partition: str, suffix: str, dkim: str):
    """Those that end in another suffix are of services that are not used here, or of partitions without SES.

    hashicorp/terraform-provider-aws, internal/service/meta/service_principal_data_source.go.
    """
    deployment = deployed(region)
    documents = [r.inputs[key] for r in deployment.aws for key in ("policy", "assumeRolePolicy") if key in r.inputs]
    principals = [s.get("Principal", {}) for each in documents for s in json.loads(each)["Statement"]]
    services = {each["Service"] for each in principals if "Service" in each}
    assert services == {name for name in services if name.endswith(".amazonaws.com")}
    assert f"logs.{region}.amazonaws.com" in services
    through = deployment.policy("RolePolicy", "feedback")["UseKey"]["Condition"]["StringEquals"]["kms:ViaService"]
    assert f"sqs.{region}.{suffix}" in through
    assert f"sqs.{region}.amazonaws.com" in through


def test_suffixes_are_those_of_botocore():
    for partition in BOTOCORE.get_available_partitions():
        if BOTOCORE.get_available_regions("sesv2", partition_name=partition) or partition in DNS_SUFFIXES:
            environment = Environment("prod", "123456789012", "x", partition, {})
            data = BOTOCORE.get_data("partitions")
            (expected,) = (p["outputs"]["dnsSuffix"] for p in data["partitions"] if p["id"] == partition)
            assert environment.dns_suffix == expected


@pytest.mark.parametrize("region", ["cn-north-1", "us-iso-east-1", "ap-east-1"])
def test_a_region_without_ses_is_refused_before_anything_is_made(region: str):
    with pytest.raises(SettingsInvalid, match=f"aws:region is {region}, and botocore knows of no SES there"):
        run("prod", region=region)
