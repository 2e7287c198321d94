"""Templates stored in SES, and test rendering."""

import re
from datetime import UTC, datetime

from mailstack_localcloud.ses import ids, mime
from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, page, tag_dict, tag_list
from mailstack_localcloud.ses.errors import SesError, already_exists, bad_request, not_found
from mailstack_localcloud.ses.rendering import MAX_STORED_BYTES, data, prepare, renderer
from mailstack_localcloud.ses.state import EmailTemplate, StoredMessage

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
MAX_TEMPLATES = 20_000
_PAGE_SIZES = range(1, 101)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def create(context: Context, p: Parameters) -> Output:
    """CreateEmailTemplate."""
    name, templates = str(p["TemplateName"]), context.state.templates
    if not _NAME.fullmatch(name):
        raise bad_request(f"Invalid template name <{name}>: 1 to 64 letters, digits, '_' and '-' are allowed.")
    if name in templates:
        raise already_exists("Template", name)
    if len(templates) >= MAX_TEMPLATES:
        raise SesError("LimitExceededException", "Maximum number of templates exceeded.")
    _check(name, p["TemplateContent"])
    templates[name] = EmailTemplate(name, p["TemplateContent"], datetime.now(UTC), tag_dict(p.get("Tags", [])))
    return {}


def get(context: Context, p: Parameters) -> Output:
    """GetEmailTemplate."""
    found = _existing(context, p)
    return {"TemplateName": found.name, "TemplateContent": found.content, "Tags": tag_list(found.tags)}


def update(context: Context, p: Parameters) -> Output:
    """UpdateEmailTemplate: replaces the whole content."""
    found = _existing(context, p)
    _check(found.name, p["TemplateContent"])
    found.content = p["TemplateContent"]
    return {}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteEmailTemplate."""
    name = _existing(context, p).name
    context.ensure_deletable("template", name)
    del context.state.templates[name]
    return {}


def list_(context: Context, p: Parameters) -> Output:
    """ListEmailTemplates."""
    shown, token = page([*context.state.templates.values()], p, sizes=_PAGE_SIZES)
    metadata = [{"TemplateName": t.name, "CreatedTimestamp": t.created_at} for t in shown]
    return {"TemplatesMetadata": metadata, "NextToken": token}


def test_render(context: Context, p: Parameters) -> Output:
    """TestRenderEmailTemplate: the whole MIME message, without addresses."""
    filled = renderer(context.state, p).fill(data(p["TemplateData"]))
    if filled.failure:
        raise bad_request(filled.failure)
    message = StoredMessage(
        message_id=ids.message_id(context.state.region),
        accepted_at=datetime.now(UTC),
        source="",
        identity="",
        to=[],
        cc=[],
        bcc=[],
        reply_to=[],
        subject=filled.content["Simple"]["Subject"]["Data"],
        content=filled.content,
        configuration_set=None,
        tags={},
        size=0,
    )
    return {"RenderedTemplate": mime.source(message, context.state.region).decode()}


def _check(name: str, content: dict[str, str]) -> None:
    if not content.get("Subject"):
        raise bad_request("The subject must be specified.")
    prepare(name, content, MAX_STORED_BYTES)


def _existing(context: Context, p: Parameters) -> EmailTemplate:
    name = str(p["TemplateName"])
    if name not in context.state.templates:
        raise not_found("Template", name)
    return context.state.templates[name]


HANDLERS: dict[str, Handler] = {
    "CreateEmailTemplate": create,
    "GetEmailTemplate": get,
    "UpdateEmailTemplate": update,
    "DeleteEmailTemplate": delete,
    "ListEmailTemplates": list_,
    "TestRenderEmailTemplate": test_render,
}
