"""Steps about the life of the stack: account, deployment, drift, adoption of the identity, deletion."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mailer.doctor.site import code_of
from mailer.stack import StackOutputs
from tools.live.finding import Finding, Step, confirmed, judged, refuted
from tools.live.leftovers import leftovers
from tools.live.site import DNS_PATIENCE, SIMULATOR, Refused, Site
from tools.live.stack import LiveStack

if TYPE_CHECKING:
    from tools.live.site import Options

HEALTHY = "HEALTHY"


def settings(options: "Options", **more: object) -> dict[str, object]:
    """The settings of a stack of the live check: every part that costs nothing, and nothing that pages people."""
    given: dict[str, object] = {
        "aws:region": options.region,
        "mailstack:domain": options.domain,
        "mailstack:page": f"success@{SIMULATOR}",
        "mailstack:dmarc": {"policy": "none"},
        "mailstack:alarmPeriodSeconds": 60,
        "mailstack:messageLog": {"days": 1},
        "mailstack:access": {"bulk": True},
        "mailstack:logRetentionDays": 1,
        "mailstack:protect": False,
        "mailstack:tags": {"purpose": "live-check"},
        **more,
    }
    return {**given, **({"mailstack:zone": options.zone} if options.zone else {})}


def _identity(site: Site) -> "dict[str, Any] | None":
    """The identity in SES; None if there is none."""
    try:
        return site.client("sesv2").get_email_identity(EmailIdentity=site.options.domain)
    except ClientError as error:
        if "NotFound" in code_of(error):
            return None
        raise


def _account(site: Site) -> Finding:
    account = site.client("sesv2").get_account()
    if account["EnforcementStatus"] != HEALTHY or not account["SendingEnabled"]:
        status = account["EnforcementStatus"]
        raise Refused(f"SES does not let this account send: {status}. `aws sesv2 get-account` says more.")
    domain = site.options.domain
    if _identity(site):
        raise Refused(
            f"SES has an identity {domain} in this account. The live check changes nothing that exists: name a "
            f"subdomain that nobody uses, such as DOMAIN=live.{domain} ZONE={domain}."
        )
    place = "production" if account["ProductionAccessEnabled"] else "the sandbox, which is enough"
    rate = account["SendQuota"]["MaxSendRate"]
    return confirmed(f"The account sends, is in {place}, and may send {rate:g} mails a second.")


def _deploy(site: Site) -> Finding:
    site.created = site.stack.up()
    site.found = StackOutputs.model_validate(site.stack.outputs["outputs"])
    return confirmed(f"{site.created.create} resources were created.")


def _verified(site: Site) -> Finding:
    def look() -> bool:
        found = _identity(site) or {}
        dkim, mail_from = found.get("DkimAttributes", {}), found.get("MailFromAttributes", {})
        return dkim.get("Status") == mail_from.get("MailFromDomainStatus") == "SUCCESS"

    site.wait(look, f"SES has not verified DKIM and MAIL FROM of {site.options.domain}", DNS_PATIENCE)
    return confirmed("SES has verified the identity, DKIM and MAIL FROM.")


def _drift(site: Site) -> Finding:
    cloudwatch = site.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=f"{site.options.prefix}-")["MetricAlarms"]
    # CloudWatch deletes no alarm that is part of a composite alarm; those have no actions of their own.
    name = next(alarm["AlarmName"] for alarm in alarms if alarm["AlarmActions"])
    cloudwatch.delete_alarms(AlarmNames=[name])
    noticed, restored = site.stack.refresh(), site.stack.up()
    words = f"{name} was deleted; refresh noticed {noticed.delete}, up created {restored.create} and changed "
    words += f"{restored.update + restored.replace} others."
    changed = restored.update or restored.replace or restored.delete
    return judged(noticed.delete == restored.create == 1 and not changed, words)


def _adopt(site: Site) -> Finding:
    before = _identity(site)
    more = {"mailstack:adopt": True, "mailstack:watchAccount": False}
    name = f"{site.options.stack}-adopt"
    second = LiveStack(name, settings(site.options, **more), site.options)
    site.at_end.append(second.destroy)
    second.up()
    second.destroy()
    second.forget()
    site.at_end.remove(second.destroy)
    after = _identity(site)
    if not (before and after):
        return refuted("The identity was deleted together with the stack that had adopted it.")
    parts = ("DkimAttributes", "MailFromAttributes", "VerificationStatus", "FeedbackForwardingStatus")
    changed = [part for part in parts if before.get(part) != after.get(part)]
    words = f"changed {', '.join(changed)}" if changed else "changed nothing of it"
    return judged(not changed, f"A second stack adopted the identity, was destroyed, and {words}.")


def destroy(site: Site) -> Finding:
    """Delete the stack, and look for what is left."""
    deleted = site.stack.destroy()
    site.stack.forget()
    found = [*leftovers(site), *([f"identity {site.options.domain}"] if _identity(site) else [])]
    if found:
        return refuted(f"{deleted.delete} resources were deleted; these are left: {', '.join(found)}.")
    return confirmed(f"{deleted.delete} resources were deleted, and nothing is left but a key that AWS deletes later.")


BEGIN = (
    Step("account", "The account may send, and the domain has no identity in it.", _account, needs=()),
    Step("deploy", "`pulumi up` creates the stack.", _deploy, needs=("account",)),
    Step("verified", "SES finds the DNS records.", _verified),
)
END = (
    Step("drift", "`pulumi refresh` notices a deleted alarm, and `pulumi up` restores it.", _drift),
    Step("adopt", "A second stack adopts the identity and leaves it as it was.", _adopt, needs=("verified",)),
    Step("destroy", "`pulumi destroy` leaves nothing.", destroy),
)
