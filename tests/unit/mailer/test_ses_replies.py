"""Every answer of SES, IAM and the network becomes one class, with a cause, a hint and no full address."""

import pytest
from botocore.session import get_session

from mailer import errors
from mailer.errors import TransportError
from mailer.results import Status, status_of
from mailer.transports.ses_replies import REPLIES, Context, classify
from mailer.wire.client import error_of
from mailer.wire.errors import AnswerLost, CannotAsk, CredentialsFailed, NotWritten, ServiceError, WireError
from mailer.wire.http import Answer

WHERE = Context("mailstack-dev-transactional", "eu-west-1", "arn:aws:iam::000000000000:policy/sender")


def reply(code: str, message: str = "", status: int = 400) -> TransportError:
    error = classify(ServiceError(code, message, status), WHERE)
    assert isinstance(error, TransportError)
    return error


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
        (
            "AccessDeniedException",
            DENIED.replace("ses:x", "ses:eu-west-1:0:identity/a@b.test"),
            "AccessDenied",
            "every",
        ),
        ("AccessDeniedException", DENIED.replace("ses:x", "ses:eu-west-1:0:identity/b.test"), "AccessDenied", "Attach"),
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
        ("AccessDeniedException", DENIED, "AccessDenied", "mailstack:allowedSenders, letter case included"),
        ("AccessDeniedException", DENIED.replace("SendEmail", "SendRawEmail"), "AccessDenied", "access.raw true"),
        ("AccessDeniedException", DENIED.replace("SendEmail", "SendBulkEmail"), "AccessDenied", "access.bulk true"),
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
        ("BadRequestException", "Duplicate tag", "Refused", "reply of SES above"),
        ("ConfigurationSetDoesNotExist", "Configuration set <x> does not exist.", "ResourceNotFound", "Deploy"),
    ],
)
def test_the_cause_decides_the_hint(code: str, words: str, kind: str, hint: str):
    error = reply(code, words)
    assert type(error).__name__ == kind
    assert hint in error.hint
    assert not error.retryable or kind == "Throttled"


def test_a_certificate_that_is_not_trusted_has_a_hint():
    error = classify(NotWritten("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), WHERE)
    assert (type(error).__name__, "AWS_CA_BUNDLE" in error.hint) == ("Unreachable", True)


@pytest.mark.parametrize("body", ["{}", '{"Error": {}}', '{"__type": null, "message": null}', '{"message": {}}', "[]"])
def test_an_answer_that_is_not_ses_s_is_an_error_of_ours(body: str):
    assert isinstance(classify(error_of(Answer(400, {}, body.encode())), WHERE), errors.Refused)


def test_words_of_any_length_are_read_in_no_time():
    for words in ("exceed " * 300_000, "@" * 1_000_000, "a@b.c " * 200_000, "signature" * 100_000):
        assert len(str(reply("MessageRejected", words))) < 10_000


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_says_nothing_about_what_was_accepted(status: int):
    error = reply(str(status), status=status)
    assert (status_of(error), error.retryable) == (Status.UNKNOWN, False)


@pytest.mark.parametrize(
    ("error", "kind", "status", "retryable"),
    [
        (NotWritten("connection refused"), "Unreachable", "failed", True),
        (CredentialsFailed("MetadataRetrievalError"), "CredentialsUnavailable", "failed", True),
        (CannotAsk("Unable to locate credentials", "NoCredentialsError"), "CredentialsMissing", "failed", False),
        (AnswerLost("no answer in time"), "OutcomeUnknown", "unknown", False),
    ],
)
def test_wire_error_has_a_class_and_a_status(error: WireError, kind: str, status: str, *, retryable: bool):
    ours = classify(error, WHERE)
    assert isinstance(ours, TransportError)
    assert (type(ours), status_of(ours), ours.retryable) == (getattr(errors, kind), Status(status), retryable)
    assert ours.hint


def test_wrong_configuration_is_raised_not_returned():
    error = classify(CannotAsk("Invalid endpoint: garbage", "ValueError"), WHERE)
    assert type(error) is errors.ConfigurationError
    assert "AWS_ENDPOINT_URL" in str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((302, "OutcomeUnknown"), (307, "OutcomeUnknown"), (204, "OutcomeUnknown")),
        *((400, "Refused"), (403, "Refused"), (404, "Refused"), (407, "Unreachable"), (413, "Refused")),
        *((408, "Throttled"), (429, "Throttled"), (500, "OutcomeUnknown"), (599, "OutcomeUnknown")),
    ],
)
def test_an_answer_that_is_not_aws_s_is_read_by_its_status(status: int, kind: str):
    assert type(classify(ServiceError("", "", status), WHERE)) is getattr(errors, kind)


def test_every_send_email_error_has_a_reply_row():
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
