"""Waiting for a condition, with a bound that only a hang reaches: no test depends on the speed of a machine."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
# Seconds for what ends by itself.
PATIENCE = 300.0
# Seconds for what never comes: a slow machine waits longer, with the same end.
BRIEF = 0.3
_PAUSE = 0.03


def eventually(look: Callable[[], T | None], otherwise: str, patience: float = PATIENCE) -> T:
    """Look until there is something true to see, and return it.

    Args:
        look: What to look at.
        otherwise: What an error says where it never comes.
        patience: Seconds after which it never comes.
    """
    deadline = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < deadline, f"{otherwise} (waited {patience:.0f} s)"
        time.sleep(_PAUSE)
    return found


def moment() -> None:
    """Give what must not happen the time to happen; a test that it must not cannot fail by this."""
    time.sleep(BRIEF)
