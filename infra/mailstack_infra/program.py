"""A whole Pulumi program: settings → component → outputs. `infra/__main__.py` and the template of `pulumi new` run it.

Not for a program with resources of its own: use `MailStack` there.
"""

import pulumi
from pulumi.runtime import config

from mailstack_infra import regions
from mailstack_infra.mailstack import MailStack
from mailstack_infra.settings.loading import read


def deploy() -> MailStack:
    """Deploy a stack with the settings of Pulumi.<stack>.yaml, and export its outputs.

    Raises:
        SettingsInvalid: A setting is invalid; the message lists all problems.
    """
    # Pulumi passes configuration in the environment; the in-process test engine sets it through the SDK.
    given = {**config.get_config_env(), **config.CONFIG.get()}
    secret = {*config.get_config_secret_keys_env(), *filter(config.is_config_secret, given)}
    settings = read(pulumi.get_stack(), given, secret)
    regions.check_configured(given.get("aws:region", ""))
    mailstack = MailStack("mailstack", settings)
    for name, value in mailstack.exports.items():
        pulumi.export(name, value)
    return mailstack
