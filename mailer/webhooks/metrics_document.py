"""The metrics in FastAPI's OpenAPI document: their types, statuses, parameters and the key."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from fastapi import Depends
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse

from mailer.reports.report import MAX_DAYS
from mailer.webhooks.http import BAD_REQUEST, FORBIDDEN, OK, SERVER_ERROR, TOO_MANY, UNAUTHORIZED, UNAVAILABLE
from mailer.webhooks.metrics import (
    BOUNCES_PATH,
    COMPLAINTS_PATH,
    PAGED,
    PATH,
    QUOTA_PATH,
    SUMMARY_PATH,
    SUPPRESSION_PATH,
    SUPPRESSIONS_PATH,
)
from mailer.webhooks.metrics_query import DAYS, LIMIT, MAX_LIMIT, MAX_WHY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Document = dict[str, Any]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AllCounts(_Shape):
    """Recipients by event."""

    sends: int
    deliveries: int
    hard_bounces: int
    soft_bounces: int
    unclear_bounces: int
    not_tried: int
    complaints: int
    rejects: int


class BounceCounts(_Shape):
    """Recipients that bounced."""

    hard_bounces: int
    soft_bounces: int
    unclear_bounces: int
    not_tried: int


class ComplaintCounts(_Shape):
    """Recipients that complained."""

    complaints: int


class Rate(_Shape):
    """A share of sends, and AWS's limits. `rate` is null where nothing was sent."""

    rate: float | None
    state: Literal["ok", "review", "pause", "unknown"]
    review_at: float
    pause_at: float


class SuppressionListCounts(_Shape):
    """The suppression list in numbers."""

    size: int
    by_reason: dict[str, int]
    by_scope: dict[str, int]
    added_by_day: dict[date, int]
    complete: bool


class Summary(_Shape):
    """Everything in numbers. Those of days before `since` may be too low; it is null without a message log."""

    days: dict[date, AllCounts]
    total: AllCounts
    bounce_rate: Rate
    complaint_rate: Rate
    by_stream: dict[str, AllCounts]
    by_template: dict[str, AllCounts]
    suppressions: SuppressionListCounts
    complete: bool
    logged: bool
    since: date | None
    sources: dict[str, str]


class MailEvent(_Shape):
    """A bounce or complaint of one recipient."""

    at: datetime
    recipient: str
    stream: str
    template: str
    message_id: str
    type: str
    code: str
    words: str


class _Events(_Shape):
    rate: Rate
    items: list[MailEvent]
    next: str | None
    complete: bool
    logged: bool
    sources: dict[str, str]


class Bounces(_Events):
    """Bounces: counts, and one page of events, the newest first."""

    by_day: dict[date, BounceCounts]
    by_stream: dict[str, BounceCounts]
    by_template: dict[str, BounceCounts]
    total: BounceCounts


class Complaints(_Events):
    """Complaints: counts, and one page of events, the newest first."""

    by_day: dict[date, ComplaintCounts]
    by_stream: dict[str, ComplaintCounts]
    by_template: dict[str, ComplaintCounts]
    total: ComplaintCounts


class SuppressedAddress(_Shape):
    """A suppression."""

    address: str
    reason: Literal["bounce", "unsubscribe", "complaint", "manual"]
    scope: str
    detail: str
    created_at: datetime
    expires_at: datetime | None
    actor: str
    message_id: str


class Suppressions(SuppressionListCounts):
    """The suppression list: counts, and one page of what was added in these days, the newest first."""

    items: list[SuppressedAddress]
    next: str | None
    sources: dict[str, str]


class Quota(_Shape):
    """The sending quota of the account. `max_24_hour_send` and `used` are null without a limit."""

    sent_last_24_hours: float
    max_24_hour_send: float | None
    max_send_rate: float
    used: float | None
    sending_enabled: bool
    production_access: bool
    sources: dict[str, str]


class Removal(_Shape):
    """What became of a removal."""

    address: str
    scope: str
    removed: bool
    account_list: Literal["deleted", "not listed", "failed", "kept"]


class MetricsProblem(_Shape):
    """Why nothing was done."""

    error: str


_MEANINGS: "Mapping[int, str]" = {
    BAD_REQUEST: "A parameter or the address is wrong.",
    UNAUTHORIZED: "No key, or a wrong one.",
    FORBIDDEN: "The key does not remove suppressions.",
    TOO_MANY: "Too many requests.",
    SERVER_ERROR: "A defect.",
    UNAVAILABLE: "The store failed. Try again.",
}
_PAGES: "Mapping[str, tuple[str, type[BaseModel], tuple[str, ...]]]" = {
    SUMMARY_PATH: ("Sends, bounces, complaints and suppressions in numbers", Summary, ("days",)),
    BOUNCES_PATH: ("Bounces: counts and events", Bounces, PAGED),
    COMPLAINTS_PATH: ("Complaints: counts and events", Complaints, PAGED),
    SUPPRESSIONS_PATH: ("Suppressions: counts and what was added", Suppressions, PAGED),
    QUOTA_PATH: ("The sending quota of the account, as SES says it", Quota, ()),
}
_PARAMETERS: "Mapping[str, Document]" = {
    "days": {"type": "integer", "minimum": 1, "maximum": MAX_DAYS, "default": DAYS},
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT},
    "cursor": {"type": "string", "description": "`next` of the page before."},
    "why": {"type": "string", "minLength": 1, "maxLength": MAX_WHY, "description": "The reason; it is recorded."},
    "scope": {"type": "string", "description": "stream:NAME or tenant:NAME; default: all mail."},
}
_KEY = HTTPBearer(scheme_name="metricsKey", description="A key of MAILSTACK_METRICS_KEYS.", auto_error=False)


def is_metrics(path: str) -> bool:
    """Whether an endpoint is one of the metrics."""
    return path.startswith(PATH)


def documented(path: str) -> "Document":
    """The arguments of `add_api_route` for an endpoint of the metrics."""
    if path == SUPPRESSION_PATH:
        name, parameters = "suppression_remove", [_parameter("why", required=True), _parameter("scope")]
        summary, model, statuses = "Remove an address from the suppression list", Removal, (FORBIDDEN,)
        parameters.append({"name": "token", "in": "path", "required": True, "schema": {"type": "string"}})
    else:
        (summary, model, allowed), statuses = _PAGES[path], ()
        name, parameters = path.rpartition("/")[2], [_parameter(one) for one in allowed]
    every = (BAD_REQUEST, UNAUTHORIZED, *statuses, TOO_MANY, SERVER_ERROR, UNAVAILABLE)
    problems = {status: {"model": MetricsProblem, "description": _MEANINGS[status]} for status in every}
    return {
        "operation_id": f"mail_metrics_{name}",
        "summary": summary,
        "response_class": JSONResponse,
        "responses": {OK: {"model": model}, **problems},
        "openapi_extra": {"parameters": parameters},
        "dependencies": [Depends(_KEY)],
    }


def _parameter(name: str, *, required: bool = False) -> "Document":
    return {"name": name, "in": "query", "required": required, "schema": dict(_PARAMETERS[name])}
