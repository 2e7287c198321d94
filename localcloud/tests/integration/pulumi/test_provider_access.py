"""Access for senders from the provider: users, keys, SMTP passwords, secrets, OpenID Connect providers."""

import os
import smtplib
import uuid
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.plugin import Plugin, PluginError
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
GET_OIDC = "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider"


def urn(kind: str) -> str:
    return f"urn:pulumi:t::t::{kind}::subject"


@pytest.fixture(scope="module")
def plugin(shared_cloud: LocalCloud) -> Iterator[Plugin]:
    shared_cloud.reset()
    with Plugin(environment={**os.environ, **shared_cloud.environment()}) as started:
        assert started.configure("urn:pulumi:t::t::pulumi:providers:aws::default", {}) == []
        yield started


@pytest.fixture
def name() -> str:
    return f"t{uuid.uuid4().hex[:10]}"


def test_the_smtp_password_of_a_new_access_key_logs_in(plugin: Plugin, shared_cloud: LocalCloud, name: str):
    shared_cloud.client("iam").create_user(UserName=name)
    key, state = plugin.create(urn("aws:iam/accessKey:AccessKey"), {"user": name})
    with smtplib.SMTP(shared_cloud.smtp.host, shared_cloud.smtp.port, timeout=PATIENCE) as client:
        client.starttls(context=shared_cloud.smtp.context())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(key, state["secret"])
        client.login(key, state["sesSmtpPasswordV4"])


def test_refresh_keeps_secrets_that_iam_shows_only_once(plugin: Plugin, shared_cloud: LocalCloud, name: str):
    shared_cloud.client("iam").create_user(UserName=name)
    of, inputs = urn("aws:iam/accessKey:AccessKey"), {"user": name}
    key, state = plugin.create(of, inputs)
    found = plugin.read(of, key, inputs, state)
    assert found is not None
    assert found.state["secret"] == state["secret"]
    imported = plugin.read(of, key, {}, {})
    assert imported is not None
    assert "secret" not in imported.state


def test_user_with_keys_is_deleted_only_with_force_destroy(plugin: Plugin, shared_cloud: LocalCloud, name: str):
    iam, of = shared_cloud.client("iam"), urn("aws:iam/user:User")
    inputs = {"name": name, "tags": {}}
    _, state = plugin.create(of, inputs)
    iam.create_access_key(UserName=name)
    with pytest.raises(PluginError, match="DeleteConflict"):
        plugin.delete(of, name, inputs, state)
    forced = {**inputs, "forceDestroy": True}
    plugin.delete(of, name, forced, plugin.update(of, name, inputs, state, forced))
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_user(UserName=name)


def test_an_identity_provider_is_found_by_its_url_or_its_arn(plugin: Plugin, shared_cloud: LocalCloud, name: str):
    url = f"https://{name}.test"
    with pytest.raises(PluginError, match=f"no OpenID Connect provider for {url}"):
        plugin.invoke(GET_OIDC, {"url": url})
    tags = [{"Key": "team", "Value": "mail"}]
    arn = shared_cloud.client("iam").create_open_id_connect_provider(
        Url=url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40], Tags=tags
    )["OpenIDConnectProviderArn"]
    found, _ = plugin.invoke(GET_OIDC, {"url": url})
    assert (found["arn"], found["clientIdLists"]) == (arn, ["sts.amazonaws.com"])
    assert found["tags"] == {"team": "mail"}
    assert plugin.invoke(GET_OIDC, {"arn": arn})[0] == found
    with pytest.raises(PluginError, match="exactly one of arn and url"):
        plugin.invoke(GET_OIDC, {"arn": arn, "url": url})


def test_a_new_value_of_a_secret_takes_the_place_of_the_old(plugin: Plugin, shared_cloud: LocalCloud, name: str):
    secrets, of = shared_cloud.client("secretsmanager"), urn("aws:secretsmanager/secretVersion:SecretVersion")
    arn = secrets.create_secret(Name=name)["ARN"]
    before = {"secretId": arn, "secretString": "one"}
    old, state = plugin.create(of, before)
    after = {**before, "secretString": "two"}
    found = plugin.diff(of, old, before, state, after)
    assert (found.replaces, found.delete_first) == (("secretString",), False)
    new, state = plugin.create(of, after)
    plugin.delete(of, old, before, state)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "two"
    stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    assert {version for version, labels in stages.items() if labels} == {new.partition("|")[2]}


