"""The Pulumi program: settings → components → outputs."""

import sys
from pathlib import Path

# Python puts the folder of a program first, where our `dns` would hide another's. What belongs there is the repository.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pulumi
from pulumi.runtime import config

from infra.configuration import NAMESPACE, read
from infra.dns_route53 import find_zone
from infra.environment import Environment
from infra.mailstack import MailStack

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
