"""What SES, IAM and the network answer, and which error of ours each is: a table, and how it is read.

Not for deciding about retries: the classes in `mailer.errors` do.
"""

import re
from dataclasses import asdict, dataclass

from mailer.errors import (
    AccessDenied,
    AccountSuspended,
    ClockSkewed,
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
    TemporaryFailure,
    Throttled,
    TransportError,
    Unreachable,
)
from mailer.redaction import mask_all
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


# Rows are grouped by what is wrong; the first that fits decides. Codes:
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html,
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html, and those of the first version of the API:
# https://docs.aws.amazon.com/ses/latest/APIReference/API_SendEmail.html. Words, which no reference promises: (T)
# https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html, (Q) manage-sending-quotas-errors.html
# there, and (R) public reports.
_SIGNATURE = ("SignatureDoesNotMatch", "InvalidSignatureException", "InvalidSignature", "AuthFailure")
_DENIED = ("AccessDeniedException", "AccessDenied", "NotAuthorized", "UnauthorizedOperation")
_THROTTLED = (
    *("TooManyRequestsException", "TooManyRequests", "Throttling", "ThrottlingException", "ThrottledException"),
    *("RequestThrottled", "RequestThrottledException", "RequestLimitExceeded", "SlowDown", "BandwidthLimitExceeded"),
)
_INVALID = (
    *("BadRequestException", "ValidationException", "ValidationError", "InvalidInputException"),
    *("InvalidParameterValue", "InvalidParameterCombination", "MissingParameter", "MalformedQueryString"),
)
_ACCOUNT = "aws sesv2 put-account-sending-attributes --sending-enabled --region {region}"

