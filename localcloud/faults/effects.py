"""What a fault does to a request over HTTP. Which request it strikes is `rules`'."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from localcloud.faults.connection import Connection
from localcloud.faults.rules import Effect, Fault
from localcloud.http import Response
from localcloud.ses.errors import STATUS, SesError
from localcloud.ses.protocol import error_answer

# https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
THROTTLED = SesError("TooManyRequestsException", "Maximum sending rate exceeded.")
Answer = Callable[[], Awaitable[Response]]


async def perform(fault: Fault, answer: Answer, connection: Connection) -> Response | None:
    """Do to a request what the fault says.

    Args:
        fault: What goes wrong.
        answer: Carries the request out; what SES would have answered.
        connection: The client's.

    Returns:
        The answer to give; None where the client gets none, and its connection is no more.
    """
    return await _EFFECTS[fault.effect](fault, answer, connection)


def refusal(fault: Fault) -> SesError | None:
    """The error that a fault refuses with; None if it does something else."""
    if fault.effect == "throttle":
        return THROTTLED
    return SesError(fault.code, fault.message, status=fault.status) if fault.effect == "error" else None


def has_status(fault: Fault) -> bool:
    """Whether it is known which HTTP status the fault's error has."""
    return fault.effect != "error" or fault.status is not None or fault.code in STATUS


async def _refuse(fault: Fault, _: Answer, connection: Connection) -> Response:
    await connection.wait(fault.seconds or 0)
    return error_answer(refusal(fault) or THROTTLED)


async def _time_out_before(fault: Fault, _: Answer, connection: Connection) -> None:
    await connection.wait(fault.delay)
    connection.reset()


async def _time_out_after(fault: Fault, answer: Answer, connection: Connection) -> None:
    await answer()
    await _time_out_before(fault, answer, connection)


async def _reset_before(_: Fault, __: Answer, connection: Connection) -> None:
    connection.reset()


async def _reset_after(_: Fault, answer: Answer, connection: Connection) -> None:
    await answer()
    connection.reset()


async def _slow(fault: Fault, answer: Answer, connection: Connection) -> Response:
    response = await answer()
    await connection.wait(fault.delay)
    return response


async def _malformed(fault: Fault, answer: Answer, _: Connection) -> Response:
    response = await answer()
    half = response.body[: len(response.body) // 2]
    return replace(response, body=half if fault.body is None else fault.body.encode())


_EFFECTS: dict[Effect, Callable[[Fault, Answer, Connection], Awaitable[Response | None]]] = {
    "throttle": _refuse,
    "error": _refuse,
    "timeout-before": _time_out_before,
    "timeout-after": _time_out_after,
    "reset-before": _reset_before,
    "reset-after": _reset_after,
    "slow": _slow,
    "malformed": _malformed,
}
