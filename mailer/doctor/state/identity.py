"""The identity, DKIM and MAIL FROM, as SES sees them."""

from typing import TYPE_CHECKING

from mailer.doctor.state.row import row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailer.doctor.site import Site
    from mailer.doctor.state.row import Row
    from mailer.stack import StackOutputs

PART = "identity"
_RECORDS = "publish the records that `mailer dns` shows; SES looks for them for 72 hours"
_AGAIN = "publish the records that `mailer dns` shows, then: aws sesv2 put-email-identity-"


def identity(site: "Site") -> "Iterator[Row]":
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html."""
    outputs = site.outputs
    found = site.read("sesv2", "get_email_identity", EmailIdentity=outputs.identity)
    verified = found.get("VerifiedForSendingStatus", False)
    status = found.get("VerificationStatus", "SUCCESS" if verified else "PENDING")
    then = _RECORDS if outputs.mail_from_domain else "follow the link in the mail that SES sent to it"
    yield row(PART, f"identity {outputs.identity}", status, "" if verified else then, verified=verified)
    if outputs.mail_from_domain and found.get("DkimAttributes"):
        yield _dkim(outputs, found["DkimAttributes"])
    if found.get("MailFromAttributes", {}).get("MailFromDomain"):
        yield _mail_from(outputs, found["MailFromAttributes"])


def _dkim(outputs: "StackOutputs", dkim: "Mapping[str, str]") -> "Row":
    status = dkim.get("Status", "NOT_STARTED")
    failed = (
        "publish the record that `mailer dns` shows, then deploy your key again"
        if dkim.get("SigningAttributesOrigin") == "EXTERNAL"
        else f"{_AGAIN}dkim-signing-attributes --email-identity {outputs.identity} "
        f"--signing-attributes-origin AWS_SES --region {outputs.region}"
    )
    then = {"SUCCESS": "", "PENDING": _RECORDS}.get(status, failed)
    return row(PART, "DKIM", status, then, verified=status == "SUCCESS")


def _mail_from(outputs: "StackOutputs", mail_from: "Mapping[str, str]") -> "Row":
    domain, failure = mail_from["MailFromDomain"], mail_from["BehaviorOnMxFailure"]
    status = mail_from["MailFromDomainStatus"]
    again = (
        f"{_AGAIN}mail-from-attributes --email-identity {outputs.identity} --mail-from-domain {domain} "
        f"--behavior-on-mx-failure {failure} --region {outputs.region}"
    )
    then = {"SUCCESS": "", "PENDING": _RECORDS, "TEMPORARY_FAILURE": _RECORDS}.get(status, again)
    meanwhile = {"REJECT_MESSAGE": "; until then SES refuses mail"}.get(failure, "") if then else ""
    state = f"{status} ({failure})"
    return row(PART, f"MAIL FROM {domain}", state, f"{then}{meanwhile}", verified=status == "SUCCESS")
