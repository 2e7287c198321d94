"""Every answer of SES, IAM and the network becomes one class, with a cause, a hint and no full address."""

import pytest
from botocore.session import get_session

from mailer import errors
from mailer.errors import TransportError
from mailer.results import Status, status_of
from mailer.transports.ses_replies import REPLIES, Context, classify
from mailer.wire.errors import AnswerLost, CannotAsk, CredentialsFailed, NotWritten, ServiceError, WireError

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
def test_what_ended_without_an_answer_has_its_class(error: WireError, kind: str, status: str, *, retryable: bool):
    ours = classify(error, WHERE)
    assert isinstance(ours, TransportError)
    assert (type(ours), status_of(ours), ours.retryable) == (getattr(errors, kind), Status(status), retryable)
    assert ours.hint


def test_a_wrong_set_up_is_no_result_but_an_error_of_the_configuration():
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
