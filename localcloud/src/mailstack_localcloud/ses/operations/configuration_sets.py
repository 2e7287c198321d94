"""Configuration sets and their option groups. `event_destinations` has their event destinations."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mailstack_localcloud.ses import rules
from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, page, tag_dict, tag_list
from mailstack_localcloud.ses.errors import SesError, already_exists, bad_request, not_found
from mailstack_localcloud.ses.state import ConfigurationSet, Reputation
from mailstack_localcloud.ses.verification import check

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
MAX_CONFIGURATION_SETS = 10_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

# The groups that SES always shows, with what it assumes; the others show once they are set.
_ASSUMED: dict[str, dict[str, Any]] = {
    "DeliveryOptions": {"TlsPolicy": "OPTIONAL"},
    "ReputationOptions": {"ReputationMetricsEnabled": False},
    "SendingOptions": {"SendingEnabled": True},
}
_GROUPS = (
    *_ASSUMED,
    "SuppressionOptions",
    "TrackingOptions",
    "VdmOptions",
    "ArchivingOptions",
    "MessageSecurityOptions",
)
# What a request leaves out is off or empty.
_LEFT_OUT: dict[str, dict[str, Any]] = {
    "ReputationOptions": {"ReputationMetricsEnabled": False},
    "SendingOptions": {"SendingEnabled": False},
    "SuppressionOptions": {"SuppressedReasons": []},
}


async def create(context: Context, p: Parameters) -> Output:
    """CreateConfigurationSet."""
    name, sets = str(p["ConfigurationSetName"]), context.state.configuration_sets
    if not _NAME.fullmatch(name):
        raise bad_request(f"Invalid configuration set name <{name}>: 1 to 64 letters, digits, '_' and '-' are allowed.")
    if name in sets:
        raise already_exists("Configuration set", name)
    if len(sets) >= MAX_CONFIGURATION_SETS:
        raise SesError("LimitExceededException", "Maximum number of configuration sets exceeded.")
    given = {group: _completed(context, group, p[group]) for group in _GROUPS if group in p}
    if "TrackingOptions" in given:
        await check_redirect(context, given["TrackingOptions"])
    sets[name] = ConfigurationSet(name, options=given, tags=tag_dict(p.get("Tags", [])))
    return {}


def get(context: Context, p: Parameters) -> Output:
    """GetConfigurationSet."""
    found = context.configuration_set(p)
    groups = {group: {**_ASSUMED.get(group, {}), **found.options.get(group, {})} for group in _GROUPS}
    shown = {group: options for group, options in groups.items() if group in _ASSUMED or group in found.options}
    return {"ConfigurationSetName": found.name, **shown, "Tags": tag_list(found.tags)}


def list_(context: Context, p: Parameters) -> Output:
    """ListConfigurationSets, by part of a name."""
    part = p.get("Filter", {}).get("CONFIGURATION_SET_NAME_CONTAINS", "")
    names, token = page(sorted(name for name in context.state.configuration_sets if part in name), p)
    return {"ConfigurationSets": names, "NextToken": token}


def update(context: Context, p: Parameters) -> Output:
    """UpdateConfigurationSet: message security is kept and shown; with no certificate here, no mail is signed."""
    found = context.configuration_set(p)
    given = p.get("MessageSecurityOptions")
    if given is not None:
        found.options["MessageSecurityOptions"] = given
    return {}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteConfigurationSet, with its event destinations."""
    name = context.configuration_set(p).name
    context.ensure_deletable("configuration-set", name)
    del context.state.configuration_sets[name]
    return {}


def _put(group: str) -> Handler:
    def handler(context: Context, p: Parameters) -> Output:
        found = context.configuration_set(p)
        given = {name: value for name, value in p.items() if name != "ConfigurationSetName"}
        _before(found, group, given)
        _set(found, group, _completed(context, group, given))
        return {}

    return handler


async def _put_tracking(context: Context, p: Parameters) -> Output:
    found = context.configuration_set(p)
    given = {name: value for name, value in p.items() if name != "ConfigurationSetName"}
    if given:
        await check_redirect(context, given)
    _set(found, "TrackingOptions", given)
    return {}


async def check_redirect(context: Context, options: dict[str, Any]) -> None:
    """Check that the redirect domain of tracked links is verified, itself or by a parent.

    https://docs.aws.amazon.com/ses/latest/dg/configure-custom-open-click-domains.html

    Raises:
        SesError: They do not (400).
    """
    domain, state = str(options.get("CustomRedirectDomain") or ""), context.state
    if not domain.strip():
        raise bad_request("CustomRedirectDomain must be specified.")
    for identity in rules.identities_of(domain, state.identities):
        await check(identity, context.dns, state.region)
    if not rules.may_send(domain, state.identities):
        raise bad_request(f"Domain <{domain}> is not verified under this account.")


def _put_vdm(context: Context, p: Parameters) -> Output:
    _set(context.configuration_set(p), "VdmOptions", p.get("VdmOptions", {}))
    return {}


def _set(found: ConfigurationSet, group: str, options: dict[str, Any]) -> None:
    """Without a word about a group, it is as in a new set: so clients take a redirect domain or an archive away."""
    if options:
        found.options[group] = options
    else:
        found.options.pop(group, None)


def _completed(context: Context, group: str, given: dict[str, Any]) -> dict[str, Any]:
    pool = given.get("SendingPoolName") if group == "DeliveryOptions" else None
    if pool and pool not in context.state.ip_pools:
        raise not_found("Dedicated IP pool", str(pool))
    # A scope or a threshold alone leaves the reasons to the tenant and the account.
    alone = "SuppressionScope" in given or "ValidationOptions" in given
    return given if alone else {**_LEFT_OUT.get(group, {}), **given}


def _before(found: ConfigurationSet, group: str, given: dict[str, Any]) -> None:
    """Side effects of a change."""
    effect = _EFFECTS.get(group)
    if effect:
        effect(found, given)


def _fresh_start(found: ConfigurationSet, given: dict[str, Any]) -> None:
    """Resuming a paused set starts its reputation afresh, as SES does."""
    paused = not found.option("SendingOptions", "SendingEnabled", True)
    if paused and given.get("SendingEnabled"):
        found.reputation = Reputation()
        found.options.setdefault("ReputationOptions", dict(_ASSUMED["ReputationOptions"]))
        found.options["ReputationOptions"]["LastFreshStart"] = datetime.now(UTC)


def _keep_fresh_start(found: ConfigurationSet, given: dict[str, Any]) -> None:
    last = found.option("ReputationOptions", "LastFreshStart", None)
    if last:
        given["LastFreshStart"] = last


_EFFECTS: dict[str, Callable[[ConfigurationSet, dict[str, Any]], None]] = {
    "SendingOptions": _fresh_start,
    "ReputationOptions": _keep_fresh_start,
}

HANDLERS: dict[str, Handler] = {
    "CreateConfigurationSet": create,
    "GetConfigurationSet": get,
    "ListConfigurationSets": list_,
    "UpdateConfigurationSet": update,
    "DeleteConfigurationSet": delete,
    "PutConfigurationSetDeliveryOptions": _put("DeliveryOptions"),
    "PutConfigurationSetReputationOptions": _put("ReputationOptions"),
    "PutConfigurationSetSendingOptions": _put("SendingOptions"),
    "PutConfigurationSetSuppressionOptions": _put("SuppressionOptions"),
    "PutConfigurationSetTrackingOptions": _put_tracking,
    "PutConfigurationSetArchivingOptions": _put("ArchivingOptions"),
    "PutConfigurationSetVdmOptions": _put_vdm,
}
