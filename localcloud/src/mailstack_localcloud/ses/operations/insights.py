"""Virtual Deliverability Manager: insights on a mail, daily counts, recommendations, from the kept mails."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from mailstack_localcloud.ses import mime, rules
from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, page
from mailstack_localcloud.ses.errors import not_emulated, not_found
from mailstack_localcloud.ses.events import BOUNCES, KINDS, ON_A_LIST, sub_type
from mailstack_localcloud.ses.state import Identity, Occurrence, State, StoredMessage

_PAGE_SIZES = range(1, 101)
_BOUNCE = {"PERMANENT_BOUNCE": "Permanent", "TRANSIENT_BOUNCE": "Transient"}
# The DELIVERY_… metrics leave out mails that could not have been opened, …: here every mail could have been.
_KIND = {
    "SEND": "Send",
    "COMPLAINT": "Complaint",
    "OPEN": "Open",
    "CLICK": "Click",
    "DELIVERY": "Delivery",
    "DELIVERY_OPEN": "Delivery",
    "DELIVERY_CLICK": "Delivery",
    "DELIVERY_COMPLAINT": "Delivery",
    **dict.fromkeys(_BOUNCE, "Bounce"),
}


def get_message(context: Context, p: Parameters) -> Output:
    """GetMessageInsights, of a mail that is still kept."""
    message = context.state.messages.get(str(p["MessageId"]))
    if message is None:
        raise not_found("Message", str(p["MessageId"]))
    tags = [(name, value) for name, values in message.tags.items() for value in values]
    return {
        "MessageId": message.message_id,
        "FromEmailAddress": message.source,
        "Subject": message.subject or None,
        "EmailTags": [{"Name": name, "Value": value} for name, value in tags],
        "Insights": [_insight(message, mime.bare(recipient)) for recipient in message.recipients],
    }


def metric_data(context: Context, p: Parameters) -> Output:
    """BatchGetMetricData: counts by day, of mails to one recipient that is not the simulator's."""
    return {"Results": [_counted(context.state, query) for query in p["Queries"]], "Errors": []}


def recommendations(context: Context, p: Parameters) -> Output:
    """ListRecommendations: domains whose DKIM records are not published."""
    state, wanted = context.state, p.get("Filter", {})
    found = [_dkim(state, i) for i in state.identities.values() if i.is_domain and i.dkim_status != "SUCCESS"]
    names = {"TYPE": "Type", "IMPACT": "Impact", "STATUS": "Status", "RESOURCE_ARN": "ResourceArn"}
    matching = [one for one in found if all(one[names[name]] == value for name, value in wanted.items())]
    shown, token = page(matching, p, sizes=_PAGE_SIZES)
    return {"Recommendations": shown, "NextToken": token}


def _insight(message: StoredMessage, recipient: str) -> Output:
    own = [h for h in message.occurrences if h.recipient == recipient or h.kind in {"Send", "Reject"}]
    return {"Destination": recipient, "Events": [_event(occurrence) for occurrence in own]}


def _event(occurrence: Occurrence) -> Output:
    event: Output = {"Timestamp": occurrence.at, "Type": KINDS[occurrence.kind][0]}
    if occurrence.kind == "Bounce":
        bounce_type, _, diagnostic = BOUNCES[occurrence.detail]
        shown = {"BounceType": bounce_type.upper(), "BounceSubType": sub_type(occurrence.detail)}
        event["Details"] = {"Bounce": {**shown, "DiagnosticCode": diagnostic or None}}
    if occurrence.kind == "Complaint":
        subject = "ComplaintSubType" if occurrence.detail in ON_A_LIST else "ComplaintFeedbackType"
        event["Details"] = {"Complaint": {subject: occurrence.detail}}
    return event


def _counted(state: State, query: dict[str, Any]) -> Output:
    counts = Counter[datetime]()
    for occurrence in _tracked(state, query.get("Dimensions", {})):
        if query["StartDate"] <= occurrence.at <= query["EndDate"] and counts_as(occurrence, query["Metric"]):
            counts[occurrence.at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)] += 1
    days = sorted(counts)
    return {"Id": query["Id"], "Timestamps": days, "Values": [counts[day] for day in days]}


def measured(state: State) -> Iterator[StoredMessage]:
    """The mails that metrics count: those to one recipient that is not the simulator's, newest first."""
    for message in state.messages.newest(len(state.messages)):
        if len(message.recipients) == 1 and not rules.is_simulator(mime.bare(message.recipients[0])):
            yield message


def dimensions_of(message: StoredMessage) -> dict[str, str | None]:
    """A mail's value for each dimension of metrics, but for its recipient's provider."""
    return {
        "EMAIL_IDENTITY": message.identity,
        "CONFIGURATION_SET": message.configuration_set,
        "TENANT_NAME": message.tenant,
    }


def counts_as(occurrence: Occurrence, metric: str) -> bool:
    """Whether a metric counts what happened."""
    if occurrence.kind != _KIND[metric] or occurrence.detail in ON_A_LIST:
        return False
    return metric not in _BOUNCE or BOUNCES[occurrence.detail][0] == _BOUNCE[metric]


def _tracked(state: State, dimensions: dict[str, str]) -> Iterator[Occurrence]:
    if "ISP" in dimensions:
        raise not_emulated("Metric data by ISP")
    for message in measured(state):
        of = dimensions_of(message)
        if all(of[name] == value for name, value in dimensions.items()):
            yield from message.occurrences


def _dkim(state: State, identity: Identity) -> Output:
    return {
        "ResourceArn": state.arn("identity", identity.name),
        "Type": "DKIM",
        "Description": "DKIM verification is not enabled.",
        "Status": "OPEN",
        "CreatedTimestamp": identity.created_at,
        "LastUpdatedTimestamp": identity.dkim_since or identity.created_at,
        "Impact": "HIGH",
    }


HANDLERS: dict[str, Handler] = {
    "GetMessageInsights": get_message,
    "BatchGetMetricData": metric_data,
    "ListRecommendations": recommendations,
}
