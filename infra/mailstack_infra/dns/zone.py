"""Where DNS records are published: what an adapter does, and which one a stack asks for.

Not for which records there are (`dns.py`), nor for how each provider publishes them (`route53.py`,
`cloudflare.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

import pulumi

from mailer.install import install_command
from mailstack_infra.dns import route53
from mailstack_infra.environment import Environment
from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings
from mailstack_infra.settings.validators import within

CLOUDFLARE = "pulumi_cloudflare"  # an extra: most stacks do without


class Zone(Protocol):
    """A zone that is ours to publish in."""

    @property
    def name(self) -> str:
        """Its domain, without a trailing dot."""
        ...

    def texts(self, name: str) -> tuple[str, ...]:
        """The TXT values that stood under one of the stack's names before the deployment, whole and without quotes."""
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
        """Make one record set. A preview shows it even where its name and values are unknown yet.

        Args:
            key: What the deployment calls it.
            kind: CNAME, MX or TXT.
            name: In full, without a trailing dot.
            values: As `mailer.stack.DnsRecord` has them: TXT whole and without quotes.
            opts: Whose child it is.
        """
        ...


def find_zone(
    settings: Settings,
    env: Environment,
    asked: pulumi.InvokeOptions,
    provider: pulumi.ProviderResource | None = None,
) -> Zone | None:
    """The zone that the records go to, looked up before anything is made; None when they go elsewhere.

    Args:
        settings: Which zone, and whose.
        env: What the records are for.
        asked: Whose provider is asked where the records have none of their own.
        provider: Who is asked about the zone and publishes the records, where it is another.

    Raises:
        SettingsInvalid: There is no such zone, it does not hold the domain, or others' records are in the way.
    """
    if settings.address or settings.dns == "none":
        return None
    if provider:
        asked = pulumi.InvokeOptions(provider=provider)
    return _FINDERS[settings.dns](settings, env, asked, provider)


def _route53(
    settings: Settings, env: Environment, asked: pulumi.InvokeOptions, provider: pulumi.ProviderResource | None
) -> Zone:
    zone = route53.find(settings, asked, provider)
    _holding(settings, zone)
    return route53.read(zone, settings, env.region, asked)


def _cloudflare(
    settings: Settings, env: Environment, asked: pulumi.InvokeOptions, provider: pulumi.ProviderResource | None
) -> Zone:
    try:
        from mailstack_infra.dns import cloudflare
    except ModuleNotFoundError as error:
        if error.name != CLOUDFLARE:
            raise
        raise SettingsInvalid(
            f"{NAMESPACE}:dns is cloudflare, and {CLOUDFLARE} is not installed where the program runs. Install it: "
            f"{install_command('cloudflare')}"
        ) from error
    zone = cloudflare.find(settings, env, asked, provider)
    _holding(settings, zone)
    cloudflare.refuse_conflicts(zone, settings, env, asked)
    return zone


_Finder: TypeAlias = Callable[[Settings, Environment, pulumi.InvokeOptions, pulumi.ProviderResource | None], Zone]
_FINDERS: Mapping[str, _Finder] = {
    "route53": _route53,
    "cloudflare": _cloudflare,
}


def _holding(settings: Settings, zone: Zone) -> None:
    if not within(settings.domain, zone.name):
        raise SettingsInvalid(
            f"The zone {settings.zone!r} is {zone.name}, which does not hold {settings.domain}. Set {NAMESPACE}:zone "
            "to the name or id of the one that does."
        )
