"""The provider that asks about the zone and publishes the records, where it is not the one of all other resources.

Not for what it may be (`settings/dns_access.py`), nor for what its role must be allowed (`tools.docs.deploy_policy`).
"""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi.runtime import config

from mailstack_infra.environment import Environment
from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings

# An explicit provider inherits nothing of `aws:` in the stack's file, which says who assumes the role, and how AWS is
# reached. https://www.pulumi.com/docs/iac/concepts/resources/providers/#explicit-provider-configuration
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
    settings: Settings, env: Environment, given: pulumi.ProviderResource | None, opts: pulumi.ResourceOptions
) -> pulumi.ProviderResource | None:
    """The records' own provider; None where they are made by the same one as all other resources.

    Args:
        settings: What it is told.
        env: Where the stack is.
        given: One that the program made.
        opts: Whose child it is.

    Raises:
        SettingsInvalid: It cannot publish the records.
    """
    if given:
        _check_given(settings, given)
        return given
    access = settings.dns_access
    if not (access.role or access.profile):
        return None
    _check_partition(env, access.role)
    shared = _configured(_REACHED if access.profile else {**_REACHED, **_WHO})
    if access.profile:
        return aws.Provider("dns", region=env.region, profile=access.profile, **shared, opts=opts)
    role = aws.ProviderAssumeRoleArgs(
        role_arn=access.role,
        external_id=access.external_id or None,
        session_name=access.session_name or f"mailstack-{env.stack}",
    )
    # A deployment that assumes roles already assumes this one from the last of them.
    before: list[Any] = pulumi.Config("aws").get_object("assumeRoles") or []
    return aws.Provider("dns", region=env.region, assume_roles=[*before, role], **shared, opts=opts)


def needed(settings: Settings) -> str:
    """What to look at where the zone cannot be asked for with an access of its own; empty where it has none."""
    access = settings.dns_access
    if access.profile:
        return (
            f"It was asked with the profile {access.profile} of {NAMESPACE}:dnsAccess: see that aws sts "
            f"get-caller-identity --profile {access.profile} names the account that has the zone."
        )
    if not access.role:
        return ""
    asked = f" with the external ID {access.external_id}" if access.external_id else ""
    return (
        f"It was asked as {access.role} of {NAMESPACE}:dnsAccess. The role's trust policy must let the deployment's "
        f"credentials assume it{asked} (sts:AssumeRole), which they must be allowed themselves; the role's own policy "
        "must allow what docs/reference/dns-policy.json lists (docs/guides/dns.md)."
    )


def _check_given(settings: Settings, given: pulumi.ProviderResource) -> None:
    wanted = _PACKAGES.get(settings.dns)
    if settings.address or wanted is None:
        raise SettingsInvalid(
            "MailStack got a dns_provider, and the stack publishes no DNS records: leave one of the two out."
        )
    if settings.dns_access.role or settings.dns_access.profile:
        raise SettingsInvalid("MailStack got a dns_provider, and Settings a dns_access: leave one of the two out.")
    if given.package != wanted:
        raise SettingsInvalid(
            f"MailStack got a dns_provider of the package {given.package}, and {NAMESPACE}:dns is {settings.dns}: give "
            f"one of the package {wanted}."
        )


def _check_partition(env: Environment, role: str) -> None:
    """A role is assumed within its partition.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """
    if role and role.split(":")[1] != env.partition:
        raise SettingsInvalid(
            f"{NAMESPACE}:dnsAccess.role is {role}, in the partition {role.split(':')[1]}; the stack is in "
            f"{env.partition}, and cannot assume it. Where the zone is in another partition, set {NAMESPACE}:dns to "
            "none and publish the records there: mailer dns."
        )


def _configured(keys: Mapping[str, str]) -> dict[str, Any]:
    """What the stack's file says of them, by the names of the provider's arguments; secrets stay secret."""
    found = pulumi.Config("aws")
    values: dict[str, Any] = {}
    for key, argument in keys.items():
        text = found.get(key)
        if text is None:
            continue
        value = found.get_object(key) if text.lstrip().startswith(("{", "[")) else text
        values[argument] = pulumi.Output.secret(value) if config.is_config_secret(f"aws:{key}") else value
    return values
