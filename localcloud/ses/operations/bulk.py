"""SendBulkEmail: one template, up to 50 destinations, each with data, headers, tags and a result of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.ses.authorization import authorize
from localcloud.ses.context import Context, Handler, Output, Parameters
from localcloud.ses.errors import SesError, bad_request
from localcloud.ses.mime import bare
from localcloud.ses.operations.sending import check_identities, check_sender, check_tenant, send
from localcloud.ses.quota import TOO_MANY
from localcloud.ses.rendering import Data, Renderer, data, renderer
from localcloud.ses.rules import address_problem

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
MAX_ENTRIES = 50
# What is the same for every entry; the rest of an entry's parameters is its own.
_SHARED = ("FromEmailAddress", "ReplyToAddresses", "ConfigurationSetName", "TenantName", "EndpointId")
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
    await _check(context, p, batch.renderer.name)
    return {"BulkEmailEntryResults": [await _result(context, batch, entry) for entry in entries]}


async def _check(context: Context, p: Parameters, template: str) -> None:
    source = str(p.get("FromEmailAddress", ""))
    problem = address_problem(bare(source))
    if problem:
        raise bad_request(problem)
    configuration_set = check_sender(context, p, source)
    lists = (entry["Destination"].values() for entry in p["BulkEmailEntries"])
    recipients = [bare(address) for entry in lists for addresses in entry for address in addresses]
    authorize(context, p, "SendBulkEmail", (source, recipients), (configuration_set, template))
    check_tenant(context, p, source, configuration_set, template)
    await check_identities(context, source)


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


async def _result(context: Context, batch: _Batch, entry: dict[str, Any]) -> Output:
    try:
        return {"Status": "SUCCESS", "MessageId": await _send(context, batch, entry)}
    except SesError as error:
        if error.code not in _STATUSES:
            raise
        status = "ACCOUNT_DAILY_QUOTA_EXCEEDED" if error.message == TOO_MANY else _STATUSES[error.code]
        return {"Status": status, "Error": error.message}


async def _send(context: Context, batch: _Batch, entry: dict[str, Any]) -> str:
    """An entry's data, headers and tags come before the defaults of the same name."""
    own = entry.get("ReplacementEmailContent", {}).get("ReplacementTemplate", {}).get("ReplacementTemplateData")
    replacements = {**batch.defaults, **data(own)}
    headers = _merged(batch.headers, entry.get("ReplacementHeaders", ()))
    parameters = {
        **batch.parameters,
        "Destination": entry["Destination"],
        "EmailTags": _merged(batch.tags, entry.get("ReplacementTags", ())),
    }
    filled = batch.renderer.fill(replacements, headers, batch.attachments)
    return await send(context, parameters, filled, "SendBulkEmail", is_authorized=True)


def _merged(defaults: _Named, own: _Named) -> _Named:
    if not defaults or not own:
        return own or defaults
    replaced = {one["Name"].lower() for one in own}
    return [*(one for one in defaults if one["Name"].lower() not in replaced), *own]


HANDLERS: dict[str, Handler] = {"SendBulkEmail": send_bulk_email}
