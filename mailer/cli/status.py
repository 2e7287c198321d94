"""The state of a stack in AWS, and what is left to do: identity, MAIL FROM, sandbox, paused streams, pagers."""

from typing import TYPE_CHECKING, NamedTuple

from mailer.cli.stack import client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailer.stack import StackOutputs

# https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html
_UNCONFIRMED = {"PendingConfirmation", "Deleted"}


class Finding(NamedTuple):
    """One row of the report.

    Attributes:
        what: What was checked.
        state: Its state, in AWS's words where AWS has some.
        then: What to do next; empty if there is nothing to do.
    """

    what: str
    state: str
    then: str = ""


def of(outputs: "StackOutputs") -> "Iterator[Finding]":
    """All rows, in the order in which mail needs them. The state is unknown if AWS refuses a call."""
    from botocore.exceptions import BotoCoreError, ClientError

    looks: tuple[tuple[str, Callable[[StackOutputs], Iterator[Finding]]], ...] = (
        ("identity", _identity),
        ("account", _account),
        ("streams", _streams),
        ("pagers", _pagers),
    )
    for what, look in looks:
        try:
            yield from look(outputs)
        except ClientError as error:
            yield Finding(what, f"unknown ({error.response.get('Error', {}).get('Code', '')})")
        except BotoCoreError as error:
            yield Finding(what, f"unknown ({error})")
            return  # no credentials or no network: the other calls would fail, too


def _identity(outputs: "StackOutputs") -> "Iterator[Finding]":
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html."""
    name, region = outputs.identity, outputs.region
    found = client("sesv2", region).get_email_identity(EmailIdentity=name)
    records = "publish the records that `mailer dns` shows; SES looks for them for 72 hours"
    verified = found.get("VerifiedForSendingStatus", False)
    yield Finding(
        f"identity {name}",
        found.get("VerificationStatus", "SUCCESS" if verified else "PENDING"),
        "" if verified else records if outputs.mail_from_domain else "follow the link in the mail that SES sent to it",
    )
    dkim = found.get("DkimAttributes", {})
    if outputs.mail_from_domain and dkim:
        again = (
            f"publish the records that `mailer dns` shows, then: aws sesv2 put-email-identity-dkim-signing-attributes "
            f"--email-identity {name} --signing-attributes-origin AWS_SES --region {region}"
        )
        status = dkim.get("Status", "NOT_STARTED")
        own = dkim.get("SigningAttributesOrigin") == "EXTERNAL"
        failed = "publish the record that `mailer dns` shows, then deploy your key again" if own else again
        yield Finding("DKIM", status, {"SUCCESS": "", "PENDING": records}.get(status, failed))
    mail_from = found.get("MailFromAttributes")
    if mail_from and mail_from.get("MailFromDomain"):
        domain, failure = mail_from["MailFromDomain"], mail_from["BehaviorOnMxFailure"]
        again = (
            f"publish the records that `mailer dns` shows, then: aws sesv2 put-email-identity-mail-from-attributes "
            f"--email-identity {name} --mail-from-domain {domain} --behavior-on-mx-failure {failure} --region {region}"
        )
        status = mail_from["MailFromDomainStatus"]
        then = {"SUCCESS": "", "PENDING": records, "TEMPORARY_FAILURE": records}.get(status, again)
        meanwhile = {"REJECT_MESSAGE": "; until then SES refuses mail"}.get(failure, "") if then else ""
        yield Finding(f"MAIL FROM {domain}", f"{status} ({failure})", f"{then}{meanwhile}")


def _account(outputs: "StackOutputs") -> "Iterator[Finding]":
    account = client("sesv2", outputs.region).get_account()
    sandbox = (
        "mail goes to verified recipients and to the mailbox simulator alone. Verify one: "
        f"aws sesv2 create-email-identity --email-identity RECIPIENT --region {outputs.region}. "
        "Or ask AWS for production access."
    )
    out = account["ProductionAccessEnabled"]
    yield Finding("sandbox", "no" if out else "yes", "" if out else sandbox)
    if not account["SendingEnabled"]:
        yield Finding(
            "sending of the account", "disabled", "docs/guides/monitoring.md, 'Enforcement, sending disabled'"
        )


def _streams(outputs: "StackOutputs") -> "Iterator[Finding]":
    ses = client("sesv2", outputs.region)
    for name, stream in outputs.streams.items():
        options = ses.get_configuration_set(ConfigurationSetName=stream.configuration_set)["SendingOptions"]
        sends = options["SendingEnabled"]
        resume = f"remove the cause, then: mailer resume {name} --stack {outputs.stack}"
        yield Finding(f"stream {name}", "sends" if sends else "paused", "" if sends else resume)


def _pagers(outputs: "StackOutputs") -> "Iterator[Finding]":
    pages = client("sns", outputs.region).get_paginator("list_subscriptions_by_topic")
    confirmed = 0
    for page in pages.paginate(TopicArn=outputs.paging_topic_arn):
        for subscription in page["Subscriptions"]:
            waits = subscription["SubscriptionArn"] in _UNCONFIRMED
            confirmed += not waits
            link = "follow the link in the mail from no-reply@sns.amazonaws.com within 48 hours of the deployment"
            yield Finding(
                f"pager {subscription['Endpoint']}", "unconfirmed" if waits else "confirmed", link if waits else ""
            )
    if not confirmed:
        yield Finding(
            "pagers",
            "nobody is paged",
            "SNS deletes subscriptions that nobody confirms within 48 hours: `pulumi up --refresh` subscribes again",
        )
