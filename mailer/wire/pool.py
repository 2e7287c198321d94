"""Connections that are kept: each is used by one thread at a time, by one process, and while it is fresh."""

from threading import Lock
from typing import TYPE_CHECKING

from mailer.wire.forks import belongs_to_process
from mailer.wire.http import Connection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailer.wire.deadline import Deadline
    from mailer.wire.http import Answer, Destination

# Seconds. Load balancers and NATs drop what is idle after 60 s and more. A change of DNS is followed within the age.
IDLE, AGE = 45.0, 600.0
# That are idle at the same time; as many more as there are threads may be in use.
KEPT = 64


class Pool:
    """The connections to one destination. The last one used is used first, so that the others grow old and are closed.

    Args:
        destination: Where they go.
        connect_seconds: For name look-up, connection and TLS together.
        idle: Seconds after which a connection that was not used is not trusted.
        age: Seconds after which a connection is not used any more.
    """

    def __init__(
        self, destination: "Destination", connect_seconds: float, *, idle: float = IDLE, age: float = AGE
    ) -> None:
        self._destination = destination
        self._connect_seconds = connect_seconds
        self._idle_seconds, self._age_seconds = idle, age
        self._lock = Lock()
        self._idle: list[Connection] = []
        self._used: set[Connection] = set()
        belongs_to_process(self)

    def exchange(self, request: "Iterable[bytes]", deadline: "Deadline") -> "Answer":
        """Write a request, piece by piece, to a fresh connection and read its answer.

        Raises:
            NotWritten: No connection was made, or the request was not written to its end.
            AnswerLost: The request was written, and no answer came that can be read.
        """
        connection = self._take() or self._connect(deadline)
        try:
            return connection.exchange(request, deadline)
        finally:  # not reusable after any error, an interrupt included
            self._put_back(connection)

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it comes back."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._used.clear()
        for connection in idle:
            connection.close()

    def after_fork(self) -> None:
        """Close this process's ends of the parent's connections. The lock may be held by a thread that is not here."""
        inherited = [*self._idle, *self._used]
        self._lock, self._idle, self._used = Lock(), [], set()
        for connection in inherited:
            connection.close()

    def _connect(self, deadline: "Deadline") -> Connection:
        connection = Connection(self._destination, deadline.within(self._connect_seconds))
        with self._lock:
            self._used.add(connection)
        return connection

    def _take(self) -> Connection | None:
        stale: list[Connection] = []
        taken = None
        with self._lock:
            while self._idle and taken is None:
                connection = self._idle.pop()
                if connection.is_fresh(self._idle_seconds, self._age_seconds):
                    taken = connection
                    self._used.add(connection)
                else:
                    stale.append(connection)
        for connection in stale:
            connection.close()
        return taken

    def _put_back(self, connection: Connection) -> None:
        oldest: list[Connection] = []
        with self._lock:
            known = connection in self._used
            self._used.discard(connection)
            if known and connection.reusable:
                self._idle.append(connection)
                if len(self._idle) > KEPT:
                    oldest.append(self._idle.pop(0))
            else:
                oldest.append(connection)
        for other in oldest:
            other.close()
