"""The provider that looks up the zone and publishes the records, if it is not the provider of all other resources.

Not for its settings (`settings/dns_access.py`) or for the permissions of its role (`tools.docs.deploy_policy`).
"""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi.runtime import config

from mailstack_infra.environment import Environment
from mailstack_infra.settings.dns_access import DnsAccess
from mailstack_infra.settings.identity import ZoneSettings
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.problems import SettingsInvalid
from mailstack_infra.settings.secret import protected, redacted

# An explicit provider does not inherit `aws:` of the stack's file, which has the credentials that assume the role, and
# the endpoints. https://www.pulumi.com/docs/iac/concepts/resources/providers/#explicit-provider-configuration
_REACHED: Mapping[str, str] = {
    "endpoints": "endpoints",
    "httpProxy": "http_proxy",
    "httpsProxy": "https_proxy",
    "noProxy": "no_proxy",
    "sharedConfigFiles": "shared_config_files",
    "sharedCredentialsFiles": "shared_credentials_files",
    "stsRegion": "sts_region",
    "useDualstackEndpoint": "use_dualstack_endpoint",
    "useFipsEndpoint": "use_fips_endpoint",
}
_WHO: Mapping[str, str] = {
    "accessKey": "access_key",
    "assumeRoleWithWebIdentity": "assume_role_with_web_identity",
    "profile": "profile",
    "secretKey": "secret_key",
    "token": "token",
}
_PACKAGES = {"route53": "aws", "cloudflare": "cloudflare"}


def records_provider(
    zone: ZoneSettings, env: Environment, given: pulumi.ProviderResource | None, opts: pulumi.ResourceOptions
) -> pulumi.ProviderResource | None:
    """The records' own provider; None if the provider of all other resources creates them.

    Args:
        zone: Where the records are published, and how it is reached.
        env: The stack's environment.
        given: A provider of the program's own.
        opts: Options of the provider.

    Raises:
        SettingsInvalid: It cannot publish the records.
    """
    if given:
        _check_provider(zone, given)
        return given
    access = zone.access
    if not (access.role or access.profile):
        return None
    _check_partition(env, access)
    shared = _configured(_REACHED if access.profile else {**_REACHED, **_WHO})
    if access.profile:
        return aws.Provider("dns", region=env.region, profile=protected(access.profile), **shared, opts=opts)
    role = aws.ProviderAssumeRoleArgs(
        role_arn=protected(access.role),
        external_id=protected(access.external_id) if access.external_id else None,
        session_name=protected(access.session_name or f"mailstack-{env.stack}"),
    )
    # A deployment that already assumes roles assumes this one from the last of them.
    before: list[Any] = pulumi.Config("aws").get_object("assumeRoles") or []
    return aws.Provider("dns", region=env.region, assume_roles=[*before, role], **shared, opts=opts)


def needed(access: DnsAccess) -> str:
    """What to check if the zone cannot be looked up with an access of its own; empty if it has none."""
    return redacted(_needed(access), of=access.texts)


def _needed(access: DnsAccess) -> str:
    if access.profile:
        return (
            f"The lookup used the profile {access.profile} of {NAMESPACE}:dnsAccess. Check that it belongs to the "
            f"account of the zone: aws sts get-caller-identity --profile {access.profile}"
        )
    if not access.role:
        return ""
    asked = f" with the external ID {access.external_id}" if access.external_id else ""
    return (
        f"The lookup used the role {access.role} of {NAMESPACE}:dnsAccess. Its trust policy must allow the "
        f"deployment's credentials to assume it{asked}; their own policy must allow sts:AssumeRole on it; and the "
        "role's policy must allow the actions in docs/reference/dns-policy.json (docs/guides/dns.md)."
    )


def _check_provider(zone: ZoneSettings, given: pulumi.ProviderResource) -> None:
    wanted = _PACKAGES.get(zone.dns)
    if zone.identity.address or wanted is None:
        raise SettingsInvalid(
            "MailStack has a dns_provider, but the stack publishes no DNS records: remove dns_provider, or set dns."
        )
    if zone.access.role or zone.access.profile:
        raise SettingsInvalid("MailStack has a dns_provider, and Settings have a dns_access: remove one of the two.")
    if given.package != wanted:
        raise SettingsInvalid(
            f"MailStack has a dns_provider of the package {given.package}, and {NAMESPACE}:dns is {zone.dns}: pass a "
            f"provider of the package {wanted}."
        )


def _check_partition(env: Environment, access: DnsAccess) -> None:
    """A role can be assumed only within its partition.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """
    partition = access.role.split(":")[1] if access.role else env.partition
    if partition != env.partition:
        role = redacted(access.role, of=access.texts)
        raise SettingsInvalid(
            f"{NAMESPACE}:dnsAccess.role is {role}, in the partition {partition}; the stack is in "
            f"{env.partition} and cannot assume it. If the zone is in another partition, set {NAMESPACE}:dns to "
            "none and publish the records there yourself: mailer dns."
        )


def _configured(keys: Mapping[str, str]) -> dict[str, Any]:
    """The values of these keys in the stack's file, by the provider's argument names; secrets stay secret."""
    found = pulumi.Config("aws")
    values: dict[str, Any] = {}
    for key, argument in keys.items():
        text = found.get(key)
        if text is None:
            continue
        value = found.get_object(key) if text.lstrip().startswith(("{", "[")) else text
        values[argument] = pulumi.Output.secret(value) if config.is_config_secret(f"aws:{key}") else value
    return values
