"""Custom verification mails: their templates, and sending one, which creates a pending identity."""

from mailstack_localcloud.ses import rules
from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, page, tag_dict, tag_list
from mailstack_localcloud.ses.errors import SesError, already_exists, bad_request, not_found
from mailstack_localcloud.ses.operations import identities, sending
from mailstack_localcloud.ses.rendering import Filled
from mailstack_localcloud.ses.state import VerificationTemplate
from mailstack_localcloud.ses.verification_mails import link

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
MAX_TEMPLATES = 50
PAGE_SIZES = range(1, 51)
MAX_BYTES = 10 * 1024 * 1024
# SES ends every such mail with words to this effect, and tracks none of them.
_CLOSING = "<p>Nobody needs to follow this link who did not ask for it.</p>"
_UNTRACKED = {"Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}}


def create(context: Context, p: Parameters) -> Output:
    """CreateCustomVerificationEmailTemplate."""
    name, templates = str(p["TemplateName"]), context.state.verification_templates
    if name in templates:
        raise already_exists("Custom verification email template", name)
    if len(templates) >= MAX_TEMPLATES:
        raise SesError("LimitExceededException", "Maximum number of custom verification email templates exceeded.")
    templates[name] = _template(context, p)
    return {}


def update(context: Context, p: Parameters) -> Output:
    """UpdateCustomVerificationEmailTemplate: replaces all but the tags."""
    found = _existing(context, p)
    changed = _template(context, p)
    changed.tags = found.tags
    context.state.verification_templates[found.name] = changed
    return {}


def get(context: Context, p: Parameters) -> Output:
    """GetCustomVerificationEmailTemplate."""
    found = _existing(context, p)
    return {**_metadata(found), "TemplateContent": found.content, "Tags": tag_list(found.tags)}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteCustomVerificationEmailTemplate."""
    del context.state.verification_templates[_existing(context, p).name]
    return {}


def list_(context: Context, p: Parameters) -> Output:
    """ListCustomVerificationEmailTemplates."""
    shown, token = page([*context.state.verification_templates.values()], p, sizes=PAGE_SIZES)
    return {"CustomVerificationEmailTemplates": [_metadata(found) for found in shown], "NextToken": token}


async def send(context: Context, p: Parameters) -> Output:
    """SendCustomVerificationEmail: not in the sandbox. The link comes after the template's content."""
    state, address = context.state, str(p["EmailAddress"])
    if not state.account.production_access:
        raise bad_request("Custom verification emails need production access.")
    problem = rules.address_problem(address)
    if problem:
        raise bad_request(problem)
    found = _existing(context, p)
    _check_sender(context, found.sender)
    url = link(context, address, found.name)
    html = f'{found.content}<p><a href="{url}">{url}</a></p>{_CLOSING}'
    content = {"Simple": {"Subject": {"Data": found.subject}, "Body": {"Html": {"Data": html}}}}
    parameters = {
        "FromEmailAddress": found.sender,
        "Destination": {"ToAddresses": [address]},
        "ConfigurationSetName": p.get("ConfigurationSetName"),
        "ConfigurationOverrides": _UNTRACKED,
    }
    message_id = await sending.send(context, parameters, Filled(content), "SendCustomVerificationEmail")
    if address not in state.identities:
        identities.add(context, address)
    return {"MessageId": message_id}


def _template(context: Context, p: Parameters) -> VerificationTemplate:
    _check_sender(context, str(p["FromEmailAddress"]))
    if len(p["TemplateContent"].encode()) > MAX_BYTES:
        raise bad_request(f"TemplateContent is longer than {MAX_BYTES} bytes.")
    return VerificationTemplate(
        name=p["TemplateName"],
        sender=p["FromEmailAddress"],
        subject=p["TemplateSubject"],
        content=p["TemplateContent"],
        success_url=p["SuccessRedirectionURL"],
        failure_url=p["FailureRedirectionURL"],
        tags=tag_dict(p.get("Tags", [])),
    )


def _check_sender(context: Context, sender: str) -> None:
    if not rules.may_send(sender, context.state.identities):
        raise SesError("NotFoundException", f"FromEmailAddress <{sender}> is not verified.")


def _existing(context: Context, p: Parameters) -> VerificationTemplate:
    name = str(p["TemplateName"])
    if name not in context.state.verification_templates:
        raise not_found("Custom verification email template", name)
    return context.state.verification_templates[name]


def _metadata(found: VerificationTemplate) -> Output:
    return {
        "TemplateName": found.name,
        "FromEmailAddress": found.sender,
        "TemplateSubject": found.subject,
        "SuccessRedirectionURL": found.success_url,
        "FailureRedirectionURL": found.failure_url,
    }


HANDLERS: dict[str, Handler] = {
    "CreateCustomVerificationEmailTemplate": create,
    "UpdateCustomVerificationEmailTemplate": update,
    "GetCustomVerificationEmailTemplate": get,
    "DeleteCustomVerificationEmailTemplate": delete,
    "ListCustomVerificationEmailTemplates": list_,
    "SendCustomVerificationEmail": send,
}
