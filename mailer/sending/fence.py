"""The last check before a service is asked: a sender that lost its claim to a message must not send it.

A process can stand still between claiming a message and sending it: a suspended machine, a long wait for the rate.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from mailer.errors import ClaimLost

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Fence:
    """A check between a claim and the service.

    Args:
        is_held: Whether the claim holds, with time left for the request.

    Attributes:
        was_passed: Whether the service may have been asked.
    """

    __slots__ = ("_is_held", "was_passed")

    def __init__(self, is_held: "Callable[[], bool]") -> None:
        self._is_held, self.was_passed = is_held, False

    @contextmanager
    def standing(self) -> "Generator[None]":
        """Have every attempt of this thread pass the fence."""
        token = _FENCE.set(self)
        try:
            yield
        finally:
            _FENCE.reset(token)

    def check(self) -> None:
        """Pass it.

        Raises:
            ClaimLost: The claim does not hold any more.
        """
        if not self._is_held():
            raise ClaimLost("The relay lost its claim to the mail before it was sent.", hint="Another relay decides.")
        self.was_passed = True


_FENCE: ContextVar[Fence | None] = ContextVar("mailer_fence", default=None)


def pass_fence() -> None:
    """Pass the fence of this thread, if there is one.

    Raises:
        ClaimLost: The claim does not hold any more.
    """
    fence = _FENCE.get()
    if fence:
        fence.check()
