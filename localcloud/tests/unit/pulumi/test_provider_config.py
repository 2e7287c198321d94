"""The provider's configuration: endpoints must be on this machine."""

import json

import pytest

from mailstack_localcloud.pulumi.provider import config
from mailstack_localcloud.pulumi.provider.cloud import ProviderError

LOCAL = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_REGION": "eu-west-1"}
SERVICES = [
    *("chatbot", "cloudwatch", "dynamodb", "events", "iam", "kms", "lambda", "logs", "route53"),
    *("secretsmanager", "sesv2", "sns", "sqs", "ssm", "sts"),
]


def reasons(args: dict[str, object], environ: dict[str, str]) -> list[str]:
    return [f"{problem.path}: {problem.reason}" for problem in config.check(args, environ)]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4566", "http://localhost:1", "http://[::1]:4566", "https://127.9.9.9/x"]
)
def test_loopback_is_taken(url: str):
    assert reasons({"region": "us-east-1"}, {"AWS_ENDPOINT_URL": url}) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://sqs.us-east-1.amazonaws.com",
        "http://10.0.0.1:4566",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://0.0.0.0:4566",
    ],
)
def test_any_other_machine_is_refused(url: str):
    (reason,) = reasons({"region": "us-east-1"}, {"AWS_ENDPOINT_URL": url})
    assert "is not on this machine" in reason
    (reason,) = reasons({"endpoints": json.dumps([{"kms": url}])}, LOCAL)
    assert reason.startswith("endpoints.kms: ")


def test_missing_endpoint_names_the_services():
    (reason,) = reasons({"region": "us-east-1", "endpoints": json.dumps([{"sns": "http://127.0.0.1:1"}])}, {})
    assert reason.startswith("endpoints: no endpoint for chatbot, cloudwatch")
    assert "sns" not in reason.split(":")[1]
    assert reasons({"region": "us-east-1", "endpoints": [dict.fromkeys(SERVICES, "http://127.0.0.1:1")]}, {}) == []


def test_unknown_provider_key_is_refused():
    (reason,) = reasons({"regoin": "us-east-1"}, LOCAL)
    assert reason.startswith("regoin: no such input; did you mean 'region'?")


def test_unsupported_provider_option_is_refused():
    tags = json.dumps({"keys": ["owner"]})
    assert reasons({"ignoreTags": tags}, LOCAL) == ["ignoreTags: the local cloud's provider does not serve this"]


def test_unsupported_options_of_assume_role_are_refused():
    role = {"roleArn": "arn:aws:iam::111122223333:role/dns", "externalId": "mail", "sessionName": "mail"}
    assert reasons({"assumeRoles": json.dumps([role])}, LOCAL) == []
    (reason,) = reasons({"assumeRoles": json.dumps([role, {**role, "duration": "1h"}])}, LOCAL)
    assert reason == "assumeRoles[1].duration: the local cloud's provider does not serve this"


def test_changed_region_replaces_the_provider():
    before = config.complete({}, LOCAL)
    assert before == {"region": "eu-west-1"}
    assert config.diff(before, {}, LOCAL) == []
    assert config.diff(before, {}, {**LOCAL, "AWS_REGION": "us-east-1"}) == ["region"]
    assert config.diff(before, {"defaultTags": json.dumps({"tags": {"a": "b"}})}, LOCAL) == ["defaultTags"]


def test_a_region_is_required():
    (reason,) = reasons({}, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert reason.startswith("region: not set")


def test_the_official_providers_keys_come_as_strings_of_json():
    args: dict[str, object] = {
        "accessKey": "123456789012",
        "secretKey": "x",
        "skipCredentialsValidation": "true",
        "skipMetadataApiCheck": "true",
        "skipRegionValidation": "true",
        "skipRequestingAccountId": "true",
        "s3UsePathStyle": "true",
        "maxRetries": "2",
        "defaultTags": json.dumps({"tags": {"stack": "local"}}),
        "version": "7.51.1",
    }
    settings = config.configure(args, LOCAL)
    assert settings.default_tags == {"stack": "local"}
    assert (settings.cloud.region, settings.cloud.access_key) == ("eu-west-1", "123456789012")


def test_the_environment_says_where_the_local_cloud_is_just_now():
    usual = {"endpoints": [dict.fromkeys(SERVICES, "http://127.0.0.1:4566")]}
    cloud = config.configure(usual, {**LOCAL, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}).cloud
    assert cloud.sqs.meta.endpoint_url == "http://127.0.0.1:9"
    alone = config.configure(usual, {"AWS_REGION": "us-east-1"}).cloud
    assert alone.sqs.meta.endpoint_url == "http://127.0.0.1:4566"


def test_a_wrong_configuration_is_not_settled():
    with pytest.raises(ProviderError, match="never speaks to AWS itself"):
        config.configure({"region": "us-east-1"}, {})
