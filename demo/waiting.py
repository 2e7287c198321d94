"""Waiting for something to be seen, bounded. Not for printing."""

import time
from collections.abc import Callable
from typing import TypeVar

from demo.screen import NotSeen

T = TypeVar("T")
PAUSE = 0.05


def wait_for(probe: Callable[[], T | None], *, seconds: float, instead: Callable[[], str]) -> T:
    """Ask until there is an answer.

    Args:
        probe: Returns what is waited for, or None while it is not there.
        seconds: How long to ask at most.
        instead: Says what was seen instead, once the time is over.

    Raises:
        NotSeen: The time is over.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found is not None:
            return found
        if time.monotonic() >= deadline:
            raise NotSeen(f"{instead()} (waited {seconds:.0f} s)")
        time.sleep(PAUSE)
