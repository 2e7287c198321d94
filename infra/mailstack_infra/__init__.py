"""The infrastructure as one Pulumi component, for the program of this repository and for your own.

This is the public interface. The import is cheap: Pulumi's AWS package is loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.stack import DnsRecord, StackOutputs
    from mailstack_infra.mailstack import MailStack
    from mailstack_infra.settings.access import AccessSettings, Oidc, SmtpUser
    from mailstack_infra.settings.account import Account
    from mailstack_infra.settings.dns_access import DnsAccess
    from mailstack_infra.settings.domain import Bimi, Dkim, Dmarc, MailFrom
    from mailstack_infra.settings.loading import SettingsInvalid
    from mailstack_infra.settings.message_log import MessageLog
    from mailstack_infra.settings.metrics import Dimension, Metrics
    from mailstack_infra.settings.model import Settings
    from mailstack_infra.settings.pool import Pool
    from mailstack_infra.settings.rates import BounceRates, ComplaintRates
    from mailstack_infra.settings.secret import Secret
    from mailstack_infra.settings.slack import Slack
    from mailstack_infra.settings.stream import StreamSettings, Tracking, Vdm
    from mailstack_infra.settings.tenant import Tenant
    from mailstack_infra.settings.warm_up import WarmUp

__all__ = [
    "AccessSettings",
    "Account",
    "Bimi",
    "BounceRates",
    "ComplaintRates",
    "Dimension",
    "Dkim",
    "Dmarc",
    "DnsAccess",
    "DnsRecord",
    "MailFrom",
    "MailStack",
    "MessageLog",
    "Metrics",
    "Oidc",
    "Pool",
    "Secret",
    "Settings",
    "SettingsInvalid",
    "Slack",
    "SmtpUser",
    "StackOutputs",
    "StreamSettings",
    "Tenant",
    "Tracking",
    "Vdm",
    "WarmUp",
]

_HOME = {
    "AccessSettings": "mailstack_infra.settings.access",
    "Account": "mailstack_infra.settings.account",
    "Bimi": "mailstack_infra.settings.domain",
    "BounceRates": "mailstack_infra.settings.rates",
    "ComplaintRates": "mailstack_infra.settings.rates",
    "Dimension": "mailstack_infra.settings.metrics",
    "Dkim": "mailstack_infra.settings.domain",
    "Dmarc": "mailstack_infra.settings.domain",
    "DnsAccess": "mailstack_infra.settings.dns_access",
    "DnsRecord": "mailer.stack",
    "MailFrom": "mailstack_infra.settings.domain",
    "MailStack": "mailstack_infra.mailstack",
    "MessageLog": "mailstack_infra.settings.message_log",
    "WarmUp": "mailstack_infra.settings.warm_up",
    "Metrics": "mailstack_infra.settings.metrics",
    "Oidc": "mailstack_infra.settings.access",
    "Pool": "mailstack_infra.settings.pool",
    "Secret": "mailstack_infra.settings.secret",
    "Settings": "mailstack_infra.settings.model",
    "SettingsInvalid": "mailstack_infra.settings.loading",
    "Slack": "mailstack_infra.settings.slack",
    "SmtpUser": "mailstack_infra.settings.access",
    "StackOutputs": "mailer.stack",
    "StreamSettings": "mailstack_infra.settings.stream",
    "Tenant": "mailstack_infra.settings.tenant",
    "Tracking": "mailstack_infra.settings.stream",
    "Vdm": "mailstack_infra.settings.stream",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'mailstack_infra' has no attribute {name!r}")
    try:
        value: object = getattr(import_module(_HOME[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"pulumi", "pulumi_aws"}:
            raise
        from mailer.install import install_command

        command = install_command("infra")
        words = (
            f"Deploying needs {error.name}, which the extra `infra` installs: {command} (see docs/guides/install.md)"
        )
        raise ModuleNotFoundError(words, name=error.name) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
