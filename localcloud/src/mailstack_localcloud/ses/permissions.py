"""Authorizes operations other than sends. `authorization` checks sends.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_ses.html
"""

from typing import Any

from mailstack_localcloud.ses.context import Context, Parameters
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses.operations.tags import tags_of
from mailstack_localcloud.ses.rules import identity_name

ALL = "*"
# Authorized once it is known what they use.
_SENDS = frozenset({"SendEmail", "SendBulkEmail", "SendRawEmail", "SendTemplatedEmail", "SendBulkTemplatedEmail"})
# A member of an operation's input → the kind of resource that it names.
_KINDS = {
    "EmailIdentity": "identity",
    "ConfigurationSetName": "configuration-set",
    "ContactListName": "contact-list",
    "TemplateName": "template",
    "PoolName": "dedicated-ip-pool",
    "DestinationPoolName": "dedicated-ip-pool",
    "EndpointName": "multi-region-endpoint",
}
# Operations that differ; other members of their input name no resource.
_OWN_KINDS: dict[str, dict[str, str]] = {
    "CreateEmailIdentity": {"EmailIdentity": "identity"},
    "CreateMultiRegionEndpoint": {},
    "CancelExportJob": {"JobId": "export-job"},
    "GetExportJob": {"JobId": "export-job"},
    "GetImportJob": {"JobId": "import-job"},
    **{
        f"{verb}CustomVerificationEmail{rest}": {"TemplateName": "custom-verification-email-template"}
        for verb, rest in (
            ("Create", "Template"),
            ("Delete", "Template"),
            ("Get", "Template"),
            ("Update", "Template"),
            ("Send", ""),
        )
    },
}
# These hold an ARN, or a tenant's name, which is half of one.
_ARNS = ("ResourceArn", "ReputationEntityReference")


def check(context: Context, operation: str, p: Parameters) -> None:
    """Check that the caller may carry out an operation of the second API on what it names.

    Raises:
        SesError: A policy does not allow it (403).
    """
    if operation in _SENDS:
        return
    for resource in resources(context, operation, p):
        _ask(context, f"ses:{operation}", resource, _conditions(context, resource, p))
    role = p.get("EventDestination", {}).get("KinesisFirehoseDestination", {}).get("IamRoleArn")
    if role:
        _ask(context, "iam:PassRole", role, {"iam:passedtoservice": "ses.amazonaws.com"})


def check_v1(context: Context, operation: str) -> None:
    """Check that the caller may carry out an operation of the first API, whose resource is always `*`.

    Raises:
        SesError: A policy does not allow it (403).
    """
    if operation not in _SENDS:
        _ask(context, f"ses:{operation}", ALL, {"ses:apiversion": context.caller.api_version})


def resources(context: Context, operation: str, p: Parameters) -> list[str]:
    """The ARNs that an operation acts on; `*` if it names none."""
    named = [
        context.state.arn(kind, identity_name(str(p[name])) if kind == "identity" else str(p[name]))
        for name, kind in _OWN_KINDS.get(operation, _KINDS).items()
        if p.get(name)
    ]
    arns = [str(p[name]) for name in _ARNS if name in p]
    tenant = context.state.tenants.get(str(p.get("TenantName", "")))
    of_tenant = [tenant.arn] if tenant and "Tenant" in operation else []
    return [*named, *arns, *of_tenant] or [ALL]


def _conditions(context: Context, resource: str, p: Parameters) -> dict[str, object]:
    asked = {tag["Key"]: tag["Value"] for tag in p.get("Tags", [])}
    keys = [*asked, *p.get("TagKeys", [])]
    there = tags_of(context.state, resource) or {}
    return {
        "ses:apiversion": context.caller.api_version,
        **{f"aws:resourcetag/{key.lower()}": value for key, value in there.items()},
        **{f"aws:requesttag/{key.lower()}": value for key, value in asked.items()},
        **({"aws:tagkeys": keys} if keys else {}),
    }


def _ask(context: Context, action: str, resource: str, conditions: dict[str, Any]) -> None:
    denied = context.backend.access.denied(context.caller.access_key, action, [resource], conditions)
    if denied:
        problem = f"User `{denied[0]}' is not authorized to perform `{action}' on resource `{resource}'"
        raise SesError("AccessDeniedException", problem)
