"""Records in another AWS account: what the settings may say, and what is registered through which provider."""

import json
from typing import Any

import pulumi_aws as aws
import pytest
from pulumi import ProviderResource, ResourceOptions

from mailstack_infra import DnsAccess, MailStack, Settings, SettingsInvalid
from tests.unit.infra.program import Deployment, run, run_own

PAGE = ("oncall@example.com",)
ROLE = "arn:aws:iam::111122223333:role/dns"
DNS = {"aws:route53/getZone:getZone", "aws:route53/getRecords:getRecords"}


def deployed(access: DnsAccess | None = None, **more: Any) -> Deployment:
    """What a program registers that has a MailStack with an access of its own for DNS."""
    settings = Settings(domain="example.com", page=PAGE, dns_access=access or DnsAccess(), **more.pop("settings", {}))
    return run_own(lambda: create(settings, **more))


def create(settings: Settings, dns_provider: Any = None, **more: Any) -> None:
    MailStack("mail", settings, dns_provider=dns_provider and dns_provider(), **more)


def of_dns(deployment: Deployment) -> dict[str, Any]:
    """The inputs of the records' own provider."""
    (found,) = (each for each in deployment.resources if each.token == "pulumi:providers:aws")
    # The package says some for itself.
    return {
        name: decoded(value)
        for name, value in found.inputs.items()
        if name != "version" and not name.startswith("skip")
    }


def decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value.startswith(("[", "{", "true")) else value


def users(deployment: Deployment, name: str) -> set[str]:
    """The types of resources that a provider makes, and what it is asked."""
    registered = {each.token for each in deployment.resources if f"::{name}::" in each.provider}
    return registered | {token for token, provider in deployment.asked if f"::{name}::" in provider}


def test_records_and_questions_about_them_go_by_the_role():
    found = deployed(DnsAccess(role=ROLE, external_id="mail-2026"))
    assert of_dns(found) == {
        "region": "us-east-1",
        "assumeRoles": [{"roleArn": ROLE, "externalId": "mail-2026", "sessionName": "mailstack-dev"}],
    }
    assert users(found, "dns") == {"aws:route53/record:Record", *DNS}
    assert all("::dns::" in each.provider for each in found.of("Record"))


def test_a_profile_names_the_credentials():
    found = deployed(DnsAccess(profile="dns"))
    assert of_dns(found) == {"region": "us-east-1", "profile": "dns"}
    assert users(found, "dns") == {"aws:route53/record:Record", *DNS}


def test_without_it_names_and_providers_are_as_before():
    plain, with_role = deployed(), deployed(DnsAccess(role=ROLE))
    assert not [each for each in plain.resources if each.token.startswith("pulumi:providers:")]
    assert {each.urn for each in plain.aws} == {each.urn for each in with_role.aws}


def test_the_role_is_assumed_as_the_stacks_file_reaches_aws(monkeypatch: pytest.MonkeyPatch):
    first = {"roleArn": "arn:aws:iam::444455556666:role/deploy"}
    config = {
        "aws:profile": "deployers",
        "aws:endpoints": json.dumps([{"sts": "http://127.0.0.1:1"}]),
        "aws:assumeRoles": json.dumps([first]),
        "aws:allowedAccountIds": json.dumps(["444455556666"]),
        "aws:defaultTags": json.dumps({"tags": {"a": "b"}}),
    }
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))
    found = of_dns(deployed(DnsAccess(role=ROLE, session_name="mail")))
    assert found == {
        "region": "us-east-1",
        "profile": "deployers",
        "endpoints": [{"sts": "http://127.0.0.1:1"}],
        "assumeRoles": [first, {"roleArn": ROLE, "sessionName": "mail"}],
    }
    assert "assumeRoles" not in of_dns(deployed(DnsAccess(profile="dns")))


def test_a_secret_key_of_the_stacks_file_stays_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"aws:secretKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}))
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", json.dumps(["aws:secretKey"]))
    found = deployed(DnsAccess(role=ROLE))
    (provider,) = (each for each in found.resources if each.token == "pulumi:providers:aws")
    assert provider.secret == {"secretKey"}


