"""The isolated environment leads to the local cloud only."""

import pytest

from mailstack_localcloud.isolation import isolated

LOCAL = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_REGION": "us-east-1"}


@pytest.mark.parametrize(
    "name",
    [
        *("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_SESV2", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
        *("MAILSTACK_OUTPUTS", "PULUMI_CONFIG", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"),
    ],
)
def test_variables_that_lead_elsewhere_are_removed(name: str):
    assert name not in isolated({name: "elsewhere", "HOME": "/home/ada"}, LOCAL)


def test_the_rest_stays_and_what_is_given_wins():
    found = isolated({"HOME": "/home/ada", "AWS_REGION": "eu-west-1"}, LOCAL)
    assert found["HOME"] == "/home/ada"
    assert found["AWS_REGION"] == "us-east-1"


def test_no_shared_configuration_file_is_read():
    found = isolated({"AWS_CONFIG_FILE": "/home/ada/.aws/config"}, LOCAL)
    assert found["AWS_CONFIG_FILE"] == found["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
