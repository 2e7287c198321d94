"""Email identities: domains and addresses, their DKIM, MAIL FROM, feedback, policies."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from mailstack_localcloud import virtual_time
from mailstack_localcloud.ses import ids
from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, page, tag_dict, tag_list
from mailstack_localcloud.ses.dkim_keys import public_half
from mailstack_localcloud.ses.errors import SesError, already_exists, bad_request, not_emulated, not_found
from mailstack_localcloud.ses.rules import dkim_zone, identity_name, identity_problem
from mailstack_localcloud.ses.state import Identity, MailFrom
from mailstack_localcloud.ses.verification import check, check_all, confirm, is_verified
from mailstack_localcloud.ses.verification_mails import ask

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
MAX_POLICIES = 20
MAX_IDENTITIES = 10_000
_MAX_POLICY_BYTES = 4096
_POLICY_NAME = re.compile(r"[A-Za-z0-9_-]+")
# Of an address, which is signed for by its domain.
_NO_DKIM = {
    "SigningEnabled": False,
    "Status": "NOT_STARTED",
    "SigningAttributesOrigin": "AWS_SES",
    "NextSigningKeyLength": "RSA_1024_BIT",
}
_FILTERS = {"IDENTITY_TYPE": "IdentityType", "VERIFICATION_STATUS": "VerificationStatus"}


def create(context: Context, p: Parameters) -> Output:
    """CreateEmailIdentity: pending until its records are published, or its verification link is followed.

    The account setting `verify_at_once` verifies it immediately.
    """
    name = identity_name(str(p["EmailIdentity"]))
    state = context.state
    problem = identity_problem(name)
    if problem:
        raise bad_request(problem)
    if name in state.identities:
        raise already_exists("Email identity", name)
    if len(state.identities) >= MAX_IDENTITIES:
        raise SesError("LimitExceededException", "Maximum number of identities exceeded.")
    if p.get("ConfigurationSetName"):
        context.configuration_set(p)
    if "@" in name and "DkimSigningAttributes" in p:
        raise bad_request("DkimSigningAttributes can be given for a domain only.")
    identity = Identity(name, is_domain="@" not in name, created_at=datetime.now(UTC), tags=tag_dict(p.get("Tags", [])))
    identity.configuration_set = p.get("ConfigurationSetName")
    if identity.is_domain:
        signing = p.get("DkimSigningAttributes", {})
        own_key = "DomainSigningSelector" in signing or "DomainSigningPrivateKey" in signing
        origin = signing.get("DomainSigningAttributesOrigin", "EXTERNAL" if own_key else "AWS_SES")
        _sign(context, identity, origin, signing)
    state.identities[name] = identity
    invite(context, identity)
    view = _view(context, identity)
    return {key: view[key] for key in ("IdentityType", "VerifiedForSendingStatus", "DkimAttributes")}


def add(context: Context, address: str) -> None:
    """An address whose verification mail is another's to send."""
    identity = Identity(address, is_domain=False, created_at=datetime.now(UTC))
    context.state.identities[identity.name] = identity


def invite(context: Context, identity: Identity) -> None:
    """Ask an address by mail to be verified, unless identities are verified at once here."""
    if context.state.account.verify_at_once:
        confirm(identity)
    elif not identity.is_domain:
        ask(context, identity.name)


async def get(context: Context, p: Parameters) -> Output:
    """GetEmailIdentity, after a look at the DNS."""
    identity = context.identity(p)
    await check(identity, context.dns, context.state.region)
    return _view(context, identity)


async def list_(context: Context, p: Parameters) -> Output:
    """ListEmailIdentities, after a look at the DNS; by part of a name, type and status."""
    identities = context.state.identities
    await check_all(identities.values(), context.dns, context.state.region)
    summaries = [_summary(context, identities[name]) for name in sorted(identities)]
    wanted = dict[str, str](p.get("Filter", {}))
    part = wanted.pop("IDENTITY_NAME_CONTAINS", "").lower()
    matching = [
        one
        for one in summaries
        if part in one["IdentityName"].lower() and all(one[_FILTERS[name]] == value for name, value in wanted.items())
    ]
    shown, token = page(matching, p)
    return {"EmailIdentities": shown, "NextToken": token}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteEmailIdentity."""
    name = context.identity(p).name
    context.ensure_deletable("identity", name)
    del context.state.identities[name]
    return {}


def put_dkim(context: Context, p: Parameters) -> Output:
    """PutEmailIdentityDkimAttributes: sign or not; left out means not. It is its domain that signs for an address."""
    name = identity_name(str(p["EmailIdentity"]))
    domain = name.rpartition("@")[2].lower()
    identity = context.state.identities.get(domain)
    if identity is None:
        raise bad_request(f"Domain {domain} is not verified for DKIM signing.")
    if identity.name == name:
        identity.dkim_signing_enabled = bool(p.get("SigningEnabled", False))
    return {}


def put_dkim_signing(context: Context, p: Parameters) -> Output:
    """PutEmailIdentityDkimSigningAttributes: Easy DKIM or a key of one's own; the status starts again."""
    identity = context.identity(p)
    if not identity.is_domain:
        raise bad_request("DKIM signing attributes can be set for domains only.")
    _sign(context, identity, p["SigningAttributesOrigin"], p.get("SigningAttributes", {}))
    zone = dkim_zone(context.state.region) if identity.dkim_origin == "AWS_SES" else None
    return {"DkimStatus": identity.dkim_status, "DkimTokens": identity.dkim_tokens, "SigningHostedZone": zone}


