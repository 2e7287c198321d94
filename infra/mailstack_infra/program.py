"""A whole Pulumi program: settings → component → outputs. The one in `infra/` and those of `pulumi new` run it.

Not for a program with resources of its own: that has `MailStack` beside them.
"""

import pulumi
from pulumi.runtime import config

from mailstack_infra.mailstack import MailStack
from mailstack_infra.settings.loading import read
from mailstack_infra.settings.marks import NAMESPACE


def deploy() -> MailStack:
    """Deploy what Pulumi.<stack>.yaml says, and export the outputs.

    Raises:
        SettingsInvalid: Something in it is wrong; the message names each problem.
    """
    # A language host passes the configuration in the environment, and calls set it where a process runs the program.
    given = {**config.get_config_env(), **config.CONFIG.get()}
    secret = {*config.get_config_secret_keys_env(), *filter(config.is_config_secret, given)}
    settings = read(pulumi.get_stack(), given, secret)
    secret_pages = any(f"{NAMESPACE}:{key}" in secret for key in ("page", "warn"))
    mailstack = MailStack("mailstack", settings, secret_pages=secret_pages)
    for name, value in mailstack.exports.items():
        pulumi.export(name, value)
    return mailstack
