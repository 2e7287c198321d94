"""The Pulumi program: settings → components → outputs."""

import sys
from pathlib import Path

# The folder of a program is on its path, with `mailstack_infra` in it; the contract, `mailer.stack`, is beside it.
sys.path.append(str(Path(__file__).resolve().parent.parent))

import pulumi
from pulumi.runtime import config

from mailstack_infra.configuration import NAMESPACE, read
from mailstack_infra.dns_route53 import find_zone
from mailstack_infra.environment import Environment
from mailstack_infra.mailstack import MailStack

stack = pulumi.get_stack()
secret = config.get_config_secret_keys_env()
settings = read(stack, {**config.get_config_env(), **config.CONFIG.get()}, secret)
mailstack = MailStack(
    Environment.current(stack, settings.tags),
    settings,
    zone=find_zone(settings),
    secret_pages=any(f"{NAMESPACE}:{key}" in secret for key in ("page", "warn")),
)
for name, value in mailstack.exports.items():
    pulumi.export(name, value)
