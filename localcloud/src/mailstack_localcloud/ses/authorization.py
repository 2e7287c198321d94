"""Whether the signer of a request may send: the policies of IAM users and roles, by resource and condition.

https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
"""

import re
from collections.abc import Iterable
from contextvars import ContextVar

from mailstack_localcloud.ses import mime, rules
from mailstack_localcloud.ses.context import Context, Parameters
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses.state import ConfigurationSet

# The access key that the request in hand is signed with; empty where there is none.
SIGNER: ContextVar[str] = ContextVar("signer", default="")
# The API that it speaks, as the condition `ses:ApiVersion` names it.
API_VERSION: ContextVar[str] = ContextVar("api_version", default="2")
# Bulk mail knows no condition on addresses: a policy's allow-list of recipients does not hold for it.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html
_WITHOUT_ADDRESSES = frozenset({"SendBulkEmail"})
# What this one needs is a permission on its template, and was judged by it (`permissions`).
_JUDGED_BEFORE = frozenset({"SendCustomVerificationEmail"})
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")


def signer(authorization: str) -> str:
    """The access key of an `Authorization` header.

    Example:
        >>> signer("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/ses/aws4_request")
        'AKIAIOSFODNN7EXAMPLE'
    """
    found = _CREDENTIAL.search(authorization)
    return found[1] if found else ""


def authorize(
    context: Context,
    p: Parameters,
    action: str,
    addresses: tuple[str, Iterable[str]],
    used: tuple[ConfigurationSet | None, str],
) -> None:
    """See that the signer may send with every resource that a mail uses.

    Args:
        context: Where.
        p: The parameters of the sending operation.
        action: Its name, e.g. `SendBulkEmail`; a raw mail is `SendRawEmail` whatever carries it.
        addresses: The sender as it is written, and the bare addresses of the recipients.
        used: The configuration set, and the name of a stored template, which may be empty.

    Raises:
        SesError: Some policy does not let it (403).
    """
    if action in _JUDGED_BEFORE:
        return
    source, recipients = addresses
    name, address = mime.named(source)
    conditions: dict[str, object] = {
        "ses:apiversion": API_VERSION.get(),
        "ses:tenantname": p.get("TenantName"),
        "ses:multiregionendpointid": p.get("EndpointId"),
    }
    if action not in _WITHOUT_ADDRESSES:
        conditions |= {
            "ses:fromaddress": address,
            "ses:recipients": list(recipients),
            "ses:fromdisplayname": name or None,
            "ses:feedbackaddress": p.get("FeedbackForwardingEmailAddress"),
        }
    given = {key: value for key, value in conditions.items() if value is not None}
    resources = _resources(context, address, recipients, used)
    denied = context.backend.access.denied(SIGNER.get(), f"ses:{action}", resources, given)
    if denied:
        who, resource = denied
        problem = f"User `{who}' is not authorized to perform `ses:{action}' on resource `{resource}'"
        raise SesError("AccessDeniedException", problem)


def _resources(
    context: Context, address: str, recipients: Iterable[str], used: tuple[ConfigurationSet | None, str]
) -> list[str]:
    """The sender's identity, what else the mail uses, and in the sandbox the recipients' identities."""
    state, (configuration_set, template) = context.state, used
    written = [address] if state.account.production_access else [address, *recipients]
    real = [one for one in written if not rules.is_simulator(one)]
    covering = [next((i.name for i in rules.identities_of(one, state.identities)), one) for one in real]
    return [
        *(state.arn("identity", name) for name in dict.fromkeys(covering)),
        *([state.arn("configuration-set", configuration_set.name)] if configuration_set else []),
        *([state.arn("template", template)] if template else []),
    ]
