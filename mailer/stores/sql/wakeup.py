"""Wakes a relay when a mail is committed: PostgreSQL's LISTEN. Not for finding mails: a relay also looks by itself.

https://www.postgresql.org/docs/current/sql-notify.html: a notification arrives when the transaction commits.
"""

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailer.stores.sql.url import Location

# Seconds between two looks at whether to end, and before a lost connection is opened again.
_LOOK, _PAUSE = 0.5, 2.0
# Rounds without a notification after which the connection is tried: a peer may have vanished.
_TRY_EVERY = 60
log = logging.getLogger("mailer")


class Listener:
    """A thread with a connection of its own that sets an event at each notification, while the context is open.

    Behind a pooler in transaction mode no notification arrives; the relay then finds mails by polling.

    Args:
        place: The database. For None, SQLite, and if its URL says `notify=no`, nothing is done.
        wake: The event.
    """

    def __init__(self, place: "Location | None", wake: Event) -> None:
        self._wake, self._ended = wake, Event()
        self._thread: Thread | None = None
        if place and place.notifies:
            self._thread = Thread(target=self._run, args=(place,), name="mailer-outbox-listen", daemon=True)

    def __enter__(self) -> None:
        if self._thread:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _run(self, place: "Location") -> None:
        from psycopg import Error

        while not self._ended.is_set():
            try:
                self._listen(place)
            except (Error, OSError) as error:
                log.warning("Outbox: not woken by notifications, looks by itself: %s", type(error).__name__)
            self._ended.wait(_PAUSE)

    def _listen(self, place: "Location") -> None:
        from psycopg import connect, sql

        channel = sql.SQL("LISTEN {}").format(sql.Identifier(place.channel))
        arguments: dict[str, Any] = {**place.connect_args(), "autocommit": True}
        url = place.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with connect(url, **arguments) as connection:
            connection.execute(channel)
            self._wake.set()  # for what was committed before
            rounds = 0
            while not self._ended.is_set():
                for _ in connection.notifies(timeout=_LOOK, stop_after=1):
                    self._wake.set()
                    rounds = 0
                rounds += 1
                if rounds % _TRY_EVERY == 0:
                    connection.execute("SELECT 1")