def put_mail_from(context: Context, p: Parameters) -> Output:
    """PutEmailIdentityMailFromAttributes: a domain below the identity's, or none."""
    identity = context.identity(p)
    domain = str(p.get("MailFromDomain") or "").lower()
    parent = identity.name.rpartition("@")[2].lower()
    if domain and not domain.endswith(f".{parent}"):
        raise bad_request(
            f"Provided MAIL-FROM domain <{domain}> is not subdomain of the domain of the identity <{parent}>."
        )
    before = identity.mail_from
    behavior = p.get("BehaviorOnMxFailure", "USE_DEFAULT_VALUE")
    identity.mail_from = MailFrom(domain, behavior, since=virtual_time.now()) if domain else None
    if identity.mail_from and context.state.account.verify_at_once:
        identity.mail_from.status = "SUCCESS"
    elif identity.mail_from and before and before.domain == domain and before.status != "FAILED":
        identity.mail_from.status, identity.mail_from.since = before.status, before.since
    return {}


def put_feedback(context: Context, p: Parameters) -> Output:
    """PutEmailIdentityFeedbackAttributes: forward bounces by mail or not; left out means not."""
    context.identity(p).feedback_forwarding = bool(p.get("EmailForwardingEnabled", False))
    return {}


def put_configuration_set(context: Context, p: Parameters) -> Output:
    """PutEmailIdentityConfigurationSetAttributes: the default set, or none."""
    identity = context.identity(p)
    identity.configuration_set = context.configuration_set(p).name if p.get("ConfigurationSetName") else None
    return {}


def list_certificates(context: Context, p: Parameters) -> Output:
    """ListEmailIdentityCertificates: none, since none can be associated here."""
    context.identity(p)
    shown, token = page([], p)
    return {"Certificates": shown, "NextToken": token}


def dissociate_certificate(context: Context, p: Parameters) -> Output:
    """DisassociateEmailIdentityCertificate: what is not there can be taken away, as AWS has it."""
    if context.identity(p).is_domain and not p.get("FromAddress"):
        raise bad_request("FromAddress is required if the email identity is a domain.")
    return {}


def create_policy(context: Context, p: Parameters) -> Output:
    """CreateEmailIdentityPolicy."""
    policies = context.identity(p).policies
    if not _POLICY_NAME.fullmatch(p["PolicyName"]):
        raise bad_request(f"Invalid policy name <{p['PolicyName']}>: letters, digits, '_' and '-' are allowed.")
    if p["PolicyName"] in policies:
        raise already_exists("Policy", p["PolicyName"])
    if len(policies) >= MAX_POLICIES:
        raise SesError("LimitExceededException", "Maximum number of policies exceeded.")
    policies[p["PolicyName"]] = _checked_policy(p["Policy"])
    return {}


def update_policy(context: Context, p: Parameters) -> Output:
    """UpdateEmailIdentityPolicy."""
    policies = _with_policy(context, p)
    policies[p["PolicyName"]] = _checked_policy(p["Policy"])
    return {}


def delete_policy(context: Context, p: Parameters) -> Output:
    """DeleteEmailIdentityPolicy."""
    del _with_policy(context, p)[p["PolicyName"]]
    return {}


def get_policies(context: Context, p: Parameters) -> Output:
    """GetEmailIdentityPolicies."""
    return {"Policies": context.identity(p).policies}


def _with_policy(context: Context, p: Parameters) -> dict[str, str]:
    policies = context.identity(p).policies
    if p["PolicyName"] not in policies:
        raise not_found("Policy", p["PolicyName"])
    return policies


def _checked_policy(document: str) -> str:
    if len(document.encode()) > _MAX_POLICY_BYTES:
        raise bad_request(f"Invalid policy document: it is longer than {_MAX_POLICY_BYTES} bytes.")
    try:
        parsed: object = json.loads(document)
    except ValueError as error:
        raise bad_request("Invalid policy document: it is not JSON.") from error
    if not isinstance(parsed, dict) or "Statement" not in parsed:
        raise bad_request("Invalid policy document: it has no Statement.")
    return document


