"""Reads `Settings` from Pulumi's configuration, and reports all problems in one message.

Not for the settings themselves (`model.py`) or for wording a problem (`problems.py`).
"""

import json
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import cast

from pydantic import ValidationError

from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings
from mailstack_infra.settings.problems import FILE, SettingsInvalid, invalid, worded
from mailstack_infra.settings.secret import Secret

__all__ = ["SettingsInvalid", "check_stack_name", "read"]

# It is a part of resource names; those of Lambda and IAM are the shortest, 64 characters with the other parts.
STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,29}\Z")

_OPEN_KEY = (
    f"{NAMESPACE}:dkim.privateKey: found a key in plain text; allowed: an encrypted one. Create a new key, and set it: "
    f"pulumi config set --secret --path '{NAMESPACE}:dkim.privateKey' < key.pem"
)

# The keys that stay encrypted in the state wherever they go. The values of all others become part of names, DNS records
# or outputs, which everybody with access to the account, the zone or the stack's outputs can read.
_PEOPLE = frozenset({"page", "warn"})
ENCRYPTED = _PEOPLE | {"allowedRecipients", "dkim", "dnsAccess"}
# Pulumi keeps a key encrypted without --plaintext: https://www.pulumi.com/docs/iac/cli/commands/pulumi_config_set/
_NOT_SECRET = (
    f"{NAMESPACE}:{{key}}: found a secret, but its value would be readable in names, DNS records or outputs; allowed: "
    f"a plain value. Set it again (with --path, each encrypted value in it): pulumi config set --plaintext "
    f"{NAMESPACE}:{{key}} VALUE"
)


def read(stack: str, config: Mapping[str, str], secret: Iterable[str] = ()) -> Settings:
    """Read a stack's configuration.

    Args:
        stack: The stack's name, which becomes part of resource names.
        config: The stack's configuration by key with namespace; other namespaces are ignored. Values that are not
            text are JSON, as Pulumi passes them.
        secret: Keys whose values are encrypted and must not be shown.

    Raises:
        SettingsInvalid: At least one setting is invalid. For each problem, the message has the key, the value, the
            allowed values, and the command that sets it.
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
            return _with_secrets(settings, hidden)
    raise invalid(f"Pulumi.{stack}.yaml", problems)


def _with_secrets(settings: Settings, hidden: AbstractSet[str]) -> Settings:
    """The settings with each text of a hidden key as a `Secret`; the DKIM key is one anyway."""
    kept: dict[str, object] = {}
    if hidden & _PEOPLE:  # a variable of the account monitor holds both lists
        kept |= {"page": _secrets(settings.page), "warn": _secrets(settings.warn)}
    if "allowedRecipients" in hidden:
        kept["allowed_recipients"] = _secrets(settings.allowed_recipients)
    if "dnsAccess" in hidden:
        access = settings.dns_access
        texts = {name: Secret(value) for name, value in access if value}
        kept["dns_access"] = access.model_copy(update=texts)
    return settings.model_copy(update=kept) if kept else settings


def _secrets(texts: Iterable[str]) -> tuple[Secret, ...]:
    return tuple(map(Secret, texts))


def check_stack_name(stack: str) -> None:
    """Check that a stack's name can be part of resource names.

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
        f"the stack's name: found {stack!r}; allowed: at most 30 letters, digits and hyphens, because it becomes part "
        "of resource names. Rename it: pulumi stack rename NAME"
    )
    return [problem]
