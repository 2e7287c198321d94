"""The effects of faults on requests of any protocol. `rules` decides which requests a fault strikes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mailstack_localcloud.backend.calls import error_statuses
from mailstack_localcloud.faults.rules import BULK_STATUSES, Fault

T = TypeVar("T")
_SERVICE = "sesv2"
_DEFAULT_STATUS = 400


@dataclass(frozen=True, slots=True)
class InjectedError:
    """An error that a fault answers with; each API writes it in its own words.

    Attributes:
        code: The error's name in SES's service model, e.g. `MessageRejected`, or the status of a bulk call's entry.
        message: Its text.
        status: Its HTTP status.
    """

    code: str
    message: str
    status: int


# https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
THROTTLED = InjectedError(
    "TooManyRequestsException",
    "Maximum sending rate exceeded.",
    error_statuses(_SERVICE)["TooManyRequestsException"],
)


class Client(Protocol[T]):
    """The client of a request, as its protocol knows it. Its answers are of type T."""

    async def wait(self, seconds: float) -> None:
        """Keep the client waiting; end early if it disconnects."""

    def reset(self) -> None:
        """Reset the connection without an answer, as a broken network does."""

    def refuse(self, error: InjectedError) -> T:
        """The answer for an error."""
        ...

    def garble(self, answer: T, body: str | None) -> T:
        """An answer that cannot be read: `body`, or half of the right one."""
        ...


async def perform(fault: Fault, answer: Callable[[], Awaitable[T]], client: Client[T]) -> T | None:
    """Apply a fault to a request.

    Args:
        fault: What goes wrong.
        answer: Carries the request out and returns what SES would have answered.
        client: The client that sent the request.

    Returns:
        The answer to send; None if the connection was reset.
    """
    effect, _, when = fault.effect.partition("-")
    if effect in _ERRORS:
        await client.wait(fault.seconds or 0)
        return client.refuse(_ERRORS[effect](fault))
    carried_out = None if when == "before" else await answer()
    if effect in {"timeout", "slow"}:
        await client.wait(fault.delay)
    if carried_out is None or when:
        client.reset()
        return None
    return client.garble(carried_out, fault.body) if effect == "malformed" else carried_out


def has_status(fault: Fault) -> bool:
    """Whether the HTTP status of the fault's error is known; true for a fault that is not an error."""
    known = fault.code in error_statuses(_SERVICE) or fault.code in BULK_STATUSES
    return fault.effect != "error" or fault.status is not None or known


def entry_error(fault: Fault) -> InjectedError:
    """The error for one entry of a bulk call; `code` may be an entry's status."""
    return _ERRORS[fault.effect](fault)


def _error(fault: Fault) -> InjectedError:
    status = fault.status or error_statuses(_SERVICE).get(fault.code, _DEFAULT_STATUS)
    return InjectedError(fault.code, fault.message, status)


_ERRORS: dict[str, Callable[[Fault], InjectedError]] = {"throttle": lambda _: THROTTLED, "error": _error}
