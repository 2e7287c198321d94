"""From Pulumi's configuration to `Settings`, and every problem with it in one message.

Not for what a setting means (`settings/`) or for wording what is wrong with one (`problems.py`).
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import cast

from pydantic import ValidationError

from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings
from mailstack_infra.settings.problems import FILE, SettingsInvalid, invalid, worded
from mailstack_infra.settings.secret import Secret

__all__ = ["SettingsInvalid", "check_stack_name", "read"]

# Part of the names of resources; Lambda's and IAM's are the shortest, 64 characters with our own parts of them.
STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,29}\Z")

_OPEN_KEY = (
    f"{NAMESPACE}:dkim.privateKey: found a key that everybody can read; allowed: an encrypted one. Make a new key, and "
    f"set it: pulumi config set --secret --path '{NAMESPACE}:dkim.privateKey' < key.pem"
)

# What stays encrypted in the state wherever it goes. Everything else becomes part of names, policies, DNS records or
# outputs, which anybody may read who may see the account, the zone or the stack's outputs.
_ADDRESSES = frozenset({"page", "warn"})
ENCRYPTED = _ADDRESSES | {"dkim"}
# Pulumi keeps a key encrypted unless it is told so: https://www.pulumi.com/docs/iac/cli/commands/pulumi_config_set/
_NOT_SECRET = (
    f"{NAMESPACE}:{{key}}: found a secret, but its value stands in plain text in names, policies, DNS records or "
    f"outputs; allowed: a plain value. Set it again, or with --path what is encrypted in it: pulumi config set "
    f"--plaintext {NAMESPACE}:{{key}} VALUE"
)


def read(stack: str, config: Mapping[str, str], secret: Iterable[str] = ()) -> Settings:
    """Read a stack's configuration.

    Args:
        stack: The stack's name, which becomes part of the names of resources.
        config: Every key of the stack's configuration with its namespace; the others' are passed over. What is not
            text is JSON, as Pulumi passes it.
        secret: Keys whose values are encrypted and must not be shown.

    Raises:
        SettingsInvalid: Something is wrong; the message names each problem with its key, what was found, what is
            allowed, and the command that sets it.
    """
    prefix = f"{NAMESPACE}:"
    values = {key.removeprefix(prefix): _decoded(value) for key, value in config.items() if key.startswith(prefix)}
    problems = _stack_problems(stack)
    hidden = {key.removeprefix(prefix) for key in secret if key.startswith(prefix)}
    problems += [_NOT_SECRET.format(key=key) for key in sorted(hidden & values.keys() - ENCRYPTED)]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += worded(error, Settings, FILE, hidden)
    else:
        if settings.dkim.private_key and "dkim" not in hidden:
            problems.append(_OPEN_KEY)
        if not problems:
            return _secrets_kept(settings) if hidden & _ADDRESSES else settings
    raise invalid(f"Pulumi.{stack}.yaml", problems)


def _secrets_kept(settings: Settings) -> Settings:
    """The settings with all recipients as secrets: a variable of the account monitor holds both lists."""
    lists = {"page": settings.page, "warn": settings.warn}
    return settings.model_copy(update={name: tuple(map(Secret, one)) for name, one in lists.items()})


def check_stack_name(stack: str) -> None:
    """See that a stack's name can be part of the names of resources.

    Raises:
        SettingsInvalid: It cannot.
    """
    if problems := _stack_problems(stack):
        raise invalid("The program", problems)


def _decoded(value: str) -> object:
    if not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return cast("object", json.loads(value))
    except ValueError:
        return value


def _stack_problems(stack: str) -> list[str]:
    if STACK_NAME.match(stack):
        return []
    problem = (
        f"the stack's name: found {stack!r}; allowed: at most 30 letters, digits and hyphens, for it becomes part of "
        "the names of resources. Rename it: pulumi stack rename NAME"
    )
    return [problem]
