"""SendBulkEmail: one template, up to 50 destinations, each with data, headers, tags and a result of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mailstack_localcloud.faults.effects import entry_error
from mailstack_localcloud.faults.rules import BULK_STATUSES
from mailstack_localcloud.ses.acceptance import Sender, accept
from mailstack_localcloud.ses.authorization import Sending
from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters
from mailstack_localcloud.ses.envelopes import addressed, check_tags, check_written
from mailstack_localcloud.ses.errors import SesError, bad_request
from mailstack_localcloud.ses.mime import bare
from mailstack_localcloud.ses.operations.sending import admit, check_identities
from mailstack_localcloud.ses.quota import TOO_MANY
from mailstack_localcloud.ses.refusals import record_refusal
from mailstack_localcloud.ses.rendering import Data, Renderer, data, merged, renderer

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
MAX_ENTRIES = 50
OPERATION = "SendBulkEmail"
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html
_STATUSES = {
    "MessageRejected": "MESSAGE_REJECTED",
    "MailFromDomainNotVerifiedException": "MAIL_FROM_DOMAIN_NOT_VERIFIED",
    "TooManyRequestsException": "ACCOUNT_THROTTLED",
    "BadRequestException": "INVALID_PARAMETER",
}
# What SES says of a whole call can only be had for one entry on command; whatever else there is says least.
_ON_COMMAND = {
    **_STATUSES,
    **{status: status for status in BULK_STATUSES},
    "AccountSuspendedException": "ACCOUNT_SUSPENDED",
    "LimitExceededException": "ACCOUNT_DAILY_QUOTA_EXCEEDED",
    "SendingPausedException": "ACCOUNT_SENDING_PAUSED",
}
_FAILED, _TRANSIENT = "FAILED", "TRANSIENT_FAILURE"
_SERVERS = 500
_Named = Sequence[dict[str, str]]


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the entries share."""

    source: str
    reply_to: list[str]
    renderer: Renderer
    defaults: Data
    headers: _Named
    attachments: Sequence[dict[str, Any]]
    tags: _Named


async def send_bulk_email(context: Context, p: Parameters) -> Output:
    """SendBulkEmail. A wrong sender or template fails the call, a wrong entry only itself."""
    entries = p["BulkEmailEntries"]
    if not 0 < len(entries) <= MAX_ENTRIES:
        raise bad_request(f"BulkEmailEntries has {len(entries)} entries; 1 to {MAX_ENTRIES} are allowed.")
    batch = _batch(context, p)
    sender = await _sender(context, p, batch)
    return {"BulkEmailEntryResults": [await _result(context, sender, batch, entry) for entry in entries]}


async def _sender(context: Context, p: Parameters, batch: _Batch) -> Sender:
    lists = (entry["Destination"].values() for entry in p["BulkEmailEntries"])
    recipients = [bare(address) for entry in lists for addresses in entry for address in addresses]
    return await admit(context, Sending(p, OPERATION, batch.source, recipients, batch.renderer.name))


def _batch(context: Context, p: Parameters) -> _Batch:
    template = p["DefaultContent"].get("Template")
    if not template:
        raise bad_request("DefaultContent needs a Template.")
    source, reply_to = str(p.get("FromEmailAddress", "")), p.get("ReplyToAddresses", [])
    check_written(source, *reply_to)
    return _Batch(
        source=source,
        reply_to=reply_to,
        renderer=renderer(context.state, template),
        defaults=data(template.get("TemplateData")),
        headers=template.get("Headers", ()),
        attachments=template.get("Attachments", ()),
        tags=p.get("DefaultEmailTags", ()),
    )


def struck(context: Context, operation: str, entry: dict[str, Any]) -> Output | None:
    """The answer for an entry of a bulk call that a fault strikes; None if it goes through."""
    if not context.faults.armed:
        return None
    recipients = [bare(address) for addresses in entry["Destination"].values() for address in addresses]
    fault = context.faults.choose(operation, recipients, is_entry=True)
    if fault is None:
        return None
    error = entry_error(fault)
    status = _ON_COMMAND.get(error.code, _TRANSIENT if error.status >= _SERVERS else _FAILED)
    return {"Status": status, "Error": error.message}


async def _result(context: Context, sender: Sender, batch: _Batch, entry: dict[str, Any]) -> Output:
    refused = struck(context, OPERATION, entry)
    if refused:
        return refused
    try:
        return {"Status": "SUCCESS", "MessageId": await _send(context, sender, batch, entry)}
    except SesError as error:
        if error.code not in _STATUSES:
            raise
        stream = sender.configuration_set.name if sender.configuration_set else ""
        asked = {"FromEmailAddress": batch.source, "Destination": entry["Destination"], "ConfigurationSetName": stream}
        record_refusal(context.state, OPERATION, asked, error)
        status = "ACCOUNT_DAILY_QUOTA_EXCEEDED" if error.message == TOO_MANY else _STATUSES[error.code]
        return {"Status": status, "Error": error.message}


async def _send(context: Context, sender: Sender, batch: _Batch, entry: dict[str, Any]) -> str:
    """An entry's data, headers and tags come before the defaults of the same name."""
    own = entry.get("ReplacementEmailContent", {}).get("ReplacementTemplate", {}).get("ReplacementTemplateData")
    replacements = merged(batch.defaults, data(own))
    headers = _merged(batch.headers, entry.get("ReplacementHeaders", ()))
    tags = _merged(batch.tags, entry.get("ReplacementTags", ()))
    filled = batch.renderer.fill(replacements, headers, batch.attachments)
    envelope = addressed(batch.source, batch.reply_to, entry["Destination"], filled.content["Simple"])
    check_tags(tags)
    if not context.state.account.production_access:
        await check_identities(context, envelope.source, envelope.recipients)
    return accept(context, sender, envelope, filled, tags)


def _merged(defaults: _Named, own: _Named) -> _Named:
    if not defaults or not own:
        return own or defaults
    replaced = {one["Name"].lower() for one in own}
    return [*(one for one in defaults if one["Name"].lower() not in replaced), *own]


HANDLERS: dict[str, Handler] = {OPERATION: send_bulk_email}
