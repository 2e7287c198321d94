"""Templates in the first API, of mails and of verification mails: the second's under other names."""

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses.operations import templates as v2
from mailstack_localcloud.ses.operations import verification_templates as verification
from mailstack_localcloud.ses_v1.errors import QueryError, recoded

# https://docs.aws.amazon.com/ses/latest/APIReference/API_ListTemplates.html
_USUAL_PAGE, _LARGEST_PAGE = 10, 100
_PARTS = {"SubjectPart": "Subject", "TextPart": "Text", "HtmlPart": "Html"}
_INVALID = {"BadRequestException": "InvalidTemplate"}
_EXISTS = {"AlreadyExistsException": "CustomVerificationEmailTemplateAlreadyExists"}
# How the second API's text begins → the first's code, which it has no errors for.
_REFUSALS = {
    "FromEmailAddress": "FromEmailAddressNotVerified",
    "Custom verification emails": "ProductionAccessNotGranted",
    "TemplateContent": "CustomVerificationEmailInvalidContent",
    "Replacement data": "InvalidRenderingParameter",
}


def create(context: Context, p: Parameters) -> Output:
    """CreateTemplate."""
    with recoded(_INVALID):
        return v2.create(context, _given(p["Template"]))


def update(context: Context, p: Parameters) -> Output:
    """UpdateTemplate."""
    with recoded(_INVALID):
        return v2.update(context, _given(p["Template"]))


def get(context: Context, p: Parameters) -> Output:
    """GetTemplate."""
    found = v2.get(context, p)
    parts = {own: found["TemplateContent"].get(name) for own, name in _PARTS.items()}
    return {"Template": {"TemplateName": found["TemplateName"], **parts}}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteTemplate: none is as good as gone."""
    name = str(p["TemplateName"])
    context.ensure_deletable("template", name)
    context.state.templates.pop(name, None)
    return {}


def list_(context: Context, p: Parameters) -> Output:
    """ListTemplates: ten, unless more are asked for."""
    size = min(p.get("MaxItems", _USUAL_PAGE), _LARGEST_PAGE)
    found = v2.list_(context, {"NextToken": p.get("NextToken"), "PageSize": size})
    named = [
        {"Name": one["TemplateName"], "CreatedTimestamp": one["CreatedTimestamp"]} for one in found["TemplatesMetadata"]
    ]
    return {"TemplatesMetadata": named, "NextToken": found["NextToken"]}


def test_render(context: Context, p: Parameters) -> Output:
    """TestRenderTemplate."""
    try:
        return v2.test_render(context, p)
    except SesError as error:
        raise _refused(error, "MissingRenderingAttribute") from error


def create_verification(context: Context, p: Parameters) -> Output:
    """CreateCustomVerificationEmailTemplate."""
    with recoded(_EXISTS):
        return _verification(verification.create, context, p)


def update_verification(context: Context, p: Parameters) -> Output:
    """UpdateCustomVerificationEmailTemplate: what is left out stays."""
    before = verification.get(context, p)
    return _verification(verification.update, context, {**before, **p})


def get_verification(context: Context, p: Parameters) -> Output:
    """GetCustomVerificationEmailTemplate."""
    return {name: value for name, value in verification.get(context, p).items() if name != "Tags"}


def delete_verification(context: Context, p: Parameters) -> Output:
    """DeleteCustomVerificationEmailTemplate: none is as good as gone."""
    context.state.verification_templates.pop(str(p["TemplateName"]), None)
    return {}


def list_verification(context: Context, p: Parameters) -> Output:
    """ListCustomVerificationEmailTemplates."""
    return verification.list_(context, {"NextToken": p.get("NextToken"), "PageSize": p.get("MaxResults")})


async def send_verification(context: Context, p: Parameters) -> Output:
    """SendCustomVerificationEmail."""
    try:
        return await verification.send(context, p)
    except SesError as error:
        raise _refused(error, "") from error


def _verification(handler: Handler, context: Context, p: Parameters) -> Output:
    try:
        handler(context, p)
    except SesError as error:
        raise _refused(error, "") from error
    return {}


def _refused(error: SesError, otherwise: str) -> SesError | QueryError:
    """The first API's own error where it has one; `otherwise` for another bad request."""
    other = otherwise if error.code == "BadRequestException" else ""
    code = next((code for start, code in _REFUSALS.items() if error.message.startswith(start)), other)
    return QueryError(code, error.message) if code else error


def _given(template: dict[str, str]) -> Parameters:
    if not template.get("SubjectPart"):
        raise QueryError("InvalidParameterValue", "The subject must be specified.")
    content = {name: template[own] for own, name in _PARTS.items() if own in template}
    return {"TemplateName": template["TemplateName"], "TemplateContent": content}


HANDLERS: dict[str, Handler] = {
    "CreateTemplate": create,
    "UpdateTemplate": update,
    "GetTemplate": get,
    "DeleteTemplate": delete,
    "ListTemplates": list_,
    "TestRenderTemplate": test_render,
    "CreateCustomVerificationEmailTemplate": create_verification,
    "UpdateCustomVerificationEmailTemplate": update_verification,
    "GetCustomVerificationEmailTemplate": get_verification,
    "DeleteCustomVerificationEmailTemplate": delete_verification,
    "ListCustomVerificationEmailTemplates": list_verification,
    "SendCustomVerificationEmail": send_verification,
}
