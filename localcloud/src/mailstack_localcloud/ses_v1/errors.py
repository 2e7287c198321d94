"""Errors of SES v1: the codes that its clients look for, translated from errors of SES v2."""

import contextlib
import functools
from collections.abc import Generator, Mapping

from mailstack_localcloud.backend.calls import errors
from mailstack_localcloud.ses.errors import NOT_EMULATED, SesError

_SERVERS = 500
_NOT_EMULATED_STATUS = 501


class QueryError(Exception):
    """An error answer.

    Args:
        code: As a client sees it, e.g. `Throttling`.
        message: What SES says.
        status: The HTTP status.
    """

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    @property
    def is_senders(self) -> bool:
        """Whether it is the sender's fault, by SES's classification."""
        return self.status < _SERVERS or self.status == _NOT_EMULATED_STATUS


# The shape's name in the second API → the code in the first.
# https://docs.aws.amazon.com/ses/latest/APIReference/CommonErrors.html and each operation's own errors.
_CODES = {
    "BadRequestException": "InvalidParameterValue",
    "TooManyRequestsException": "Throttling",
    "AccountSuspendedException": "AccountSendingPausedException",
    "AccessDeniedException": "AccessDenied",
    "InternalServiceErrorException": "InternalFailure",
    NOT_EMULATED: NOT_EMULATED,
}
# What is not found, by how the message begins.
_NOT_FOUND = {
    "Configuration set": "ConfigurationSetDoesNotExist",
    "No EventDestination": "EventDestinationDoesNotExist",
    "Template": "TemplateDoesNotExist",
    "Email template": "TemplateDoesNotExist",
    "Custom verification email template": "CustomVerificationEmailTemplateDoesNotExist",
}


@functools.cache
def _own_codes() -> dict[str, str]:
    return {name: str(error.get("code", name)) for name, error in errors("ses").items()}


@contextlib.contextmanager
def recoded(codes: Mapping[str, str]) -> Generator[None]:
    """Translate errors of SES v2 to the codes of an operation of SES v1.

    Raises:
        QueryError: In place of one that has such a code.
    """
    try:
        yield
    except SesError as error:
        if error.code not in codes:
            raise
        raise QueryError(codes[error.code], error.message) from error


def translated(error: SesError) -> QueryError:
    """An error of the second API as the first would have it."""
    return QueryError(_code(error), error.message, status=error.status if error.status >= _SERVERS else 400)


def _code(error: SesError) -> str:
    if error.code == "NotFoundException":
        found = (code for start, code in _NOT_FOUND.items() if error.message.startswith(start))
        return next(found, "InvalidParameterValue")
    if error.code == "SendingPausedException":
        of_set = "configuration set" in error.message
        return "ConfigurationSetSendingPausedException" if of_set else "AccountSendingPausedException"
    return _CODES.get(error.code) or _own_codes().get(error.code, error.code)
