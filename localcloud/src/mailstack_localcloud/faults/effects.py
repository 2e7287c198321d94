"""What a fault does to a request, over whatever protocol it came. Which request it strikes is `rules`'."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from mailstack_localcloud.faults.rules import BULK_STATUSES, Fault
from mailstack_localcloud.ses.errors import STATUS, SesError

# https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
THROTTLED = SesError("TooManyRequestsException", "Maximum sending rate exceeded.")
T = TypeVar("T")


class Client(Protocol[T]):
    """Who asked, as a protocol knows them; its answers are T."""

    async def wait(self, seconds: float) -> None:
        """Keep the client waiting, at most until it has hung up."""

    def reset(self) -> None:
        """Hang up without an answer, as a broken network does."""

    def refuse(self, error: SesError) -> T:
        """The answer that an error is."""
        ...

    def garble(self, answer: T, body: str | None) -> T:
        """An answer that cannot be read: `body`, or half of the right one."""
        ...


async def perform(fault: Fault, answer: Callable[[], Awaitable[T]], client: Client[T]) -> T | None:
    """Do to a request what the fault says.

    Args:
        fault: What goes wrong.
        answer: Carries the request out; what SES would have answered.
        client: Who asked.

    Returns:
        The answer to give; None where the client gets none, and its connection is no more.
    """
    effect, _, when = fault.effect.partition("-")
    if effect in _REFUSALS:
        await client.wait(fault.seconds or 0)
        return client.refuse(_REFUSALS[effect](fault))
    carried_out = None if when == "before" else await answer()
    if effect in {"timeout", "slow"}:
        await client.wait(fault.delay)
    if carried_out is None or when:
        client.reset()
        return None
    return client.garble(carried_out, fault.body) if effect == "malformed" else carried_out


def has_status(fault: Fault) -> bool:
    """Whether it is known which HTTP status the fault's error has, if any."""
    return fault.effect != "error" or fault.status is not None or fault.code in STATUS or fault.code in BULK_STATUSES


def refusal(fault: Fault) -> SesError:
    """What SES answers for an entry that a fault strikes; a status of entries is the code of an error here."""
    return _REFUSALS[fault.effect](fault)


_REFUSALS: dict[str, Callable[[Fault], SesError]] = {
    "throttle": lambda _: THROTTLED,
    "error": lambda fault: SesError(fault.code, fault.message, status=fault.status or STATUS.get(fault.code, 400)),
}