def test_deleted_secret_is_recoverable_by_default(plugin: Plugin, shared_cloud: LocalCloud, name: str):
    secrets, of = shared_cloud.client("secretsmanager"), urn("aws:secretsmanager/secret:Secret")
    for suffix, more, kept in (("a", {}, True), ("b", {"recoveryWindowInDays": 0}, False)):
        inputs = {"name": name + suffix, "tags": {}, **more}
        arn, state = plugin.create(of, inputs)
        plugin.delete(of, arn, inputs, state)
        listed = secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]
        assert (arn in {one.get("ARN") for one in listed}) is kept
        assert plugin.read(of, arn, inputs, state) is None


def test_an_identity_that_is_there_can_be_looked_up(plugin: Plugin, shared_cloud: LocalCloud, name: str):
    token = "aws:sesv2/getEmailIdentity:getEmailIdentity"
    with pytest.raises(PluginError, match="NotFoundException"):
        plugin.invoke(token, {"emailIdentity": f"{name}.test"})
    tags = [{"Key": "owner", "Value": "somebody"}]
    shared_cloud.client("sesv2").create_email_identity(EmailIdentity=f"{name}.test", Tags=tags)
    found, _ = plugin.invoke(token, {"emailIdentity": f"{name}.test"})
    assert (found["arn"].rsplit(":", 1)[-1], found["tags"]) == (f"identity/{name}.test", {"owner": "somebody"})
    assert len(found["dkimSigningAttributes"][0]["tokens"]) == 3


@pytest.mark.parametrize(
    ("kind", "inputs", "path"),
    [
        ("aws:iam/user:User", {"name": "with space"}, "name"),
        ("aws:iam/accessKey:AccessKey", {"user": "u", "status": "Off"}, "status"),
        ("aws:iam/accessKey:AccessKey", {"user": "u", "pgpKey": "keybase:ada"}, "pgpKey"),
        ("aws:iam/userPolicyAttachment:UserPolicyAttachment", {"user": "u", "policyArn": "p"}, "policyArn"),
        ("aws:iam/instanceProfile:InstanceProfile", {"name": "n" * 129}, "name"),
        ("aws:iam/openIdConnectProvider:OpenIdConnectProvider", {"url": "http://a.test", "clientIdLists": []}, "url"),
        ("aws:secretsmanager/secret:Secret", {"name": "s", "recoveryWindowInDays": 6}, "recoveryWindowInDays"),
        ("aws:secretsmanager/secret:Secret", {"name": "s", "replicas": [{"region": "eu-west-1"}]}, "replicas"),
        (
            "aws:secretsmanager/secretVersion:SecretVersion",
            {"secretId": "s", "secretString": "a", "secretBinary": "YQ=="},
            "secretBinary",
        ),
        ("aws:sesv2/dedicatedIpPool:DedicatedIpPool", {"poolName": "p", "scalingMode": "AUTO"}, "scalingMode"),
        (
            "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
            {"url": "https://a.test", "clientIdLists": ["a"], "thumbprintLists": ["short"]},
            "thumbprintLists",
        ),
    ],
)
def test_inputs_that_the_official_provider_refuses_are_refused(
    plugin: Plugin, kind: str, inputs: dict[str, object], path: str
):
    assert [problem.path for problem in plugin.check(urn(kind), inputs, None, b"seed")[1]] == [path]


def test_the_local_iam_moves_users_and_says_that_it_renames_none(shared_cloud: LocalCloud, name: str):
    iam = shared_cloud.client("iam")
    iam.create_user(UserName=name)
    iam.update_user(UserName=name, NewPath="/mail/")
    assert iam.get_user(UserName=name)["User"]["Arn"].endswith(f":user/mail/{name}")
    with pytest.raises(ClientError, match="NotEmulated"):
        iam.update_user(UserName=name, NewUserName=f"{name}-other")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.update_user(UserName=f"{name}-other", NewPath="/")
