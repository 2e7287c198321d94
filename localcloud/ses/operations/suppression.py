"""The account's suppression list."""

from datetime import UTC, datetime

from localcloud.ses.context import Context, Handler, Output, Parameters, page
from localcloud.ses.errors import bad_request, not_emulated, not_found
from localcloud.ses.rules import address_problem
from localcloud.ses.state import Suppressed


def put(context: Context, p: Parameters) -> Output:
    """PutSuppressedDestination."""
    _check_scope(p)
    address = str(p["EmailAddress"])
    problem = address_problem(address)
    if problem:
        raise bad_request(problem)
    context.state.suppressed[address.lower()] = Suppressed(address, p["Reason"], datetime.now(UTC))
    return {}


def get(context: Context, p: Parameters) -> Output:
    """GetSuppressedDestination."""
    entry = _existing(context, p)
    attributes = {"MessageId": entry.message_id, "FeedbackId": entry.feedback_id}
    return {"SuppressedDestination": {**_summary(entry), "Attributes": attributes if entry.message_id else None}}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteSuppressedDestination."""
    del context.state.suppressed[_existing(context, p).address.lower()]
    return {}


def list_(context: Context, p: Parameters) -> Output:
    """ListSuppressedDestinations, newest last, by reason and time."""
    _check_scope(p)
    reasons, start, end = p.get("Reasons"), p.get("StartDate"), p.get("EndDate")
    matching = [
        entry
        for entry in context.state.suppressed.values()
        if (not reasons or entry.reason in reasons)
        and (not start or entry.updated_at >= start)
        and (not end or entry.updated_at <= end)
    ]
    shown, token = page(matching, p)
    return {"SuppressedDestinationSummaries": [_summary(entry) for entry in shown], "NextToken": token}


def _check_scope(p: Parameters) -> None:
    if p.get("TenantName"):
        raise not_emulated("The suppression list of a tenant")


def _existing(context: Context, p: Parameters) -> Suppressed:
    _check_scope(p)
    address = str(p["EmailAddress"]).lower()
    if address not in context.state.suppressed:
        raise not_found("Email address", address)
    return context.state.suppressed[address]


def _summary(entry: Suppressed) -> Output:
    return {"EmailAddress": entry.address, "Reason": entry.reason, "LastUpdateTime": entry.updated_at}


HANDLERS: dict[str, Handler] = {
    "PutSuppressedDestination": put,
    "GetSuppressedDestination": get,
    "DeleteSuppressedDestination": delete,
    "ListSuppressedDestinations": list_,
}
