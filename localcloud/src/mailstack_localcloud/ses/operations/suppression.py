"""The suppression lists of the account and of its tenants."""

from datetime import UTC, datetime

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, page
from mailstack_localcloud.ses.errors import SesError, bad_request
from mailstack_localcloud.ses.rules import address_problem
from mailstack_localcloud.ses.state import Suppressed


def put(context: Context, p: Parameters) -> Output:
    """PutSuppressedDestination: not in the sandbox."""
    if not context.state.account.production_access:
        raise bad_request("Adding addresses to a suppression list needs production access.")
    address = str(p["EmailAddress"])
    problem = address_problem(address)
    if problem:
        raise bad_request(problem)
    _list(context, p)[address.lower()] = Suppressed(address, p["Reason"], datetime.now(UTC))
    return {}


def get(context: Context, p: Parameters) -> Output:
    """GetSuppressedDestination."""
    entry = _existing(context, p)
    attributes = {"MessageId": entry.message_id, "FeedbackId": entry.feedback_id}
    shown = {"Attributes": attributes if entry.message_id else None, "TenantName": p.get("TenantName")}
    return {"SuppressedDestination": {**_summary(entry), **shown}}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteSuppressedDestination."""
    del _list(context, p)[_existing(context, p).address.lower()]
    return {}


def list_(context: Context, p: Parameters) -> Output:
    """ListSuppressedDestinations, newest last, by reason and time."""
    reasons, start, end = p.get("Reasons"), p.get("StartDate"), p.get("EndDate")
    matching = [
        entry
        for entry in _list(context, p).values()
        if (not reasons or entry.reason in reasons)
        and (not start or entry.updated_at >= start)
        and (not end or entry.updated_at <= end)
    ]
    shown, token = page(matching, p, "InvalidNextTokenException")
    return {"SuppressedDestinationSummaries": [_summary(entry) for entry in shown], "NextToken": token}


def _list(context: Context, p: Parameters) -> dict[str, Suppressed]:
    """The tenant's list where one is named, which is there even while the tenant uses the account's."""
    return context.tenant(str(p["TenantName"])).suppressed if p.get("TenantName") else context.state.suppressed


def _existing(context: Context, p: Parameters) -> Suppressed:
    address, suppressed = str(p["EmailAddress"]).lower(), _list(context, p)
    if address not in suppressed:
        raise SesError("NotFoundException", f"Email address {address} does not exist on your suppression list.")
    return suppressed[address]


def _summary(entry: Suppressed) -> Output:
    return {"EmailAddress": entry.address, "Reason": entry.reason, "LastUpdateTime": entry.updated_at}


HANDLERS: dict[str, Handler] = {
    "PutSuppressedDestination": put,
    "GetSuppressedDestination": get,
    "DeleteSuppressedDestination": delete,
    "ListSuppressedDestinations": list_,
}
