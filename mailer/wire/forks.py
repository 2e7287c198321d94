"""What must not cross a fork: connections, because two processes would read each other's answers, and held locks."""

import os
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Generator

# Seconds that a fork waits at most: longer than a handshake takes, and than its time-outs of two seconds.
_LONGEST_WAIT = 5.0


class Forkable(Protocol):
    """Something that belongs to one process."""

    def after_fork(self) -> None:
        """Become what a new one would be. Runs in the child, where no other thread exists."""
        ...


_KNOWN: "WeakSet[Forkable]" = WeakSet()


def belongs_to_process(thing: Forkable) -> None:
    """Have `after_fork` called in every process that is forked from here on, for as long as the thing lives."""
    _KNOWN.add(thing)


class ForkGate:
    """Keeps forks apart from what holds locks of C libraries: OpenSSL's handshakes, and the C library's name look-ups.

    A fork that happened meanwhile would copy the locks into the child, where no thread is left to unlock them: its
    first handshake or look-up would wait for ever. So a fork waits until none is under way, and none begins until it
    has happened.
    """

    def __init__(self) -> None:
        self.after_in_child()

    def after_in_child(self) -> None:
        """Forget the parent's threads, which do not exist here."""
        self._free = Condition()
        self._under_way = 0
        self._forking = False

    @contextmanager
    def no_fork(self) -> "Generator[None]":
        """A time in which the process must not be forked."""
        with self._free:
            self._free.wait_for(lambda: not self._forking, _LONGEST_WAIT)
            self._under_way += 1
        try:
            yield
        finally:
            with self._free:
                self._under_way -= 1
                self._free.notify_all()

    def before_fork(self) -> None:
        """Wait for what is under way, and hold back others; not for ever, as no fork must hang."""
        self._free.acquire()
        self._forking = True
        self._free.wait_for(lambda: not self._under_way, _LONGEST_WAIT)

    def after_in_parent(self) -> None:
        """Let others begin again."""
        self._forking = False
        self._free.notify_all()
        self._free.release()


GATE = ForkGate()


def _after_in_child() -> None:
    GATE.after_in_child()
    for thing in list(_KNOWN):
        thing.after_fork()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(before=GATE.before_fork, after_in_parent=GATE.after_in_parent, after_in_child=_after_in_child)
