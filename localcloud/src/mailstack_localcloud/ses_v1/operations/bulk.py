"""SendBulkTemplatedEmail: a stored template, up to 50 destinations, each with data, tags and a result of its own."""

from dataclasses import dataclass
from typing import Any

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters
from mailstack_localcloud.ses.errors import SesError, bad_request
from mailstack_localcloud.ses.operations import sending
from mailstack_localcloud.ses.operations.bulk import MAX_ENTRIES, struck
from mailstack_localcloud.ses.quota import TOO_MANY
from mailstack_localcloud.ses.refusals import record_refusal
from mailstack_localcloud.ses.rendering import Data, Renderer, data, merged, renderer
from mailstack_localcloud.ses_v1.operations.sending import identities_in, stored_template

OPERATION = "SendBulkTemplatedEmail"
# https://docs.aws.amazon.com/ses/latest/APIReference/API_BulkEmailDestinationStatus.html
_STATUSES = {
    "MessageRejected": "MessageRejected",
    "MailFromDomainNotVerifiedException": "MailFromDomainNotVerified",
    "TooManyRequestsException": "AccountThrottled",
    "BadRequestException": "InvalidParameterValue",
}


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the destinations share; `parameters` are those of SendEmail."""

    parameters: Parameters
    template: Renderer
    defaults: Data
    tags: list[dict[str, str]]


async def send(context: Context, p: Parameters) -> Output:
    """SendBulkTemplatedEmail. A wrong sender or template fails the call, a wrong destination only itself."""
    destinations = p["Destinations"]
    if not 0 < len(destinations) <= MAX_ENTRIES:
        raise bad_request(f"Destinations has {len(destinations)} entries; 1 to {MAX_ENTRIES} are allowed.")
    template = renderer(context.state, stored_template(p))
    defaults = data(p["DefaultTemplateData"])
    shared = {
        "FromEmailAddress": p["Source"],
        "ReplyToAddresses": p.get("ReplyToAddresses", []),
        "ConfigurationSetName": p.get("ConfigurationSetName"),
        "FeedbackForwardingEmailAddress": p.get("ReturnPath"),
        **identities_in(p),
    }
    sending.check_sender(context, shared, p["Source"])
    await sending.check_identities(context, p["Source"])
    batch = _Batch(shared, template, defaults, p.get("DefaultTags", []))
    return {"Status": [await _result(context, batch, one) for one in destinations]}


async def _result(context: Context, batch: _Batch, entry: dict[str, Any]) -> Output:
    refused = struck(context, OPERATION, entry)
    if refused:
        return {**refused, "Status": _status_of_v1(refused["Status"])}
    own = entry.get("ReplacementTags", [])
    named = {tag["Name"] for tag in own}
    asked = {
        **batch.parameters,
        "Destination": entry["Destination"],
        "EmailTags": [*(tag for tag in batch.tags if tag["Name"] not in named), *own],
    }
    try:
        filled = batch.template.fill(merged(batch.defaults, data(entry.get("ReplacementTemplateData"))))
        return {"Status": "Success", "MessageId": await sending.send(context, asked, filled, OPERATION)}
    except SesError as error:
        if error.code not in _STATUSES:
            raise
        record_refusal(context.state, OPERATION, asked, error)
        status = "AccountDailyQuotaExceeded" if error.message == TOO_MANY else _STATUSES[error.code]
        return {"Status": status, "Error": error.message}


def _status_of_v1(status: str) -> str:
    """A status of the second API as the first has it.

    Example:
        >>> _status_of_v1("ACCOUNT_THROTTLED"), _status_of_v1("TEMPLATE_NOT_FOUND")
        ('AccountThrottled', 'TemplateDoesNotExist')
    """
    words = "".join(word.title() for word in status.split("_"))
    return {"InvalidParameter": "InvalidParameterValue"}.get(words, words.replace("NotFound", "DoesNotExist"))


HANDLERS: dict[str, Handler] = {OPERATION: send}
