"""Options of a send besides its mail: identity ARNs, the feedback address, tracking."""

from mailstack_localcloud.ses import mime, rules
from mailstack_localcloud.ses.context import Context, Parameters
from mailstack_localcloud.ses.errors import SesError, bad_request, not_emulated, not_found

# The API's member for the ARN of an identity → the member for the address that the identity must cover.
_ARNS = {
    "FromEmailAddressIdentityArn": "FromEmailAddress",
    "FeedbackForwardingEmailAddressIdentityArn": "FeedbackForwardingEmailAddress",
}
# A member of TrackingConfigurationOverrides → the event that is not tracked then.
_TRACKED = {"OpenTrackingEnabled": "Open", "ClickTrackingEnabled": "Click"}


def check(context: Context, p: Parameters) -> None:
    """Check that named identities are this account's and cover their addresses, and that feedback may be forwarded.

    Raises:
        SesError: They do not, or they are another account's.
    """
    for name, address in _ARNS.items():
        if p.get(name):
            _check_arn(context, str(p[name]), mime.bare(str(p.get(address, ""))))
    feedback = p.get("FeedbackForwardingEmailAddress")
    if feedback and not rules.may_send(mime.bare(feedback), context.state.identities):
        raise SesError(
            "MessageRejected",
            "Email address is not verified. The following identities failed the check in region "
            f"{context.state.region.upper()}: {feedback}",
        )


def untracked(p: Parameters) -> list[str]:
    """The kinds of events that are not tracked for this mail."""
    tracking = p.get("ConfigurationOverrides", {}).get("Tracking", {})
    return [kind for member, kind in _TRACKED.items() if tracking.get(member) == "DISABLED"]


def _check_arn(context: Context, arn: str, address: str) -> None:
    state, name = context.state, arn.partition(":identity/")[2]
    if arn != state.arn("identity", name):
        raise not_emulated("Sending with the identity of another account or region")
    known = rules.identity_name(name)
    if known not in state.identities:
        raise not_found("Email identity", name)
    if address and known not in {i.name for i in rules.identities_of(address, state.identities)}:
        raise bad_request(f"Identity <{name}> does not cover {address}.")
