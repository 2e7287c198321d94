"""The Pulumi program: settings → components → outputs."""

import sys
from pathlib import Path

# The folder of a program is on its path, with `mailstack_infra` in it; the contract, `mailer.stack`, is beside it.
sys.path.append(str(Path(__file__).resolve().parent.parent))

import pulumi
from pulumi.runtime import config

from mailstack_infra import MailStack
from mailstack_infra.configuration import read
from mailstack_infra.settings.base import NAMESPACE

# A language host hands them over in the environment, whoever runs the program in a process of its own by calls.
given = {**config.get_config_env(), **config.CONFIG.get()}
secret = {*config.get_config_secret_keys_env(), *filter(config.is_config_secret, given)}
settings = read(pulumi.get_stack(), given, secret)
mailstack = MailStack(
    "mailstack", settings, secret_pages=any(f"{NAMESPACE}:{key}" in secret for key in ("page", "warn"))
)
for name, value in mailstack.exports.items():
    pulumi.export(name, value)
