"""Authorizes sends: the policies of IAM users and roles, by resource and condition.

https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mailstack_localcloud.ses import mime, rules
from mailstack_localcloud.ses.context import Context, Parameters
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses.state import ConfigurationSet

# Bulk mail has no condition keys for addresses: a policy's allow-list of recipients does not apply to it.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html
_WITHOUT_ADDRESSES = frozenset({"SendBulkEmail"})
# It needs a permission on its template, which `permissions` has checked.
_AUTHORIZED_BEFORE = frozenset({"SendCustomVerificationEmail"})


@dataclass(frozen=True, slots=True)
class Sending:
    """A request to send one mail, or the mails of a bulk call.

    Attributes:
        parameters: The parameters of SendEmail, whichever operation brought them.
        operation: The operation, as the tag `ses:operation` names it.
        source: The sender as it is written.
        recipients: Their bare addresses.
        template: The name of the stored template; empty if there is none.
        is_raw: Whether the mail is raw; the IAM action is `ses:SendRawEmail` then.
    """

    parameters: Parameters
    operation: str
    source: str
    recipients: Sequence[str]
    template: str = ""
    is_raw: bool = False

    @property
    def action(self) -> str:
        """The IAM action without its prefix."""
        return "SendRawEmail" if self.is_raw else self.operation


def authorize(context: Context, sending: Sending, configuration_set: ConfigurationSet | None) -> None:
    """Check that the caller may send with every resource that the mail uses.

    Raises:
        SesError: A policy does not allow it (403).
    """
    action, p = sending.action, sending.parameters
    if action in _AUTHORIZED_BEFORE:
        return
    name, address = mime.named(sending.source)
    conditions: dict[str, object] = {
        "ses:apiversion": context.caller.api_version,
        "ses:tenantname": p.get("TenantName"),
        "ses:multiregionendpointid": p.get("EndpointId"),
    }
    if action not in _WITHOUT_ADDRESSES:
        conditions |= {
            "ses:fromaddress": address,
            "ses:recipients": list(sending.recipients),
            "ses:fromdisplayname": name or None,
            "ses:feedbackaddress": p.get("FeedbackForwardingEmailAddress"),
        }
    given = {key: value for key, value in conditions.items() if value is not None}
    resources = _resources(context, address, sending, configuration_set)
    denied = context.backend.access.denied(context.caller.access_key, f"ses:{action}", resources, given)
    if denied:
        who, resource = denied
        problem = f"User `{who}' is not authorized to perform `ses:{action}' on resource `{resource}'"
        raise SesError("AccessDeniedException", problem)


def _resources(
    context: Context, address: str, sending: Sending, configuration_set: ConfigurationSet | None
) -> list[str]:
    """The sender's identity, what else the mail uses, and in the sandbox the recipients' identities."""
    state, template = context.state, sending.template
    written = [address] if state.account.production_access else [address, *sending.recipients]
    real = [one for one in written if not rules.is_simulator(one)]
    covering = [next((i.name for i in rules.identities_of(one, state.identities)), one) for one in real]
    return [
        *(state.arn("identity", name) for name in dict.fromkeys(covering)),
        *([state.arn("configuration-set", configuration_set.name)] if configuration_set else []),
        *([state.arn("template", template)] if template else []),
    ]
