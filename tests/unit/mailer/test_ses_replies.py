"""Every answer of SES, IAM and the network becomes one class, with a cause, a hint and no full address."""

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