_IDENTITIES = (
    Reply(
        ("MessageRejected",),
        IdentityNotVerified,
        "The sender's identity is not verified in this region; in the SES sandbox a recipient's must be, too.",
        "Deploy the stack and wait until SES finds its DNS records; in the sandbox, verify the recipient or ask AWS "
        "for production access (region {region}).",
        containing="not verified",  # T
    ),
    Reply(
        ("MailFromDomainNotVerifiedException", "MailFromDomainNotVerified"),
        IdentityNotVerified,
        "SES does not find the records of the MAIL FROM domain.",
        "Check its MX and TXT records: `mailer dns --check`.",
    ),
)
_PAUSES = (
    Reply(
        ("AccountSuspendedException", "AccountSuspended"),
        AccountSuspended,
        "AWS suspended sending for this account.",
        "Read the notice in the SES console and AWS Health, fix the cause, and answer AWS's support case.",
    ),
    Reply(
        # R: "Sending suspended for this account. For more information, please check the inbox …"; of late "paused".
        ("MessageRejected", "SendingPausedException", *_DENIED),
        AccountSuspended,
        "AWS suspended sending for this account.",
        "Read AWS's mail to the address of the AWS account, fix the cause, and answer the support case: `aws sesv2 "
        "get-account --region {region}` shows EnforcementStatus.",
        containing="suspended for this account|account (is|has been) (suspended|shut ?down)|check the inbox",
    ),
    Reply(
        ("SendingPausedException", "TenantSendingPausedException"),
        SendingPaused,
        "Sending is paused for the tenant {tenant}.",
        "Find the reason first: `aws sesv2 get-tenant --tenant-name {tenant} --region {region}` shows its ARN, "
        "`list-recommendations` SES's findings. When it is fixed: aws sesv2 "
        "update-reputation-entity-customer-managed-status --reputation-entity-type RESOURCE "
        "--reputation-entity-reference ARN --sending-status ENABLED --region {region}",
        containing="tenant",
    ),
    Reply(
        ("AccountSendingPausedException", "AccountSendingPaused"),
        SendingPaused,
        "Sending is paused for the whole account.",
        f"Find the reason first; when it is fixed: {_ACCOUNT}",
    ),
    Reply(
        ("MessageRejected", "SendingPausedException"),
        SendingPaused,
        "Sending is paused for the whole account.",
        "Find the reason first: `aws sesv2 get-account --region {region}` shows whether AWS paused it "
        f"(EnforcementStatus SHUTDOWN: answer the support case) or somebody did. When it is fixed: {_ACCOUNT}",
        containing="account is paused|(paused|disabled) for (this|your|the( whole| entire)?) account|"  # T, R
        "sending (is )?(currently )?(paused|disabled) for (this|your) account",
    ),
    Reply(
        ("SendingPausedException", "ConfigurationSetSendingPausedException", "ConfigurationSetSendingPaused"),
        SendingPaused,
        "Sending is paused for the configuration set {configuration_set}, or for the whole account.",
        "Find the reason first: the alarm that paused it, its bounces or complaints. When that is fixed: `mailer "
        "resume STREAM`, which resets the alarms, too, or aws sesv2 "
        "put-configuration-set-sending-options --configuration-set-name {configuration_set} --sending-enabled "
        f"--region {{region}}; for the account: {_ACCOUNT}",
    ),
    Reply(
        ("MessageRejected",),
        SendingPaused,
        "Sending is paused.",
        "Find the reason first: `aws sesv2 get-account --region {region}` and `aws sesv2 get-configuration-set "
        "--configuration-set-name {configuration_set} --region {region}` show what is paused.",
        containing="sending (is |has been )?(currently )?(paused|disabled)|is paused",
    ),
)
_LIMITS = (
    Reply(
        (*_THROTTLED, "LimitExceededException"),
        QuotaExceeded,
        "The quota of the last 24 hours is used up; it counts recipients.",
        "Wait, or ask AWS for a higher quota: `aws sesv2 get-account --region {region}` shows it.",
        containing="daily|24.?hour",  # Q
    ),
    Reply(
        _THROTTLED,
        Throttled,
        "More recipients a second than the account's rate allows.",
        "Send more slowly, or ask AWS for a higher rate: `aws sesv2 get-account --region {region}` shows it.",
    ),
    Reply(
        ("LimitExceededException", "LimitExceeded"),
        QuotaExceeded,
        "A limit of the account is reached.",
        "See https://docs.aws.amazon.com/ses/latest/dg/quotas.html and ask AWS to raise it.",
    ),
)
_RESOURCES = (
    Reply(
        ("NotFoundException",),
        ResourceNotFound,
        "There is no tenant {tenant} in {region}.",
        "Add it to mailstack:tenants and deploy, or create it by hand: docs/guides/tenants.md.",
        containing="tenant",
    ),
    Reply(
        (*_DENIED, *_INVALID),
        Refused,
        "The tenant {tenant} may not use the identity or the configuration set {configuration_set}.",
        "Name the stream at the tenant in mailstack:tenants, and deploy.",
        containing="tenant not associated|not associated with tenant",
    ),
    Reply(
        ("NotFoundException", "ConfigurationSetDoesNotExistException", "ConfigurationSetDoesNotExist"),
        ResourceNotFound,
        "The configuration set {configuration_set} is not in {region}, or something else that the request names.",
        "Deploy the stack, and check that its outputs are those of this region and account.",
    ),
)
_ACCESS = (
    Reply(
        _DENIED,
        AccessDenied,
        "A policy denies it explicitly.",
        "Find the Deny that AWS's words name: in a service control policy, a permissions boundary, the VPC endpoint's "
        "policy or the identity's own.",
        containing="explicit deny",
    ),
    Reply(
        _DENIED,
        AccessDenied,
        "In the SES sandbox the role must also be allowed to use the recipient's identity, and no policy names it.",
        "Deploy the stack again: its sender policy ({policy}) allows every identity. Or ask AWS for production access "
        "(region {region}). A role that has this policy may be refused for its From address, too: see "
        "mailstack:allowedSenders.",
        # An identity that is an address: in the sandbox IAM is evaluated on those of recipients.
        containing=r"on resource\b[^@]{0,300}:identity/[^'`\s@]{1,128}@",
    ),
    Reply(
        _DENIED,
        AccessDenied,
        "The role may not send content that is raw MIME.",
        "The stack's sender policy ({policy}) allows it only with: pulumi config set --path mailstack:access.raw true",
        containing="ses:SendRawEmail",
    ),
    Reply(
        _DENIED,
        AccessDenied,
        "The role may not send in bulk.",
        "The stack's sender policy ({policy}) allows it only with: pulumi config set --path mailstack:access.bulk true",
        containing="ses:SendBulk",
    ),
    Reply(
        _DENIED,
        AccessDenied,
        "The role may not send from this address with this identity and this configuration set.",
        "Attach the stack's sender policy to the role: {policy}. If the role has it, a condition refuses the mail, and "
        "AWS does not say which: the From address must be among mailstack:allowedSenders, letter case included (unless "
        "set, the stack's sender alone); each recipient must be among mailstack:allowedRecipients, if those are set.",
    ),
    Reply(
        ("OptInRequired", "SubscriptionRequiredException"),
        AccessDenied,
        "The account has not subscribed to SES, or has not enabled the region {region}.",
        "Enable the region in the account's settings, and finish the account's registration.",
    ),
)
_CREDENTIALS = (
    Reply(
        (*_SIGNATURE, *_DENIED, "IncompleteSignature"),
        ClockSkewed,
        "The clock of this machine is wrong: AWS accepts signatures for five minutes.",
        "Set the clock (chrony, systemd-timesyncd, or the host's time synchronisation), then send again.",
        # R: "Signature expired: … is now earlier than … (… - 5 min.)", "Signature not yet current: …"
        containing="signature (has )?expired|not yet current|too skewed|is now (earlier|later) than",
    ),
    Reply(
        ("RequestTimeTooSkewed", "RequestInTheFuture", "RequestExpired"),
        ClockSkewed,
        "The clock of this machine is wrong: the date of the request differs too much from AWS's.",
        "Set the clock (chrony, systemd-timesyncd, or the host's time synchronisation), then send again.",
    ),
    Reply(
        _SIGNATURE,
        CredentialsInvalid,
        "The request is signed for another region or service than its endpoint's; the stack is in {region}.",
        "Check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SESV2 and the profile's endpoint_url.",
        containing="credential should be scoped",  # R
    ),
    Reply(
        ("ExpiredTokenException", "ExpiredToken", "TokenRefreshRequired"),
        CredentialsInvalid,
        "The AWS credentials have expired.",
        "Renew them (`aws sso login`, or a new session), then send again.",
    ),
    Reply(
        ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidToken"),
        CredentialsInvalid,
        "The AWS credentials have expired.",
        "Renew them (`aws sso login`, or a new session), then send again.",
        containing="expired",
    ),
    Reply(
        _SIGNATURE,
        CredentialsInvalid,
        "The secret access key does not belong to the access key id, or something on the way changed the request.",
        "Check both keys, without spaces around them; a proxy must leave headers and body alone.",
    ),
    Reply(
        (
            *("UnrecognizedClientException", "InvalidClientTokenId", "InvalidToken", "InvalidAccessKeyId"),
            *("IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken"),
            *("MissingAuthenticationTokenException", "NotAuthorizedException"),
        ),
        CredentialsInvalid,
        "AWS credentials are missing or wrong.",
        "Check AWS_PROFILE, AWS_REGION and the role; `aws sts get-caller-identity` shows what is used.",
    ),
)
_CONTENTS = (
    Reply(
        ("MessageRejected",),
        Refused,
        "A recipient is on the account's or the global suppression list of SES.",
        "`aws sesv2 get-suppressed-destination --email-address ADDRESS --region {region}` shows the account's list; an "
        "address leaves the global one by itself, within 14 days.",
        containing="blacklisted|suppression list",
    ),
    Reply(
        ("MessageRejected", *_INVALID),
        Refused,
        "SES does not allow attachments of this type.",
        "See https://docs.aws.amazon.com/ses/latest/dg/mime-types.html; send it in a .zip file, or a link to it.",
        containing="file type|attachment|file extension",
    ),
    Reply(
        ("MessageRejected", "RequestEntityTooLarge", "RequestEntityTooLargeException", "413", *_INVALID),
        Refused,
        "The message is larger than SES allows: 40 MB with attachments in base64.",
        "Send a link to the file instead.",
        containing="message length|too (large|long|big)|larger than|exceed.{0,40}(size|bytes)",
    ),
    Reply(
        ("MessageRejected",),
        Refused,
        "SES refuses the content.",
        "Read the reply of SES above; SES rejects unsupported attachments and malware.",
    ),
    Reply(
        _INVALID,
        Refused,
        "SES rejected one of the addresses.",
        "Read the reply of SES above and correct the address; the message was not sent.",
        # R: "Local address contains control or whitespace", "Missing final '@domain'", "Illegal address", "Missing
        # domain", "Domain contains illegal character", "Invalid email address"
        containing="address|@domain|missing domain|domain (contains|starts|ends|name)",
    ),
    Reply(
        _INVALID,
        Refused,
        "SES rejected a parameter.",
        "Read the reply of SES above; the message was not sent.",
    ),
)
REPLIES = (
    *(*_IDENTITIES, *_PAUSES, *_LIMITS, *_RESOURCES),
    # Before access: AWS answers a skewed clock with a denial, too.
    *(*_CREDENTIALS, *_ACCESS, *_CONTENTS),
)

