"""The exception by which a handler refuses a request. Codes and statuses are those of the service model."""

from typing import Self

from mailstack_localcloud.backend.calls import error_statuses
from mailstack_localcloud.faults.effects import InjectedError


class SesError(Exception):
    """An error answer of SES.

    Args:
        code: The error's shape name in the service model, e.g. `NotFoundException`.
        message: What SES says.
        status: The HTTP status, for an error that the service model does not have.

    Raises:
        KeyError: The service has no such error, and no status is given.
    """

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = STATUS[code] if status is None else status

    @classmethod
    def injected(cls, error: InjectedError) -> Self:
        """An error that a fault answers with."""
        return cls(error.code, error.message, status=error.status)


def not_found(what: str, name: str) -> SesError:
    """The named thing does not exist (404)."""
    return SesError("NotFoundException", f"{what} <{name}> does not exist.")


def already_exists(what: str, name: str) -> SesError:
    """The name is taken (400)."""
    return SesError("AlreadyExistsException", f"{what} <{name}> already exists.")


def bad_request(message: str) -> SesError:
    """The input is invalid (400)."""
    return SesError("BadRequestException", message)


def not_emulated(what: str) -> SesError:
    """The local cloud does not emulate this: an error (501), never a silent success."""
    return SesError(NOT_EMULATED, f"{what} is not emulated by the local cloud. Nothing was done.")


NOT_EMULATED = "NotEmulated"
STATUS: dict[str, int] = {**error_statuses("sesv2"), NOT_EMULATED: 501}
