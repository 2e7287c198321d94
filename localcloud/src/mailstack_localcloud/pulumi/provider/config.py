"""The provider's own configuration: the keys of the official provider, and an endpoint on this machine.

Not for reaching AWS: an endpoint that is not on loopback is refused before anything is sent. Unlike in the official
provider, AWS_ENDPOINT_URL wins over configured endpoints: it says where the local cloud is just now, a file where it
usually is.
"""

import configparser
import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from mailstack_localcloud.pulumi import schema
from mailstack_localcloud.pulumi.provider.cloud import Cloud, ProviderError
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props, bare, is_unknown, obj

ENDPOINT = "AWS_ENDPOINT_URL"
# AWS's documented example keys: the local cloud takes any.
_ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
_SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105
_SERVICES = (
    *("chatbot", "cloudwatch", "dynamodb", "events", "iam", "kms", "lambda", "logs", "route53"),
    *("secretsmanager", "sesv2", "sns", "sqs", "ssm", "sts"),
)
# Of the official provider's keys, those that would change what is made here, and are not served; the others say how AWS
# is reached, or who asks, which does not matter on this machine.
_REFUSED = ("assumeRoleWithWebIdentity", "ignoreTags", "tagPolicyCompliance")
# Of a role to assume, what is served.
_ROLE_KEYS = frozenset({"roleArn", "externalId", "sessionName"})
REPLACING = ("region",)
"""A change of these replaces the provider and all its resources, as in the official provider."""
_OTHER_NAMES = {"logs": ("cloudwatchlogs",)}
_OF_THE_ENGINE = ("version", "pluginDownloadURL")


@dataclass(frozen=True)
class Settings:
    """The result of `Configure`."""

    cloud: Cloud
    default_tags: dict[str, str]


def check(news: Props, environ: Mapping[str, str] = os.environ) -> list[Problem]:
    """The problems of the provider's configuration."""
    given = _decoded(news)
    problems = schema.check(schema.PROVIDER, given)
    if problems or is_unknown(given):
        return problems
    if not _region(given, environ):
        problems.append(Problem("region", "not set: give aws:region, or set AWS_REGION"))
    problems += [Problem(name, "the local cloud's provider does not serve this") for name in _REFUSED if name in given]
    problems += [
        Problem(f"assumeRoles[{number}].{name}", "the local cloud's provider does not serve this")
        for number, role in enumerate(_roles(given))
        for name in sorted(set(role) - _ROLE_KEYS)
    ]
    endpoints = _endpoints(given)
    base = environ.get(ENDPOINT)
    missing = [] if base else [service for service in _SERVICES if service not in endpoints]
    if missing:
        reason = f"no endpoint for {', '.join(missing)}: set {ENDPOINT} to that of the local cloud (localcloud)"
        problems.append(Problem("endpoints", f"{reason}. This provider never speaks to AWS itself"))
    every: dict[str, str] = {f"endpoints.{name}": url for name, url in _named(given).items()}
    if base:
        every[ENDPOINT] = base
    return problems + [
        Problem(name, f"{url} is not on this machine. This provider never speaks to AWS itself: use the official one")
        for name, url in every.items()
        if url and not is_loopback(url)
    ]


def complete(news: Props, environ: Mapping[str, str] = os.environ) -> Props:
    """The configuration with the region that holds, so that another one is noticed wherever it is said."""
    region = _region(_decoded(news), environ)
    return {**news, "region": region} if region and not news.get("region") else news


def diff(olds: Props, news: Props, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The names of what differs between two configurations; unknowns do."""
    before, after = (_decoded(complete(config, environ)) for config in (olds, news))
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def configure(args: Props, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settle where the cloud is, and who speaks to it.

    Raises:
        ProviderError: The configuration is wrong, or the account is not one that may be used.
    """
    problems = check(args, environ)
    if problems:
        raise ProviderError("The provider is not configured: " + "; ".join(f"{p.path}: {p.reason}" for p in problems))
    given = _decoded(args)
    base = environ.get(ENDPOINT)
    endpoints = {} if base else _endpoints(given)
    profile = _profile(given, environ)
    cloud = Cloud(
        endpoint=base or endpoints["sts"],
        region=_region(given, environ),
        access_key=given.get("accessKey")
        or profile.get("aws_access_key_id")
        or environ.get("AWS_ACCESS_KEY_ID")
        or _ACCESS_KEY,
        secret_key=given.get("secretKey")
        or profile.get("aws_secret_access_key")
        or environ.get("AWS_SECRET_ACCESS_KEY")
        or _SECRET_KEY,
        endpoints=endpoints,
    )
    for role in _roles(given):
        cloud = cloud.assuming(role)
    _check_account(cloud, given)
    return Settings(cloud, default_tags=obj(obj(given.get("defaultTags")).get("tags")))


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine and no other.

    Example:
        >>> is_loopback("http://127.0.0.1:4566"), is_loopback("https://sqs.us-east-1.amazonaws.com")
        (True, False)
    """
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _decoded(args: Props) -> Props:
    """Configuration as values: values other than strings arrive as JSON strings."""
    known = schema.inputs_of(schema.PROVIDER)
    decoded: Props = {}
    for name, value in cast("Props", bare(args)).items():
        if name in _OF_THE_ENGINE or name.startswith("__"):
            continue
        is_text = name in known and known[name].type is str
        decoded[name] = value if is_text or not isinstance(value, str) else _value(value)
    return decoded


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _region(given: Props, environ: Mapping[str, str]) -> str:
    return str(given.get("region") or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "")


def _endpoints(given: Props) -> dict[str, str]:
    """Endpoints by boto3's names of the services."""
    named = _named(given)
    found = {service: next((named[n] for n in _names(service) if n in named), "") for service in _SERVICES}
    return {service: url for service, url in found.items() if url}


def _roles(given: Props) -> list[dict[str, str]]:
    """What is assumed, one after the other."""
    roles: list[dict[str, str]] = given.get("assumeRoles") or []
    return [{key: value for key, value in role.items() if value} for role in roles]


def _profile(given: Props, environ: Mapping[str, str]) -> dict[str, str]:
    """The keys of a profile, of the files that are named; none where they do not have it: who asks seldom matters here.

    What a profile may run or ask elsewhere to get keys stays undone.
    """
    name = given.get("profile")
    if not name:
        return {}
    named: list[str] = given.get("sharedCredentialsFiles") or [environ.get("AWS_SHARED_CREDENTIALS_FILE") or ""]
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(file for file in named if file)
    return dict(parser[name]) if parser.has_section(name) else {}


def _named(given: Props) -> dict[str, str]:
    blocks: list[Props] = given.get("endpoints") or []
    return {name: str(url) for block in blocks for name, url in block.items() if url}


def _names(service: str) -> tuple[str, ...]:
    return (service, *_OTHER_NAMES.get(service, ()))


def _check_account(cloud: Cloud, given: Props) -> None:
    allowed: list[str] = given.get("allowedAccountIds") or []
    forbidden: list[str] = given.get("forbiddenAccountIds") or []
    if (allowed or forbidden) and (cloud.account_id in forbidden or (allowed and cloud.account_id not in allowed)):
        raise ProviderError(
            f"Account {cloud.account_id} may not be used: see allowedAccountIds and forbiddenAccountIds."
        )
