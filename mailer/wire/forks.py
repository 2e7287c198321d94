"""What must not cross a fork: connections, because two processes would read each other's answers, and held locks."""

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that belongs to one process."""

    def after_fork(self) -> None:
        """Become what a new one would be. Runs in the child, where no other thread exists."""
        ...


_KNOWN: "WeakSet[Forkable]" = WeakSet()


def belongs_to_process(thing: Forkable) -> None:
    """Have `after_fork` called in every process that is forked from here on, for as long as the thing lives."""
    _KNOWN.add(thing)


def _forget() -> None:
    for thing in list(_KNOWN):
        thing.after_fork()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_forget)