# What ends without an answer of AWS's. The first class that fits decides.
ENDINGS: dict[type[WireError], Reply] = {
    CannotAsk: Reply(
        (),
        CredentialsMissing,
        "No AWS credentials were found, so nothing was sent.",
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
        "No connection to SES could be made, so nothing was sent.",
        "Check the network, a proxy and the region ({region}), then send again. Where a proxy shows a certificate of "
        "its own, name its authority in AWS_CA_BUNDLE.",
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
_UNNAMED = Reply((), Refused, "SES refuses the message.", "Read the reply of SES above; the message was not sent.")


# Of the service's words; what is longer is some page of a proxy's.
_MAX_WORDS = 2_000


def classify(error: WireError, context: Context) -> TransportError | ConfigurationError:
    """The error of ours that a failed `SendEmail` is, with AWS's own words and every address in them masked.

    Example:
        >>> from mailer.wire.errors import ServiceError
        >>> error = ServiceError("TooManyRequestsException", "Maximum sending rate exceeded.", 429)
        >>> classify(error, Context("set", "eu-west-1", "arn:...")).retryable
        True
    """
    code, words = "", str(error)[:_MAX_WORDS]
    if isinstance(error, ServiceError):
        code, words = error.code, error.words[:_MAX_WORDS]
        row = row_of(error.status, code, words)
    elif isinstance(error, CannotAsk) and not error.is_about_credentials:
        return ConfigurationError(
            f"No request to SES is possible: {words}.",
            hint="Check AWS_ENDPOINT_URL, AWS_REGION, AWS_CA_BUNDLE and AWS_PROFILE.",
        )
    else:
        row = next(row for kind, row in ENDINGS.items() if isinstance(error, kind))
    return _error(row, code, words, context)


def _error(row: Reply, code: str, words: str, context: Context) -> TransportError:
    names = asdict(context)
    said = mask_all(words[:_MAX_WORDS]).strip()
    message = f"{row.cause.format(**names)} {f'{code}: ' if code else ''}{said}".rstrip(": ")
    return row.error(message, hint=row.hint.format(**names), code=code)


# What a bulk request answers for an entry, and the error of a single request that says the same. The page and SES's
# service model differ in three names; both are here.
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html
_BULK_CODES = {
    "MESSAGE_REJECTED": "MessageRejected",
    "MAIL_FROM_DOMAIN_NOT_VERIFIED": "MailFromDomainNotVerifiedException",
    "CONFIGURATION_SET_NOT_FOUND": "NotFoundException",
    "CONFIGURATION_SET_DOES_NOT_EXIST": "NotFoundException",
    "TEMPLATE_NOT_FOUND": "NotFoundException",
    "TEMPLATE_DOES_NOT_EXIST": "NotFoundException",
    "ACCOUNT_SUSPENDED": "AccountSuspendedException",
    "ACCOUNT_THROTTLED": "TooManyRequestsException",
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": "LimitExceededException",
    "INVALID_SENDING_POOL_NAME": "BadRequestException",
    "ACCOUNT_SENDING_PAUSED": "AccountSendingPausedException",
    "CONFIGURATION_SET_SENDING_PAUSED": "ConfigurationSetSendingPausedException",
    "INVALID_PARAMETER": "BadRequestException",
    "INVALID_PARAMETER_VALUE": "BadRequestException",
}
# "Amazon SES was unable to process your request", "because of a temporary issue" or with the reason in the words.
_BULK_FAILURES = {
    "TRANSIENT_FAILURE": Reply((), TemporaryFailure, "SES could not process the message just then.", "Send it again."),
    "FAILED": Reply((), Refused, "SES could not process the message.", "Read the reply of SES above; it was not sent."),
}
_UNNAMED_STATUS = Reply((), OutcomeUnknown, "SES answered with a status that is not known.", ENDINGS[AnswerLost].hint)


def bulk_error(status: str, words: str, context: Context) -> TransportError:
    """The error of ours that the status of an entry of `SendBulkEmail` is.

    Example:
        >>> where = Context("set", "eu-west-1", "arn:...")
        >>> bulk_error("ACCOUNT_THROTTLED", "Maximum sending rate exceeded.", where).retryable
        True
    """
    code = _BULK_CODES.get(status)
    row = row_of(_BELOW_REFUSALS, code, words) if code else _BULK_FAILURES.get(status, _UNNAMED_STATUS)
    return _error(row, status, words, context)


def row_of(status: int, code: str, words: str) -> Reply:
    """The row of the table that an answer of SES's fits.

    Args:
        status: Its HTTP status.
        code: AWS's code; empty if there was none.
        words: The service's message.
    """
    for row in REPLIES:
        if code in row.codes and re.search(row.containing, words, re.IGNORECASE):
            return row
    if status in STATUSES:
        return STATUSES[status]
    return _UNNAMED if _BELOW_REFUSALS <= status < _SERVER_ERROR else _UNNAMED_SERVER_ERROR
