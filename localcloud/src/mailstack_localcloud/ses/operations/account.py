"""The account: what it may send, whether it sends, what it suppresses."""

import uuid

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses.quota import limits


def get(context: Context, _: Parameters) -> Output:
    """GetAccount."""
    account = context.state.account
    a_day, a_second = limits(account)
    return {
        "DedicatedIpAutoWarmupEnabled": account.dedicated_ip_warmup,
        "EnforcementStatus": account.enforcement_status,
        "ProductionAccessEnabled": account.production_access,
        "SendQuota": {
            "Max24HourSend": a_day,
            "MaxSendRate": a_second,
            "SentLast24Hours": float(context.meter.sent_last_24_hours()),
        },
        "SendingEnabled": account.sending_enabled and account.enforcement_status != "SHUTDOWN",
        "SuppressionAttributes": {
            "SuppressedReasons": account.suppressed_reasons,
            "ValidationAttributes": account.validation or None,
        },
        "Details": account.details,
        "VdmAttributes": account.vdm,
        "PricingAttributes": {"CurrentPlan": account.pricing_plan},
    }


def put_sending(context: Context, p: Parameters) -> Output:
    """PutAccountSendingAttributes: left out means paused."""
    context.state.account.sending_enabled = bool(p.get("SendingEnabled", False))
    return {}


def put_suppression(context: Context, p: Parameters) -> Output:
    """PutAccountSuppressionAttributes: no word at all means no reasons; one of the two leaves the other as it is."""
    account = context.state.account
    account.validation = p.get("ValidationAttributes", account.validation)
    left = account.suppressed_reasons if "ValidationAttributes" in p else []
    account.suppressed_reasons = list(p.get("SuppressedReasons", left))
    return {}


def put_vdm(context: Context, p: Parameters) -> Output:
    """PutAccountVdmAttributes."""
    context.state.account.vdm = p["VdmAttributes"]
    return {}


def put_warmup(context: Context, p: Parameters) -> Output:
    """PutAccountDedicatedIpWarmupAttributes: left out means off."""
    context.state.account.dedicated_ip_warmup = bool(p.get("AutoWarmupEnabled", False))
    return {}


def put_pricing(context: Context, p: Parameters) -> Output:
    """PutAccountPricingAttributes: at once, whenever the month ends."""
    context.state.account.pricing_plan = str(p["Plan"])
    return {}


def put_details(context: Context, p: Parameters) -> Output:
    """PutAccountDetails: a request for production access, which the control plane grants."""
    account = context.state.account
    if account.details and account.details["ReviewDetails"]["Status"] == "PENDING":
        raise SesError("ConflictException", "The account details are under review and cannot be changed now.")
    asked = p.get("ProductionAccessEnabled") and not account.production_access
    review = {"Status": "PENDING" if asked else "GRANTED", "CaseId": uuid.uuid4().hex}
    details = {name: value for name, value in p.items() if name != "ProductionAccessEnabled"}
    account.details = {**details, "ReviewDetails": review}
    return {}


HANDLERS: dict[str, Handler] = {
    "GetAccount": get,
    "PutAccountSendingAttributes": put_sending,
    "PutAccountSuppressionAttributes": put_suppression,
    "PutAccountVdmAttributes": put_vdm,
    "PutAccountDedicatedIpWarmupAttributes": put_warmup,
    "PutAccountDetails": put_details,
    "PutAccountPricingAttributes": put_pricing,
}
