"""What SES, IAM and the network answer, and which error of ours each is: a table, and how it is read.

Not for deciding about retries: that stands with the classes, in `mailer.errors`.
"""

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from mailer.address import mask
from mailer.errors import (
    AccessDenied,
    AccountSuspended,
    CredentialsInvalid,
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

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError


@dataclass(frozen=True, slots=True)
class Reply:
    """One row: an answer and what it means.

    Attributes:
        codes: AWS's error codes, or botocore's exception classes where there was no answer.
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
            *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"),
            *("SSOTokenLoadError", "UnauthorizedSSOTokenError", "ProfileNotFound", "NoRegionError"),
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
        ("BadRequestException", "ValidationException", "ParamValidationError"),
        Refused,
        "SES does not take a parameter as it stands.",
        "Read SES's words above; the message was not sent.",
    ),
    Reply(
        ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"),
        Unreachable,
        "No connection to SES was made, so nothing was sent.",
        "Check the network, a proxy and the region ({region}), then send again.",
    ),
    Reply(
        ("HTTPClientError", "ConnectionError", "ResponseParserError"),
        OutcomeUnknown,
        "The request was written and SES's answer never came, or cannot be read: the message may or may not "
        "have been accepted.",
        "Do not send it again blindly; look for its Send event.",
    ),
)

# An answer of 500 and above says nothing about what was accepted; of 400 and above, that nothing was.
_SERVER_ERROR = 500
_UNNAMED_SERVER_ERROR = Reply((), OutcomeUnknown, "SES failed while it handled the request.", REPLIES[-1].hint)
_UNNAMED = Reply((), Refused, "SES refuses the message.", "Read SES's words above; the message was not sent.")
_ADDRESS = re.compile(r"[^\s<>,;:\"'()\[\]]+@[^\s<>,;:\"'()\[\]]+")


def classify(error: "ClientError | BotoCoreError | ResponseParserError", context: Context) -> TransportError:
    """The error of ours that a failed `SendEmail` is, with AWS's own words and every address in them masked.

    Example:
        >>> from botocore.exceptions import ClientError
        >>> reply = {"Error": {"Code": "TooManyRequestsException", "Message": "Maximum sending rate exceeded."}}
        >>> classify(ClientError(reply, "SendEmail"), Context("set", "eu-west-1", "arn:...")).retryable
        True
    """
    code, words, status = _read(error)
    row = next((row for row in REPLIES if code in row.codes and re.search(row.containing, words, re.IGNORECASE)), None)
    row = row or (_UNNAMED_SERVER_ERROR if status >= _SERVER_ERROR else _UNNAMED)
    names = asdict(context)
    said = _ADDRESS.sub(lambda found: mask(found[0]), words).strip()
    message = f"{row.cause.format(**names)} {code}: {said}".rstrip(": ")
    return row.error(message, hint=row.hint.format(**names), code=code)


def _read(error: "ClientError | BotoCoreError | ResponseParserError") -> tuple[str, str, int]:
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        answer, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
        return answer.get("Code", ""), answer.get("Message", ""), meta.get("HTTPStatusCode", 0)
    named = {code for row in REPLIES for code in row.codes}
    kinds = (kind.__name__ for kind in type(error).__mro__ if kind.__name__ in named)
    return next(kinds, type(error).__name__), str(error), 0
