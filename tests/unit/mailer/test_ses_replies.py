"""Every answer of SES, IAM and the network becomes one class, with a cause, a hint and no full address."""

from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
    SSLError,
)
from botocore.session import get_session

from mailer import errors
from mailer.errors import TransportError
from mailer.results import Status, status_of
from mailer.transports.ses_replies import REPLIES, Context, classify

WHERE = Context("mailstack-dev-transactional", "eu-west-1", "arn:aws:iam::000000000000:policy/sender")


def reply(code: str, message: str = "", status: int = 400) -> TransportError:
    answer: dict[str, dict[str, object]] = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return classify(ClientError(answer, "SendEmail"), WHERE)  # pyright: ignore[reportArgumentType] - a part of one


@pytest.mark.parametrize(
    ("code", "message", "kind", "status", "retryable"),
    [
        ("TooManyRequestsException", "Maximum sending rate exceeded.", "Throttled", "throttled", True),
        ("ThrottlingException", "Rate exceeded", "Throttled", "throttled", True),
        ("TooManyRequestsException", "Daily message quota exceeded.", "QuotaExceeded", "throttled", False),
        ("LimitExceededException", "Limit", "QuotaExceeded", "throttled", False),
        ("SendingPausedException", "Sending is paused", "SendingPaused", "refused", False),
        ("SendingPausedException", "Sending is paused for tenant x.", "SendingPaused", "refused", False),
        ("NotFoundException", "Tenant <x> does not exist.", "ResourceNotFound", "refused", False),
        ("BadRequestException", "Resource not associated with tenant x.", "Refused", "refused", False),
        ("AccessDeniedException", "Tenant not associated with resources [arn:aws:ses:x].", "Refused", "refused", False),
        ("MessageRejected", "Sending paused for this account.", "SendingPaused", "refused", False),
        ("AccountSuspendedException", "", "AccountSuspended", "refused", False),
        ("MessageRejected", "Email address is not verified.", "IdentityNotVerified", "refused", False),
        ("MailFromDomainNotVerifiedException", "", "IdentityNotVerified", "refused", False),
        ("MessageRejected", "Virus found", "Refused", "refused", False),
        ("NotFoundException", "Configuration set <x> does not exist.", "ResourceNotFound", "refused", False),
        ("AccessDeniedException", "not authorized to perform ses:SendEmail", "AccessDenied", "refused", False),
        ("ExpiredTokenException", "", "CredentialsInvalid", "refused", False),
        ("InvalidClientTokenId", "", "CredentialsInvalid", "refused", False),
        ("BadRequestException", "Illegal address", "Refused", "refused", False),
        ("SomethingNewException", "", "Refused", "refused", False),
    ],
)
def test_a_code_has_its_class_status_and_whether_to_retry(  # one argument a column
    code: str, message: str, kind: str, status: str, *, retryable: bool
):
    error = reply(code, message)
    assert (type(error), status_of(error), error.retryable) == (getattr(errors, kind), Status(status), retryable)
    assert error.code == code
    assert error.hint


# The service's words as AWS's documentation and public reports have them.
IDENTITIES = (
    "Email address is not verified. The following identities failed the check in region US-EAST-1: a@example.com"
)
INBOX = "For more information, please check the inbox of the email address associated with your AWS account."
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
)
EXPIRED = "Signature expired: 20181107T003842Z is now earlier than 20181107T005054Z (20181107T005554Z - 5 min.)"
EARLY = "Signature not yet current: 20181107T010000Z is still later than 20181107T005554Z (20181107T005054Z + 5 min.)"
DENIED = "User: arn:aws:iam::000000000000:user/x is not authorized to perform: ses:SendEmail on resource: arn:aws:ses:x"


