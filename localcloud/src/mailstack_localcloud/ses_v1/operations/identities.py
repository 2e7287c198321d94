"""Identities in the first API: verify, delete, list, and one operation for each group of attributes."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, page
from mailstack_localcloud.ses.operations import identities as v2
from mailstack_localcloud.ses.rules import identity_name
from mailstack_localcloud.ses.state import Identity
from mailstack_localcloud.ses.verification import check, confirm, is_verified
from mailstack_localcloud.ses_v1 import notifications
from mailstack_localcloud.ses_v1.errors import QueryError

_PAGE_SIZES = range(1, 1001)
MAX_ASKED = 100
_TYPES = {"EmailAddress": False, "Domain": True}
_MX_FAILURES = {"UseDefaultValue": "USE_DEFAULT_VALUE", "RejectMessage": "REJECT_MESSAGE"}


def verification_token(domain: str, region: str) -> str:
    """The TXT value at `_amazonses.<domain>` that verifies a domain in SES v1."""
    return base64.b64encode(hashlib.sha256(f"{region}/{domain}".encode()).digest()).decode()


def verify_domain(context: Context, p: Parameters) -> Output:
    """VerifyDomainIdentity: an identity without DKIM, verified by its TXT record."""
    name = str(p["Domain"]).lower()
    if "@" in name:
        raise QueryError("InvalidParameterValue", f"Invalid domain name {name}.")
    if name not in context.state.identities:
        v2.create(context, {"EmailIdentity": name})
        made = context.state.identities[name]
        made.dkim_tokens, made.dkim_status, made.dkim_signing_enabled = [], "NOT_STARTED", False
    return {"VerificationToken": verification_token(name, context.state.region)}


def verify_address(context: Context, p: Parameters) -> Output:
    """VerifyEmailIdentity, and VerifyEmailAddress before it: once more is another mail with the link."""
    name = str(p["EmailAddress"])
    if "@" not in name:
        raise QueryError("InvalidParameterValue", f"Invalid email address {name}.")
    known = context.state.identities.get(name)
    if known is None:
        v2.create(context, {"EmailIdentity": name})
    elif not known.verified:
        v2.invite(context, known)
    return {}


def verify_dkim(context: Context, p: Parameters) -> Output:
    """VerifyDomainDkim: three tokens; the identity is made where there is none."""
    verify_domain(context, p)
    identity = context.state.identities[str(p["Domain"]).lower()]
    if identity.dkim_origin != "AWS_SES" or not identity.dkim_tokens or identity.dkim_status == "FAILED":
        v2.put_dkim_signing(context, {"EmailIdentity": identity.name, "SigningAttributesOrigin": "AWS_SES"})
        identity.dkim_signing_enabled = True
    return {"DkimTokens": identity.dkim_tokens}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteIdentity: none is as good as gone."""
    name = identity_name(str(p["Identity"]))
    context.ensure_deletable("identity", name)
    context.state.identities.pop(name, None)
    return {}


def list_(context: Context, p: Parameters) -> Output:
    """ListIdentities: all, or those of one type."""
    wanted = _TYPES.get(p.get("IdentityType", ""))
    found = context.state.identities
    names = sorted(name for name in found if wanted is None or found[name].is_domain == wanted)
    asked = {"NextToken": p.get("NextToken"), "PageSize": p.get("MaxItems")}
    shown, token = page(names, asked, sizes=_PAGE_SIZES)
    return {"Identities": shown, "NextToken": token}


def list_verified_addresses(context: Context, _: Parameters) -> Output:
    """ListVerifiedEmailAddresses."""
    found = context.state.identities.values()
    return {"VerifiedEmailAddresses": sorted(one.name for one in found if one.verified and not one.is_domain)}


async def verification(context: Context, p: Parameters) -> Output:
    """GetIdentityVerificationAttributes, after a look at the DNS."""
    shown: dict[str, dict[str, str]] = {}
    for asked, identity in _named(context, p):
        await _look(context, identity)
        token = verification_token(identity.name, context.state.region)
        status = "Success" if is_verified(identity, context.state.identities) else "Pending"
        shown[asked] = {"VerificationStatus": status, **({"VerificationToken": token} if identity.is_domain else {})}
    return {"VerificationAttributes": shown}


async def _look(context: Context, identity: Identity) -> None:
    """Verified by the TXT record of the first API, or by the DKIM records of the second."""
    await check(identity, context.dns, context.state.region)
    if identity.verified or not identity.is_domain:
        return
    published = await context.dns.lookup(f"_amazonses.{identity.name}", "TXT")
    if verification_token(identity.name, context.state.region) in {value.strip('"') for value in published}:
        signing = identity.dkim_status
        confirm(identity)
        identity.dkim_status = signing


async def dkim(context: Context, p: Parameters) -> Output:
    """GetIdentityDkimAttributes, after a look at the DNS; an address has its domain's."""
    shown: dict[str, dict[str, Any]] = {}
    for asked, named in _named(context, p):
        identity = context.state.identities.get(named.name.rpartition("@")[2].lower(), named)
        await check(identity, context.dns, context.state.region)
        shown[asked] = {
            "DkimEnabled": identity.is_domain and identity.dkim_signing_enabled,
            "DkimVerificationStatus": _camel(identity.dkim_status),
            "DkimTokens": identity.dkim_tokens if identity.is_domain else None,
        }
    return {"DkimAttributes": {name: _known(attributes) for name, attributes in shown.items()}}


