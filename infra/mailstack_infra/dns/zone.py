"""The DNS zone: the protocol of its adapters, and the lookup of the stack's zone.

Not for the records (`records.py`) or for publishing them with a provider (`route53.py`, `cloudflare.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

import pulumi

from mailer.install import install_command
from mailstack_infra.dns import route53
from mailstack_infra.environment import Environment
from mailstack_infra.settings.identity import ZoneSettings
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.problems import SettingsInvalid
from mailstack_infra.settings.validators import within

CLOUDFLARE = "pulumi_cloudflare"  # an extra: most stacks do not need it


class Zone(Protocol):
    """A zone that the stack publishes in."""

    @property
    def name(self) -> str:
        """Its domain, without a trailing dot."""
        ...

    def texts(self, name: str) -> tuple[str, ...]:
        """The TXT values of one of the stack's names before the deployment, whole and without quotes."""
        ...

    def publish(
        self,
        key: str,
        *,
        kind: str,
        name: pulumi.Input[str],
        values: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Register one record set. A preview shows it even if its name and values are still unknown.

        Args:
            key: Its key in the deployment.
            kind: CNAME, MX or TXT.
            name: Its full name, without a trailing dot.
            values: Its values as in `mailer.stack.DnsRecord`: TXT whole and without quotes.
            opts: Its options.
        """
        ...


def find_zone(
    settings: ZoneSettings,
    env: Environment,
    asked: pulumi.InvokeOptions,
    provider: pulumi.ProviderResource | None = None,
) -> Zone | None:
    """The zone of the records, looked up before anything is created; None if the stack publishes none.

    Args:
        settings: The zone and the identity.
        env: The stack's environment.
        asked: Options for the invokes, if the records have no provider of their own.
        provider: The records' own provider, which looks up the zone and publishes; None for the default one.

    Raises:
        SettingsInvalid: The zone does not exist, it does not hold the domain, or records of others conflict.
    """
    if settings.identity.address or settings.dns == "none":
        return None
    if provider:
        asked = pulumi.InvokeOptions(provider=provider)
    return _FINDERS[settings.dns](settings, env, asked, provider)


def _route53(
    settings: ZoneSettings, env: Environment, asked: pulumi.InvokeOptions, provider: pulumi.ProviderResource | None
) -> Zone:
    zone = route53.find(settings, asked, provider)
    _holding(settings, zone)
    return route53.read(zone, settings, env.region, asked)


def _cloudflare(
    settings: ZoneSettings, env: Environment, asked: pulumi.InvokeOptions, provider: pulumi.ProviderResource | None
) -> Zone:
    try:
        from mailstack_infra.dns import cloudflare
    except ModuleNotFoundError as error:
        if error.name != CLOUDFLARE:
            raise
        raise SettingsInvalid(
            f"{NAMESPACE}:dns is cloudflare, and {CLOUDFLARE} is not installed in the program's environment. Install "
            f"it: {install_command('cloudflare')}"
        ) from error
    zone = cloudflare.find(settings, env, asked, provider)
    _holding(settings, zone)
    cloudflare.refuse_conflicts(zone, settings.identity, env, asked)
    cloudflare.warn_if_weaker(zone, settings.identity, env.region)
    return zone


_Finder: TypeAlias = Callable[[ZoneSettings, Environment, pulumi.InvokeOptions, pulumi.ProviderResource | None], Zone]
_FINDERS: Mapping[str, _Finder] = {
    "route53": _route53,
    "cloudflare": _cloudflare,
}


def _holding(settings: ZoneSettings, zone: Zone) -> None:
    domain = settings.identity.domain
    if not within(domain, zone.name):
        raise SettingsInvalid(
            f"The zone {settings.zone!r} is {zone.name}, which does not hold {domain}. Set {NAMESPACE}:zone "
            "to the name or id of the zone that does."
        )