def _sign(context: Context, identity: Identity, origin: str, signing: dict[str, Any]) -> None:
    if origin not in {"AWS_SES", "EXTERNAL"}:
        raise not_emulated(f"DKIM signing attributes origin {origin}")
    if origin == "EXTERNAL" and not (signing.get("DomainSigningSelector") and signing.get("DomainSigningPrivateKey")):
        raise bad_request("BYODKIM needs both DomainSigningSelector and DomainSigningPrivateKey.")
    easy = ids.dkim_tokens(identity.name, context.state.region)
    tokens = easy if origin == "AWS_SES" else [str(signing["DomainSigningSelector"])]
    public_key = "" if origin == "AWS_SES" else public_half(str(signing["DomainSigningPrivateKey"]))
    # Setting the same value again restarts a failed verification.
    if (tokens, public_key) != (identity.dkim_tokens, identity.dkim_public_key) or identity.dkim_status == "FAILED":
        identity.dkim_status, identity.dkim_since = "PENDING", virtual_time.now()
    identity.dkim_origin, identity.dkim_tokens, identity.dkim_public_key = origin, tokens, public_key
    identity.dkim_key_length = signing.get("NextSigningKeyLength", identity.dkim_key_length)


def _view(context: Context, identity: Identity) -> Output:
    return {
        "IdentityType": _type(identity),
        "FeedbackForwardingStatus": identity.feedback_forwarding,
        "VerifiedForSendingStatus": is_verified(identity, context.state.identities),
        "VerificationStatus": _status(context, identity),
        "VerificationInfo": {
            "LastCheckedTimestamp": identity.last_checked_at,
            "LastSuccessTimestamp": identity.last_success_at,
        },
        "DkimAttributes": _dkim(context, identity),
        "MailFromAttributes": _mail_from(identity.mail_from),
        "Policies": identity.policies,
        "Tags": tag_list(identity.tags),
        "ConfigurationSetName": identity.configuration_set,
    }


def _mail_from(mail_from: MailFrom | None) -> Output:
    if mail_from is None:
        return {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
    return {
        "MailFromDomain": mail_from.domain,
        "MailFromDomainStatus": mail_from.status,
        "BehaviorOnMxFailure": mail_from.behavior_on_mx_failure,
    }


def _dkim(context: Context, identity: Identity) -> Output:
    if not identity.is_domain:
        return _NO_DKIM
    easy = identity.dkim_origin == "AWS_SES"
    return {
        "SigningEnabled": identity.dkim_signing_enabled,
        "Status": identity.dkim_status,
        "Tokens": identity.dkim_tokens,
        "SigningHostedZone": dkim_zone(context.state.region) if easy else None,
        "SigningAttributesOrigin": identity.dkim_origin,
        "NextSigningKeyLength": identity.dkim_key_length if easy else None,
        "CurrentSigningKeyLength": identity.dkim_key_length if easy else None,
        "LastKeyGenerationTimestamp": identity.created_at if easy else None,
    }


def _summary(context: Context, identity: Identity) -> Output:
    return {
        "IdentityType": _type(identity),
        "IdentityName": identity.name,
        "SendingEnabled": is_verified(identity, context.state.identities),
        "VerificationStatus": _status(context, identity),
    }


def _type(identity: Identity) -> str:
    return "DOMAIN" if identity.is_domain else "EMAIL_ADDRESS"


def _status(context: Context, identity: Identity) -> str:
    if is_verified(identity, context.state.identities):
        return "SUCCESS"
    return "FAILED" if identity.dkim_status == "FAILED" else "PENDING"


HANDLERS: dict[str, Handler] = {
    "CreateEmailIdentity": create,
    "GetEmailIdentity": get,
    "ListEmailIdentities": list_,
    "DeleteEmailIdentity": delete,
    "PutEmailIdentityDkimAttributes": put_dkim,
    "PutEmailIdentityDkimSigningAttributes": put_dkim_signing,
    "PutEmailIdentityMailFromAttributes": put_mail_from,
    "PutEmailIdentityFeedbackAttributes": put_feedback,
    "PutEmailIdentityConfigurationSetAttributes": put_configuration_set,
    "ListEmailIdentityCertificates": list_certificates,
    "DisassociateEmailIdentityCertificate": dissociate_certificate,
    "CreateEmailIdentityPolicy": create_policy,
    "UpdateEmailIdentityPolicy": update_policy,
    "DeleteEmailIdentityPolicy": delete_policy,
    "GetEmailIdentityPolicies": get_policies,
}