async def mail_from(context: Context, p: Parameters) -> Output:
    """GetIdentityMailFromDomainAttributes, of those that have one."""
    shown: dict[str, dict[str, str]] = {}
    for asked, identity in _named(context, p):
        await check(identity, context.dns, context.state.region)
        own = identity.mail_from
        if own:
            behavior = next(v1 for v1, name in _MX_FAILURES.items() if name == own.behavior_on_mx_failure)
            status = {"MailFromDomain": own.domain, "MailFromDomainStatus": _camel(own.status)}
            shown[asked] = {**status, "BehaviorOnMXFailure": behavior}
    return {"MailFromDomainAttributes": shown}


def set_mail_from(context: Context, p: Parameters) -> Output:
    """SetIdentityMailFromDomain."""
    _existing(context, p)
    behavior = _MX_FAILURES[p.get("BehaviorOnMXFailure", "UseDefaultValue")]
    asked = {"EmailIdentity": p["Identity"], "MailFromDomain": p.get("MailFromDomain")}
    return v2.put_mail_from(context, {**asked, "BehaviorOnMxFailure": behavior})


def set_dkim(context: Context, p: Parameters) -> Output:
    """SetIdentityDkimEnabled."""
    _existing(context, p).dkim_signing_enabled = bool(p["DkimEnabled"])
    return {}


def set_forwarding(context: Context, p: Parameters) -> Output:
    """SetIdentityFeedbackForwardingEnabled: not off while bounces and complaints have no topic, as in SES."""
    identity = _existing(context, p)
    if not p["ForwardingEnabled"] and not {"Bounce", "Complaint"} <= identity.notification_topics.keys():
        raise QueryError(
            "InvalidParameterValue",
            f"Identity <{identity.name}> has no topics for bounces and complaints: set them before forwarding is "
            "disabled.",
        )
    identity.feedback_forwarding = bool(p["ForwardingEnabled"])
    return {}


def notification_attributes(context: Context, p: Parameters) -> Output:
    """GetIdentityNotificationAttributes."""
    shown = {asked: notifications.attributes(identity) for asked, identity in _named(context, p)}
    return {"NotificationAttributes": shown}


def set_topic(context: Context, p: Parameters) -> Output:
    """SetIdentityNotificationTopic: a topic that SES may publish to for this identity, or none."""
    identity, kind, topic = _existing(context, p), p["NotificationType"], p.get("SnsTopic")
    if topic:
        notifications.subscribe(context, identity, kind, topic)
    else:
        identity.notification_topics.pop(kind, None)
    return {}


def set_headers(context: Context, p: Parameters) -> Output:
    """SetIdentityHeadersInNotificationsEnabled."""
    kinds = _existing(context, p).headers_in_notifications
    kind = p["NotificationType"]
    if kind in kinds:
        kinds.remove(kind)
    if p["Enabled"]:
        kinds.append(kind)
    return {}


def _named(context: Context, p: Parameters) -> Iterator[tuple[str, Identity]]:
    """The identities that are asked for, by the name that they are asked by; unknown ones are left out, as in SES."""
    if len(p["Identities"]) > MAX_ASKED:
        raise QueryError("InvalidParameterValue", f"At most {MAX_ASKED} identities can be asked for at a time.")
    for name in p["Identities"]:
        found = context.state.identities.get(identity_name(str(name)))
        if found:
            yield name, found


def _existing(context: Context, p: Parameters) -> Identity:
    found = context.state.identities.get(identity_name(str(p["Identity"])))
    if found is None:
        raise QueryError("InvalidParameterValue", f"Identity <{p['Identity']}> does not exist.")
    return found


def _camel(status: str) -> str:
    return "".join(word.capitalize() for word in status.split("_"))


def _known(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _under(name: str, handler: Handler) -> Callable[[Context, Parameters], Any]:
    """A handler that finds its identity under another member's name."""
    return lambda context, p: handler(context, {"Identity": p[name]})


HANDLERS: dict[str, Handler] = {
    "VerifyDomainIdentity": verify_domain,
    "VerifyEmailIdentity": verify_address,
    "VerifyEmailAddress": verify_address,
    "VerifyDomainDkim": verify_dkim,
    "DeleteIdentity": delete,
    "DeleteVerifiedEmailAddress": _under("EmailAddress", delete),
    "ListIdentities": list_,
    "ListVerifiedEmailAddresses": list_verified_addresses,
    "GetIdentityVerificationAttributes": verification,
    "GetIdentityDkimAttributes": dkim,
    "GetIdentityMailFromDomainAttributes": mail_from,
    "GetIdentityNotificationAttributes": notification_attributes,
    "SetIdentityMailFromDomain": set_mail_from,
    "SetIdentityDkimEnabled": set_dkim,
    "SetIdentityFeedbackForwardingEnabled": set_forwarding,
    "SetIdentityNotificationTopic": set_topic,
    "SetIdentityHeadersInNotificationsEnabled": set_headers,
}
