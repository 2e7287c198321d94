"""A point in time by which an attempt must have ended, whatever the peer does meanwhile."""

import time
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Limits:
    """The time-outs of one attempt.

    Attributes:
        connect: Seconds for a connection.
        attempt: Seconds for the whole attempt: credentials, connection, request, response.
        bytes_a_second: The slowest upload to allow for: a request of this size gets one more second.
    """

    connect: float
    attempt: float
    bytes_a_second: float = 100_000.0


class Deadline:
    """Set when made. A socket's own time-out is for each read, so a peer that drips bytes never meets it."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds that are left.

        Raises:
            TimeoutError: None are left.
        """
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the attempt timed out")
        return left

    def within(self, seconds: float) -> "Deadline":
        """A deadline that ends with this one or after so many seconds, whichever comes first."""
        inner = Deadline(seconds)
        inner._at = min(inner._at, self._at)
        return inner


def bounded(work: "Callable[[], _Result]", deadline: Deadline) -> _Result:
    """Do work that has no time-out of its own, such as looking up a name, and wait no longer than the deadline.

    It runs in a thread, which is left behind when the time is over: such work cannot be interrupted.

    Raises:
        TimeoutError: The time is over.
    """
    outcome: Future[_Result] = Future()
    Thread(target=_settle, args=(outcome, work), daemon=True, name="mailer-wire").start()
    return outcome.result(deadline.remaining())


def _settle(outcome: "Future[_Result]", work: "Callable[[], _Result]") -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the result is asked for
        outcome.set_exception(error)