@pytest.mark.parametrize(
    ("code", "words", "kind", "hint"),
    [
        ("MessageRejected", IDENTITIES, "IdentityNotVerified", "production access"),
        ("MessageRejected", "Account is paused", "SendingPaused", "EnforcementStatus"),
        ("MessageRejected", f"Sending paused for this account. {INBOX}", "AccountSuspended", "support case"),
        ("MessageRejected", f"Sending suspended for this account. {INBOX}", "AccountSuspended", "support case"),
        ("MessageRejected", "Email sending is disabled for your account.", "SendingPaused", "put-account-sending"),
        (
            "AccountSendingPausedException",
            "Email sending is paused.",
            "SendingPaused",
            "put-account-sending-attributes",
        ),
        (
            "SendingPausedException",
            "Email sending is currently paused for this account.",
            "SendingPaused",
            "put-account",
        ),
        ("SendingPausedException", "x", "SendingPaused", "put-configuration-set-sending-options"),
        ("ConfigurationSetSendingPausedException", "x", "SendingPaused", "put-configuration-set-sending-options"),
        ("MessageRejected", "Sending is paused for tenant x", "SendingPaused", "get-configuration-set"),
        ("AccountSuspendedException", "x", "AccountSuspended", "Health"),
        ("SignatureDoesNotMatch", EXPIRED, "ClockSkewed", "Set the clock"),
        ("InvalidSignatureException", EXPIRED, "ClockSkewed", "Set the clock"),
        ("InvalidSignatureException", EARLY, "ClockSkewed", "Set the clock"),
        ("AccessDeniedException", EXPIRED, "ClockSkewed", "Set the clock"),
        (
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time",
            "ClockSkewed",
            "clock",
        ),
        ("RequestExpired", "Request has expired.", "ClockSkewed", "clock"),
        ("RequestInTheFuture", "", "ClockSkewed", "clock"),
        ("SignatureDoesNotMatch", MISMATCH, "CredentialsInvalid", "both keys"),
        (
            "InvalidSignatureException",
            "Credential should be scoped to a valid region.",
            "CredentialsInvalid",
            "ENDPOINT_URL",
        ),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "CredentialsInvalid",
            "sts",
        ),
        (
            "UnrecognizedClientException",
            "The security token included in the request is expired",
            "CredentialsInvalid",
            "sso",
        ),
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            "CredentialsInvalid",
            "Renew",
        ),
        (
            "IncompleteSignature",
            "'x' not a valid key=value pair (missing equal-sign)",
            "CredentialsInvalid",
            "AWS_PROFILE",
        ),
        ("AccessDeniedException", DENIED, "AccessDenied", "sender policy"),
        (
            "AccessDeniedException",
            f"{DENIED} with an explicit deny in an identity-based policy",
            "AccessDenied",
            "Deny",
        ),
        (
            "OptInRequired",
            "The AWS Access Key Id needs a subscription for the service",
            "AccessDenied",
            "Enable the region",
        ),
        ("ThrottlingException", "Maximum sending rate exceeded.", "Throttled", "more slowly"),
        ("ThrottlingException", "Daily message quota exceeded.", "QuotaExceeded", "higher quota"),
        ("TooManyRequestsException", "Daily sending quota exceeded", "QuotaExceeded", "higher quota"),
        ("MessageRejected", "Address blacklisted.", "Refused", "get-suppressed-destination"),
        ("MessageRejected", "Transaction failed: File type not supported 'x.exe'", "Refused", "mime-types"),
        ("InvalidParameterValue", "Message length is more than 10485760 bytes long: '12345678'.", "Refused", "a link"),
        ("BadRequestException", "Local address contains control or whitespace", "Refused", "correct the address"),
        ("BadRequestException", "Missing final '@domain'", "Refused", "correct the address"),
        ("BadRequestException", "Domain contains illegal character", "Refused", "correct the address"),
        ("BadRequestException", "Invalid email address .", "Refused", "correct the address"),
        ("BadRequestException", "Duplicate tag", "Refused", "words above"),
        ("ConfigurationSetDoesNotExist", "Configuration set <x> does not exist.", "ResourceNotFound", "Deploy"),
    ],
)
def test_the_cause_decides_the_hint(code: str, words: str, kind: str, hint: str):
    error = reply(code, words)
    assert type(error).__name__ == kind
    assert hint in error.hint
    assert not error.retryable or kind == "Throttled"


@pytest.mark.parametrize("words", ["SSL validation failed: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"])
def test_a_certificate_that_is_not_trusted_means_that_nothing_was_sent(words: str):
    error = classify(SSLError(endpoint_url="https://example.com", error=OSError(words)), WHERE)
    assert (type(error).__name__, "AWS_CA_BUNDLE" in error.hint) == ("Unreachable", True)
    later = classify(SSLError(endpoint_url="https://example.com", error=OSError("decryption failed")), WHERE)
    assert type(later).__name__ == "OutcomeUnknown"


@pytest.mark.parametrize(
    "answer", [{}, {"Error": {}}, {"Error": {"Code": None, "Message": None}}, {"Error": {"Message": {}}}]
)
def test_an_answer_that_is_not_ses_s_is_an_error_of_ours(answer: Any):
    assert isinstance(classify(ClientError(answer, "SendEmail"), WHERE), errors.Refused)


def test_words_of_any_length_are_read_in_no_time():
    for words in ("exceed " * 300_000, "@" * 1_000_000, "a@b.c " * 200_000, "signature" * 100_000):
        assert len(str(reply("MessageRejected", words))) < 10_000


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_says_nothing_about_what_was_accepted(status: int):
    error = reply(str(status), status=status)
    assert (status_of(error), error.retryable) == (Status.UNKNOWN, False)


@pytest.mark.parametrize(
    ("error", "status", "retryable"),
    [
        (EndpointConnectionError(endpoint_url="https://example.com"), Status.FAILED, True),
        (ConnectTimeoutError(endpoint_url="https://example.com"), Status.FAILED, True),
        (ReadTimeoutError(endpoint_url="https://example.com"), Status.UNKNOWN, False),
        (ConnectionClosedError(endpoint_url="https://example.com"), Status.UNKNOWN, False),
        (NoCredentialsError(), Status.REFUSED, False),
        (ParamValidationError(report="too many headers"), Status.REFUSED, False),
    ],
)
def test_only_what_never_reached_ses_is_tried_again(error: BotoCoreError, status: Status, *, retryable: bool):
    ours = classify(error, WHERE)
    assert (status_of(ours), ours.retryable) == (status, retryable)


def test_every_error_of_send_email_in_the_service_model_has_a_row():
    model = get_session().get_service_model("sesv2").operation_model("SendEmail")
    listed = {code for row in REPLIES for code in row.codes}
    assert {shape.name for shape in model.error_shapes} <= listed


def test_no_row_is_out_of_reach_behind_a_wider_one():
    for position, row in enumerate(REPLIES):
        earlier = {code for other in REPLIES[:position] if not other.containing for code in other.codes}
        assert not set(row.codes) <= earlier


def test_the_hint_is_filled_in_and_addresses_are_masked():
    error = reply("SendingPausedException", "paused: ada.lovelace@example.com, <bob@example.org>")
    assert "--configuration-set-name mailstack-dev-transactional --sending-enabled --region eu-west-1" in error.hint
    assert "a***@example.com, <b***@example.org>" in error.message
    assert "lovelace" not in str(error)
    assert not any("{" in reply(code).hint for row in REPLIES for code in row.codes)


def test_a_domain_that_is_not_verified_is_named():
    error = reply("MessageRejected", "Email address is not verified. In region EU-WEST-1: example.test")
    assert "EU-WEST-1: example.test" in error.message
    assert "eu-west-1" in error.hint
