"""SendBulkEmail: one template, up to 50 destinations, each with data, headers, tags and a result of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.ses.context import Context, Handler, Output, Parameters
from localcloud.ses.errors import SesError, bad_request
from localcloud.ses.mime import bare
from localcloud.ses.operations.sending import Sender, accept, admitted, check_identities, enveloped, written_problem
from localcloud.ses.quota import TOO_MANY
from localcloud.ses.rendering import Data, Renderer, data, renderer

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
MAX_ENTRIES = 50
# What is the same for every entry; the rest of an entry's parameters is its own.
_SHARED = ("FromEmailAddress", "ReplyToAddresses")
OPERATION = "SendBulkEmail"
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html
_STATUSES = {
    "MessageRejected": "MESSAGE_REJECTED",
    "MailFromDomainNotVerifiedException": "MAIL_FROM_DOMAIN_NOT_VERIFIED",
    "TooManyRequestsException": "ACCOUNT_THROTTLED",
    "BadRequestException": "INVALID_PARAMETER",
}
_Named = Sequence[dict[str, str]]


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the entries share."""

    renderer: Renderer
    defaults: Data
    headers: _Named
    attachments: Sequence[dict[str, Any]]
    tags: _Named
    parameters: Parameters


async def send_bulk_email(context: Context, p: Parameters) -> Output:
    """SendBulkEmail. A wrong sender or template fails the call, a wrong entry only itself."""
    entries = p["BulkEmailEntries"]
    if not 0 < len(entries) <= MAX_ENTRIES:
        raise bad_request(f"BulkEmailEntries has {len(entries)} entries; 1 to {MAX_ENTRIES} are allowed.")
    batch = _batch(context, p)
    sender = await _sender(context, p, batch.renderer.name)
    return {"BulkEmailEntryResults": [await _result(context, sender, batch, entry) for entry in entries]}


async def _sender(context: Context, p: Parameters, template: str) -> Sender:
    source = str(p.get("FromEmailAddress", ""))
    problem = written_problem(source)
    if problem:
        raise bad_request(problem)
    lists = (entry["Destination"].values() for entry in p["BulkEmailEntries"])
    recipients = [bare(address) for entry in lists for addresses in entry for address in addresses]
    return await admitted(context, p, (OPERATION, OPERATION), (source, recipients), template)


def _batch(context: Context, p: Parameters) -> _Batch:
    template = p["DefaultContent"].get("Template")
    if not template:
        raise bad_request("DefaultContent needs a Template.")
    return _Batch(
        renderer=renderer(context.state, template),
        defaults=data(template.get("TemplateData")),
        headers=template.get("Headers", ()),
        attachments=template.get("Attachments", ()),
        tags=p.get("DefaultEmailTags", ()),
        parameters={name: p[name] for name in _SHARED if name in p},
    )


async def _result(context: Context, sender: Sender, batch: _Batch, entry: dict[str, Any]) -> Output:
    try:
        return {"Status": "SUCCESS", "MessageId": await _send(context, sender, batch, entry)}
    except SesError as error:
        if error.code not in _STATUSES:
            raise
        status = "ACCOUNT_DAILY_QUOTA_EXCEEDED" if error.message == TOO_MANY else _STATUSES[error.code]
        return {"Status": status, "Error": error.message}


async def _send(context: Context, sender: Sender, batch: _Batch, entry: dict[str, Any]) -> str:
    """An entry's data, headers and tags come before the defaults of the same name."""
    own = entry.get("ReplacementEmailContent", {}).get("ReplacementTemplate", {}).get("ReplacementTemplateData")
    replacements = {**batch.defaults, **data(own)}
    headers = _merged(batch.headers, entry.get("ReplacementHeaders", ()))
    tags = _merged(batch.tags, entry.get("ReplacementTags", ()))
    filled = batch.renderer.fill(replacements, headers, batch.attachments)
    asked = {**batch.parameters, "Destination": entry["Destination"], "EmailTags": tags}
    envelope = enveloped(asked, filled.content)
    if not context.state.account.production_access:
        await check_identities(context, envelope.source, envelope.recipients)
    return await accept(context, sender, envelope, filled, tags)


def _merged(defaults: _Named, own: _Named) -> _Named:
    if not defaults or not own:
        return own or defaults
    replaced = {one["Name"].lower() for one in own}
    return [*(one for one in defaults if one["Name"].lower() not in replaced), *own]


HANDLERS: dict[str, Handler] = {OPERATION: send_bulk_email}
