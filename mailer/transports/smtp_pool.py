"""SMTP connections that are kept: each is used by one thread at a time, by one process, and while it is fresh."""

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mailer.transports.smtp_connection import Connection

# Connections that are idle at the same time. Servers limit them: Microsoft 365 allows three in use.
KEPT = 10


class SmtpPool:
    """Idle connections, the last one used first, so that the others grow old and are closed.

    Args:
        idle: Seconds after which a connection that was not used is not trusted.
        age: Seconds after which a connection is not used any more.
        count: Messages after which a connection is not used any more.
    """

    def __init__(self, *, idle: float, age: float, count: int) -> None:
        self._limits = (idle, age, count)
        self._lock = Lock()
        self._idle: list[Connection] = []
        self._used: set[Connection] = set()
        belongs_to_process(self)

    def take(self) -> "Connection | None":
        """A fresh connection; None if there is none."""
        while True:  # ends: each turn takes one away
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
                if connection.is_fresh(*self._limits):
                    self._used.add(connection)
                    return connection
            connection.leave()

    @contextmanager
    def using(self, connection: "Connection") -> "Generator[Connection]":
        """Lend a connection, and keep it afterwards if it is reusable."""
        with self._lock:
            self._used.add(connection)
        try:
            yield connection
        finally:
            self._put_back(connection)

    def _put_back(self, connection: "Connection") -> None:
        with self._lock:
            known = connection in self._used
            self._used.discard(connection)
            kept = known and connection.reusable and len(self._idle) < KEPT and connection.carried < self._limits[2]
            if kept:
                self._idle.append(connection)
        if not kept:
            leave: Callable[[], None] = connection.leave if connection.reusable else connection.close
            leave()

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it comes back."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._used.clear()
        for connection in idle:
            connection.leave()

    def after_fork(self) -> None:
        """Close this process's ends of the parent's connections. The lock may be held by a thread that is not here."""
        inherited: list[Connection] = [*self._idle, *self._used]
        self._lock, self._idle, self._used = Lock(), [], set()
        for connection in inherited:
            connection.close()
