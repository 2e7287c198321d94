"""The infrastructure as one Pulumi component, for the program of this repository and for your own.

This is the public interface. The import is cheap: Pulumi's AWS package is loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.stack import DnsRecord, StackOutputs
    from mailstack_infra.mailstack import MailStack
    from mailstack_infra.settings.account import Account
    from mailstack_infra.settings.dns_access import DnsAccess
    from mailstack_infra.settings.domain import Bimi, Dkim, Dmarc, MailFrom
    from mailstack_infra.settings.loading import SettingsInvalid
    from mailstack_infra.settings.model import Settings
    from mailstack_infra.settings.rates import BounceRates, ComplaintRates
    from mailstack_infra.settings.secret import Secret
    from mailstack_infra.settings.stream import StreamSettings, Tracking, Vdm

__all__ = [
    "Account",
    "Bimi",
    "BounceRates",
    "ComplaintRates",
    "Dkim",
    "Dmarc",
    "DnsAccess",
    "DnsRecord",
    "MailFrom",
    "MailStack",
    "Secret",
    "Settings",
    "SettingsInvalid",
    "StackOutputs",
    "StreamSettings",
    "Tracking",
    "Vdm",
]

_HOME = {
    "Account": "mailstack_infra.settings.account",
    "Bimi": "mailstack_infra.settings.domain",
    "BounceRates": "mailstack_infra.settings.rates",
    "ComplaintRates": "mailstack_infra.settings.rates",
    "Dkim": "mailstack_infra.settings.domain",
    "Dmarc": "mailstack_infra.settings.domain",
    "DnsAccess": "mailstack_infra.settings.dns_access",
    "DnsRecord": "mailer.stack",
    "MailFrom": "mailstack_infra.settings.domain",
    "MailStack": "mailstack_infra.mailstack",
    "Secret": "mailstack_infra.settings.secret",
    "Settings": "mailstack_infra.settings.model",
    "SettingsInvalid": "mailstack_infra.settings.loading",
    "StackOutputs": "mailer.stack",
    "StreamSettings": "mailstack_infra.settings.stream",
    "Tracking": "mailstack_infra.settings.stream",
    "Vdm": "mailstack_infra.settings.stream",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'mailstack_infra' has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
