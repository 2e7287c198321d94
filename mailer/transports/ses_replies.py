"""What SES, IAM and the network answer, and which error of ours each is: a table, and how it is read.

Not for deciding about retries: that stands with the classes, in `mailer.errors`.
"""

import re
from dataclasses import asdict, dataclass

from mailer.address import mask
from mailer.errors import (
    AccessDenied,
    AccountSuspended,
    ConfigurationError,
    CredentialsInvalid,
    CredentialsMissing,
    CredentialsUnavailable,
    IdentityNotVerified,
    OutcomeUnknown,
    QuotaExceeded,
    Refused,
    ResourceNotFound,
    SendingPaused,
    Throttled,
    TransportError,
    Unreachable,
)
from mailer.wire.errors import AnswerLost, CannotAsk, CredentialsFailed, NotWritten, ServiceError, WireError


@dataclass(frozen=True, slots=True)
class Reply:
    """One row: an answer and what it means.

    Attributes:
        codes: AWS's error codes.
        error: Our class.
        cause: Why, one sentence.
        hint: What to do next; `{configuration_set}`, `{tenant}`, `{region}` and `{policy}` are filled in.
        containing: Regular expression that the service's own message must match, ignoring case.
    """

    codes: tuple[str, ...]
    error: type[TransportError]
    cause: str
    hint: str
    containing: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What hints are filled in with."""

    configuration_set: str
    region: str
    policy: str
    tenant: str = ""


# The first row that fits decides. Codes: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html and
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
REPLIES = (
    Reply(
        ("MessageRejected",),
        IdentityNotVerified,
        "The sender's identity is not verified in this region; in the SES sandbox a recipient's must be, too.",
        "Deploy the stack and wait until SES finds its DNS records; in the sandbox, verify the recipient or ask AWS "
        "for production access (region {region}).",
        containing="not verified",
    ),
    Reply(
        ("MailFromDomainNotVerifiedException",),
        IdentityNotVerified,
        "SES does not find the records of the MAIL FROM domain.",
        "Check its MX and TXT records: `mailer stack` lists them.",
    ),
    Reply(
        ("SendingPausedException", "TenantSendingPausedException"),
        SendingPaused,
        "Sending is paused for the tenant {tenant}.",
        "Find the reason first: `aws sesv2 get-tenant --tenant-name {tenant} --region {region}` shows its ARN, "
        "`list-recommendations` SES's findings. When it is mended: aws sesv2 "
        "update-reputation-entity-customer-managed-status --reputation-entity-type RESOURCE "
        "--reputation-entity-reference ARN --sending-status ENABLED --region {region}",
        containing="tenant",
    ),
    Reply(
        ("SendingPausedException", "ConfigurationSetSendingPausedException"),
        SendingPaused,
        "Sending is paused for the configuration set {configuration_set}, or for the whole account.",
        "Find the reason first: the alarm that paused it, its bounces or complaints. When that is mended: aws sesv2 "
        "put-configuration-set-sending-options --configuration-set-name {configuration_set} --sending-enabled "
        "--region {region}",
    ),
    Reply(
        ("MessageRejected",),
        SendingPaused,
        "Sending is paused for the whole account.",
        "Find the reason first; when it is mended: aws sesv2 put-account-sending-attributes --sending-enabled "
        "--region {region}",
        containing="sending (is )?(paused|disabled)",
    ),
    Reply(
        ("AccountSuspendedException", "AccountSendingPausedException"),
        AccountSuspended,
        "AWS stopped this account from sending.",
        "Read the notice in the SES console and AWS Health, mend the cause, and answer AWS's support case.",
    ),
    Reply(
        ("TooManyRequestsException", "LimitExceededException", "Throttling", "ThrottlingException"),
        QuotaExceeded,
        "The quota of the last 24 hours is used up; it counts recipients.",
        "Wait, or ask AWS for a higher quota: `aws sesv2 get-account --region {region}` shows it.",
        containing="daily|24.?hour",
    ),
    Reply(
        ("TooManyRequestsException", "Throttling", "ThrottlingException", "RequestThrottled", "SlowDown"),
        Throttled,
        "More recipients a second than the account's rate allows.",
        "Send more slowly, or ask AWS for a higher rate: `aws sesv2 get-account --region {region}` shows it.",
    ),
    Reply(
        ("LimitExceededException",),
        QuotaExceeded,
        "A limit of the account is reached.",
        "See https://docs.aws.amazon.com/ses/latest/dg/quotas.html and ask AWS to raise it.",
    ),
    Reply(
        ("NotFoundException",),
        ResourceNotFound,
        "There is no tenant {tenant} in {region}.",
        "Add it to mailstack:tenants and deploy, or make it as the documentation of sending says.",
        containing="tenant",
    ),
    Reply(
        ("AccessDeniedException", "BadRequestException"),
        Refused,
        "The tenant {tenant} may not use the identity or the configuration set {configuration_set}.",
        "Name the stream at the tenant in mailstack:tenants, and deploy.",
        containing="tenant not associated|not associated with tenant",
    ),
    Reply(
        ("NotFoundException",),
        ResourceNotFound,
        "The configuration set {configuration_set} is not in {region}, or something else that the request names.",
        "Deploy the stack, and check that its outputs are those of this region and account.",
    ),
    Reply(
        ("AccessDeniedException", "AccessDenied", "NotAuthorized"),
        AccessDenied,
        "The role may not send from this identity with this configuration set; a policy must name both.",
        "Attach the stack's sender policy to the role: {policy}",
    ),
    Reply(
        ("ExpiredTokenException", "ExpiredToken", "RequestExpired"),
        CredentialsInvalid,
        "The AWS credentials have expired.",
        "Renew them (`aws sso login`, or a new session), then send again.",
    ),
    Reply(
        (
            *(
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                "SignatureDoesNotMatch",
                "InvalidSignatureException",
            ),
            *("IncompleteSignature", "MissingAuthenticationTokenException", "OptInRequired"),
        ),
        CredentialsInvalid,
        "AWS credentials are missing or wrong.",
        "Check AWS_PROFILE, AWS_REGION and the role; `aws sts get-caller-identity` shows what is used.",
    ),
    Reply(
        ("MessageRejected",),
        Refused,
        "SES refuses the content.",
        "Read SES's words above; unsupported attachments and malware end here.",
    ),
    Reply(
        ("BadRequestException", "ValidationException"),
        Refused,
        "SES does not take a parameter as it stands.",
        "Read SES's words above; the message was not sent.",
    ),
)

# What ends without an answer of AWS's. The first class that fits decides.
ENDINGS: dict[type[WireError], Reply] = {
    CannotAsk: Reply(
        (),
        CredentialsMissing,
        "There are no AWS credentials, so nothing was sent.",
        "Give the process a role, or set AWS_PROFILE; `aws sts get-caller-identity` shows what is used.",
    ),
    CredentialsFailed: Reply(
        (),
        CredentialsUnavailable,
        "The source of the AWS credentials failed, so nothing was sent.",
        "If it lasts, check the role, the instance metadata service or the SSO session: `aws sts get-caller-identity`.",
    ),
    NotWritten: Reply(
        (),
        Unreachable,
        "SES was not reached, so nothing was sent.",
        "Check the network, a proxy and the region ({region}), then send again.",
    ),
    AnswerLost: Reply(
        (),
        OutcomeUnknown,
        "The request was written and SES's answer never came, or cannot be read: the message may or may not "
        "have been accepted.",
        "Do not send it again blindly; look for its Send event.",
    ),
}
# Answers without a code of AWS's, by HTTP status: those of proxies, gateways and load balancers, most of them.
# RFC 9110 §15.5 and RFC 6585 §4. What is not here was refused below 500, and is unknown from there on.
STATUSES: dict[int, Reply] = {
    407: ENDINGS[NotWritten],
    408: Reply((), Throttled, "Something on the way did not wait for the request.", "Send more slowly."),
    429: Reply((), Throttled, "Something on the way takes no more requests just then.", "Send more slowly."),
}
_BELOW_REFUSALS, _SERVER_ERROR = 400, 500
_UNNAMED_SERVER_ERROR = Reply((), OutcomeUnknown, "SES failed while it handled the request.", ENDINGS[AnswerLost].hint)
_UNNAMED = Reply((), Refused, "SES refuses the message.", "Read SES's words above; the message was not sent.")
_ADDRESS = re.compile(r"[^\s<>,;:\"'()\[\]]+@[^\s<>,;:\"'()\[\]]+")


def classify(error: WireError, context: Context) -> TransportError | ConfigurationError:
    """The error of ours that a failed `SendEmail` is, with AWS's own words and every address in them masked.

    Example:
        >>> from mailer.wire.errors import ServiceError
        >>> error = ServiceError("TooManyRequestsException", "Maximum sending rate exceeded.", 429)
        >>> classify(error, Context("set", "eu-west-1", "arn:...")).retryable
        True
    """
    code, words = "", str(error)
    if isinstance(error, ServiceError):
        code, words = error.code, error.words
        row = _row(error)
    elif isinstance(error, CannotAsk) and not error.is_about_credentials:
        return ConfigurationError(
            f"SES cannot be asked: {words}.", hint="Check AWS_ENDPOINT_URL, AWS_REGION, AWS_CA_BUNDLE and AWS_PROFILE."
        )
    else:
        row = next(row for kind, row in ENDINGS.items() if isinstance(error, kind))
    names = asdict(context)
    said = _ADDRESS.sub(lambda found: mask(found[0]), words).strip()
    message = f"{row.cause.format(**names)} {f'{code}: ' if code else ''}{said}".rstrip(": ")
    return row.error(message, hint=row.hint.format(**names), code=code)


def _row(error: ServiceError) -> Reply:
    for row in REPLIES:
        if error.code in row.codes and re.search(row.containing, error.words, re.IGNORECASE):
            return row
    if error.status in STATUSES:
        return STATUSES[error.status]
    return _UNNAMED if _BELOW_REFUSALS <= error.status < _SERVER_ERROR else _UNNAMED_SERVER_ERROR