def test_a_program_may_give_the_provider_itself():
    found = deployed(dns_provider=lambda: aws.Provider("zones", region="us-east-1"))
    assert users(found, "zones") == {"aws:route53/record:Record", *DNS}


def test_dns_provider_is_separate_from_the_main_provider():
    def program() -> None:
        settings = Settings(domain="example.com", page=PAGE)
        given = ResourceOptions(provider=aws.Provider("abroad", region="us-east-1"))
        MailStack("mail", settings, dns_provider=aws.Provider("zones", region="us-east-1"), opts=given)

    found = run_own(program)
    assert users(found, "zones") == {"aws:route53/record:Record", *DNS}
    assert {each.token for each in found.aws} - users(found, "abroad") == {"aws:route53/record:Record"}


@pytest.mark.parametrize(
    ("settings", "access", "package", "said"),
    [
        ({"dns": "none"}, None, "aws", "publishes no DNS records"),
        ({}, None, "cloudflare", "of the package cloudflare, and mailstack:dns is route53"),
        ({"dns": "cloudflare"}, None, "aws", "of the package aws, and mailstack:dns is cloudflare"),
        ({}, DnsAccess(role=ROLE), "aws", "and Settings have a dns_access"),
    ],
)
def test_a_provider_that_cannot_publish_is_refused(
    settings: dict[str, Any], access: DnsAccess | None, package: str, said: str
):
    with pytest.raises(SettingsInvalid, match=said):
        deployed(access, settings=settings, dns_provider=lambda: ProviderResource(package, "zones", {}))


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "aws-eusc"])
def test_a_role_of_another_partition_is_refused(partition: str):
    with pytest.raises(SettingsInvalid, match=rf"in the partition {partition}; the stack is in aws and cannot"):
        deployed(DnsAccess(role=ROLE.replace("arn:aws:", f"arn:{partition}:")))


def test_a_zone_that_is_not_there_is_explained():
    with pytest.raises(
        SettingsInvalid, match=r"(?s)zone 'example.org' failed.*the role arn:aws:iam::111122223333:role/dns.*mail-1"
    ):
        run("prod", domain="example.org", sender="", dnsAccess={"role": ROLE, "externalId": "mail-1"})


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"role": "dns"}, "it is not the ARN of an IAM role"),
        ({"role": "arn:aws:iam::1234:role/dns"}, "it is not the ARN of an IAM role"),
        ({"role": "arn:aws:iam::111122223333:user/dns"}, "it is not the ARN of an IAM role"),
        ({"role": "arn:aws:sts::111122223333:assumed-role/dns/x"}, "it is not the ARN of an IAM role"),
        ({"role": ROLE, "profile": "dns"}, "profile is set, too"),
        ({"externalId": "mail"}, "it needs a role"),
        ({"sessionName": "mail"}, "it needs a role"),
        ({"profile": "dns", "externalId": "mail"}, "it needs a role"),
        ({"role": ROLE, "externalId": "x"}, "it is not a valid external ID of STS"),
        ({"role": ROLE, "sessionName": "with blank"}, "it is not a valid session name of STS"),
        ({"role": ROLE, "roles": "x"}, "unknown setting"),
    ],
)
def test_an_access_that_means_nothing_is_refused(said: dict[str, str], problem: str):
    with pytest.raises(SettingsInvalid, match=problem):
        run("dev", dnsAccess=said)


@pytest.mark.parametrize("dns", ["none", "cloudflare"])
def test_only_route_53_is_reached_by_a_role(dns: str):
    with pytest.raises(SettingsInvalid, match=f"dnsAccess.* it applies to Route 53, and mailstack:dns is {dns}"):
        run("dev", dns=dns, dnsAccess={"role": ROLE})


def test_an_address_has_no_access_to_dns():
    with pytest.raises(SettingsInvalid, match="a single address has no DNS records"):
        Settings(address="ada@example.com", page=PAGE, dns_access=DnsAccess(profile="dns"))


@pytest.mark.parametrize("role", [ROLE, f"{ROLE[:-3]}teams/mail/dns", ROLE.replace("aws:", "aws-us-gov:", 1)])
def test_roles_with_paths_and_of_other_partitions_are_roles(role: str):
    assert DnsAccess(role=role).role == role
