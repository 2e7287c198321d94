"""A Lambda function's credentials and endpoints: what botocore would use there, without its import."""

import subprocess
import sys
from pathlib import Path

import pytest
from botocore.session import Session

from mailer.wire.access import Access, Identity
from mailer.wire.client import DYNAMODB, SES, SSM
from mailer.wire.deadline import Deadline
from mailer.wire.errors import CannotAsk
from mailer.wire.function_access import FunctionAccess, FunctionIdentity
from tests.waiting import PATIENCE

# AWS's documented example keys.
VARIABLES = {
    "AWS_LAMBDA_FUNCTION_NAME": "mailstack-dev-feedback",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "example",
}
_CLEARED = (
    *("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
    *("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "ALL_PROXY", "all_proxy"),
)
REGIONS = sorted(
    region
    for partition in Session().get_available_partitions()
    for region in Session().get_available_regions("dynamodb", partition)
)


@pytest.fixture(autouse=True)
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _CLEARED:
        monkeypatch.delenv(name, raising=False)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


def address(identity: Identity, service: str, region: str | None) -> tuple[str, str, bool]:
    place = identity.place(service, region)
    assert place.destination
    return place.region, place.destination.url.geturl(), place.destination.tls is not None


@pytest.mark.parametrize("region", [*REGIONS, "eusc-de-east-1"])
def test_an_endpoint_is_that_of_botocore_in_each_region(region: str):
    found, botocores = FunctionAccess().identity, Identity(Access())
    for service in (DYNAMODB.name, SES.name, SSM.name):
        assert address(found, service, region) == address(botocores, service, region)


def test_the_regions_of_every_partition_are_compared():
    assert {"us-east-1", "cn-north-1", "us-gov-west-1"} <= set(REGIONS)
    assert len(REGIONS) > 30


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
        {"AWS_ENDPOINT_URL": "https://a.test", "AWS_ENDPOINT_URL_DYNAMODB": "https://tables.test/prefix"},
        {"AWS_ENDPOINT_URL": ""},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
        {"AWS_ENDPOINT_URL": "https://a.test", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    ],
    ids=str,
)
def test_variables_decide_as_they_do_for_botocore(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert address(FunctionAccess().identity, "dynamodb", None) == address(Identity(Access()), "dynamodb", None)


def test_the_keys_are_those_of_the_function():
    keys = FunctionAccess().identity.keys(Deadline(1))
    assert keys == (VARIABLES["AWS_ACCESS_KEY_ID"], VARIABLES["AWS_SECRET_ACCESS_KEY"], "example")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_LAMBDA_FUNCTION_NAME", ""),
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_PROFILE", "mine"),
        ("AWS_CONFIG_FILE", "config"),
        ("https_proxy", "http://127.0.0.1:3128"),
    ],
)
def test_botocore_is_asked_where_more_than_lambda_decides(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, value)
    assert not isinstance(FunctionAccess().identity, FunctionIdentity)


def test_a_bundle_of_ones_own_vouches_for_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    missing = tmp_path / "none.pem"
    monkeypatch.setenv("AWS_CA_BUNDLE", str(missing))
    with pytest.raises(CannotAsk, match=str(missing)):
        FunctionAccess().identity.place("dynamodb", None)


def test_botocore_is_not_imported():
    script = """
import sys
from mailer.wire.deadline import Deadline
from mailer.wire.function_access import FunctionAccess
identity = FunctionAccess().identity
identity.keys(Deadline(1))
assert identity.place("dynamodb", None).destination.tls
assert not [name for name in sys.modules if name.startswith("botocore")]
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=PATIENCE)
