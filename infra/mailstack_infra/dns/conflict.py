"""The advice next to the provider's error if a DNS record cannot be created because one exists.

Not for preventing it: Route 53 refuses by itself, and `cloudflare.py` checks the known names before the deployment.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from mailstack_infra import error_hints as explain
from mailstack_infra.settings.marks import NAMESPACE

# Of Route 53's InvalidChangeBatch, and of Cloudflare's errors 81053 to 81058.
_EXISTS = ("already exists", "8105")
_CNAME_ALONE = "conflicts with other records with the same DNS name"


def explaining(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """Options that add the advice to a record's failure."""
    return explain.explaining(opts, "record-in-the-way", advice)


def advice(urn: str, token: str, inputs: Mapping[str, Any], error: str) -> str:
    """What to do about the error; empty for any other error.

    Args:
        urn: The record's URN, which contains its parent.
        token: The record's type.
        inputs: The record's inputs, by the provider's names.
        error: The provider's error.
    """
    name, kind, zone = inputs.get("name"), inputs.get("type"), inputs.get("zoneId")
    if _CNAME_ALONE in error:
        return (
            f"{name} has records of another type, and a name with a CNAME can have no other record: delete those, or "
            "choose another name."
        )
    if not any(word in error for word in _EXISTS):
        return ""
    place, _, key = urn.rpartition("::")
    parent = f"{place.rpartition('$')[0]}::identity"
    if token.startswith("aws:"):
        known = f"{zone}_{name}_{kind}"
        named = "dkim" if key.startswith("dkim-") else key
        first = (
            f"To take it over and keep the values of others in it: pulumi config set --path "
            f"'{NAMESPACE}:overwriteRecords[0]' {named} (or the next number), and deploy."
        )
    else:
        known, first = f"{zone}/RECORD_ID", "If nobody needs it, delete it in Cloudflare."
    return (
        f"{kind} {name} already exists in the zone and was not changed. {first} To keep it and its history: "
        f"pulumi import {token} {key} '{known}' --parent 'identity={parent}'. "
        "If another stack or tool owns it: docs/guides/dns.md."
    )
