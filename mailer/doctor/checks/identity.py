"""The identity as SES sees it, and its records as the DNS has them."""

from typing import TYPE_CHECKING, Any

from mailer.doctor.check import Check, Problem
from mailer.doctor.inconclusive import NotApplicable, Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailer.dnscheck.check import Report
    from mailer.doctor.site import Site

_PAGE = "docs/guides/dns.md"
_RECORDS = "publish the records that `mailer dns` shows; SES looks for them for 72 hours"


def _found(site: "Site") -> dict[str, Any]:
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html."""
    name = site.outputs.identity
    return site.owned("identity", f"The SES identity {name}", "sesv2", "get_email_identity", EmailIdentity=name)


def _identity(site: "Site") -> "Iterator[Problem]":
    found = _found(site)
    if not found.get("VerifiedForSendingStatus", False):
        is_domain = bool(site.outputs.mail_from_domain)
        yield Problem(
            f"SES has not verified {site.outputs.identity}: {found.get('VerificationStatus', 'PENDING')}.",
            _RECORDS if is_domain else "follow the link in the mail that SES sent to it",
        )


def _dkim(site: "Site") -> "Iterator[Problem]":
    dkim = _found(site).get("DkimAttributes", {})
    if not site.outputs.mail_from_domain:
        raise NotApplicable("a single address is signed by its domain's owner")
    if not dkim.get("SigningEnabled"):
        yield Problem(
            "DKIM signing is off: mail leaves unsigned.",
            "aws sesv2 put-email-identity-dkim-attributes --signing-enabled --email-identity "
            f"{site.outputs.identity} --region {site.outputs.region}",
        )
        return
    status = dkim.get("Status", "NOT_STARTED")
    if status == "SUCCESS":
        return
    again = (
        f"{_RECORDS}; then: aws sesv2 put-email-identity-dkim-signing-attributes --email-identity "
        f"{site.outputs.identity} --signing-attributes-origin AWS_SES --region {site.outputs.region}"
    )
    own = dkim.get("SigningAttributesOrigin") == "EXTERNAL"
    failed = "publish the record that `mailer dns` shows, then deploy your key again" if own else again
    yield Problem(f"The state of DKIM is {status}.", _RECORDS if status == "PENDING" else failed)


def _mail_from(site: "Site") -> "Iterator[Problem]":
    if not site.outputs.mail_from_domain:
        raise NotApplicable("a single address has no MAIL FROM domain")
    attributes = _found(site).get("MailFromAttributes", {})
    domain, behaviour = attributes.get("MailFromDomain", ""), attributes.get("BehaviorOnMxFailure", "")
    again = (
        f"aws sesv2 put-email-identity-mail-from-attributes --email-identity {site.outputs.identity} "
        f"--mail-from-domain {site.outputs.mail_from_domain} "
        f"--behavior-on-mx-failure {behaviour or 'USE_DEFAULT_VALUE'} --region {site.outputs.region}"
    )
    if domain != site.outputs.mail_from_domain:
        yield Problem(f"The MAIL FROM domain is {domain or 'not set'}, not {site.outputs.mail_from_domain}.", again)
    elif (status := attributes.get("MailFromDomainStatus", "")) != "SUCCESS":
        refused = behaviour == "REJECT_MESSAGE"
        yield Problem(
            f"The state of MAIL FROM {domain} is {status}{'; until then SES refuses mail' if refused else ''}.",
            f"{_RECORDS}; then: {again}" if status == "FAILED" else _RECORDS,
            warning=not refused,
        )


def _forwarding(site: "Site") -> "Iterator[Problem]":
    """Feedback by mail, beside that by events: somebody's mailbox fills with bounces."""
    if _found(site).get("FeedbackForwardingStatus"):
        yield Problem(
            "SES forwards bounces and complaints by mail, too.",
            f"aws sesv2 put-email-identity-feedback-attributes --no-email-forwarding-enabled --email-identity "
            f"{site.outputs.identity} --region {site.outputs.region}",
            warning=True,
        )


def report_of(site: "Site") -> "Report":
    """The state of the stack's records, asked for once.

    Raises:
        NotApplicable: dnspython is not installed, or the stack has no records.
    """
    from mailer.dnscheck.check import check

    if site.ask is None:
        from mailer.install import install_command

        raise NotApplicable(f"it needs dnspython: {install_command('dns')}")
    if not site.outputs.dns_records:
        raise NotApplicable("the stack has no records")
    ask = site.ask
    return site.once("dns", lambda: check(site.outputs, ask))


def _records(kind: str) -> "Callable[[Site], Iterator[Problem]]":
    """A check of the records of one kind."""

    def look(site: "Site") -> "Iterator[Problem]":
        from mailer.dnscheck.verdict import Status

        fitting = [one for one in report_of(site).findings if kind_of(one.record.name, one.record.values[0]) == kind]
        if not fitting:
            raise NotApplicable("the stack has no such record")
        bad = [one for one in fitting if one.status not in {Status.PUBLISHED, Status.NOT_NEEDED}]
        for finding in bad:
            if finding.status is not Status.UNKNOWN:
                yield Problem(
                    f"{finding.record.type} {finding.record.name} is {finding.status}.",
                    f"{finding.advice} Wanted and found: mailer dns --stack {site.outputs.stack} --check",
                )
        if bad and all(one.status is Status.UNKNOWN for one in bad):
            raise Unanswered(bad[0].advice)

    return look


def kind_of(name: str, value: str) -> str:
    """Which kind of record it is: dkim, spf, dmarc, report, bimi or mx."""
    if "._domainkey." in name:
        return "dkim"
    if "._report._dmarc." in name:
        return "report"
    if "._bimi." in name:
        return "bimi"
    text = value.lower()
    return "dmarc" if text.startswith("v=dmarc1") else "spf" if text.startswith("v=spf1") else "mx"


def _domain(site: "Site") -> "Iterator[Problem]":
    """What else in the domain's records keeps mail from arriving."""
    report = report_of(site)
    yield from (Problem(text, "docs/guides/dns.md", warning=True) for text in report.warnings)


CHECKS = (
    Check("identity", "SES sends only from verified identities.", _PAGE, _identity),
    Check("dkim", "Gmail, Yahoo and Outlook reject bulk mail without a valid DKIM signature.", _PAGE, _dkim),
    Check("mail-from", "Bounces go to the MAIL FROM domain, and SPF is checked there.", _PAGE, _mail_from),
    Check("forwarding", "Feedback has one way in, the event topic.", "docs/guides/feedback.md", _forwarding),
    Check(
        "dkim-records",
        "SES verifies the domain by these records, again and again.",
        _PAGE,
        _records("dkim"),
        needs="dns",
    ),
    Check("mx-record", "Without the MX record SES gives up the MAIL FROM domain.", _PAGE, _records("mx"), needs="dns"),
    Check("spf-record", "SPF names the servers that may send for the domain.", _PAGE, _records("spf"), needs="dns"),
    Check("dmarc-record", "DMARC says what to do with mail that fails.", _PAGE, _records("dmarc"), needs="dns"),
    Check("report-record", "Another domain must agree to receive reports.", _PAGE, _records("report"), needs="dns"),
    Check("domain", "Records beside the stack's own can stop its mail.", _PAGE, _domain, needs="dns"),
)
