"""Mail of the outbox that was lost to a soft bounce, in a SQL database: it waits until the mailbox works.

A sent mail that may be sent again keeps its content. Each recipient leaves it once: when the mail arrived or cannot
arrive any more, or when it was lost. A lost mail waits as a mail of its own, `pending` until its expiry. Each step is
one transaction, so an event that is processed again finds nothing left to do.
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, insert, select, update

from mailer.address import address_key
from mailer.message_id import new_id
from mailer.stores.base import in_utc
from mailer.stores.outbox import NewMail, OutboxStatus
from mailer.stores.sql.outbox import WIPED_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection, Row

    from mailer.stores.sql.outbox import SqlOutbox

    # A mail without the recipients whose `Address.key` is among these.
    Without = Callable[[str, Container[str]], str]

# How often a mail is sent again at most: a mailbox may take every mail but this one.
MAX_LOSSES = 3
WAITS, WORKS, ARRIVED = (
    "lost to a soft bounce; sent again when the mailbox works",
    "lost to a soft bounce; the mailbox works again",
    "it arrived, or cannot arrive any more",
)
# An event proves that SES accepted the mail, even if the relay has not recorded it yet.
_ACCEPTED = (OutboxStatus.SENT, OutboxStatus.SENDING, OutboxStatus.UNKNOWN)


class SqlRedelivery:
    """What waits in an outbox for its mailbox. Every method raises `StoreError`.

    Args:
        outbox: The outbox.
        without: What takes recipients out of a payload.
    """

    def __init__(self, outbox: "SqlOutbox", without: "Without") -> None:
        self._outbox, self._without = outbox, without
        self._database, self._table = outbox.database, outbox.database.tables.outbox

    def lose(self, attempt: str, address: str, at: "datetime") -> None:
        """Keep a mail that a soft bounce lost for one recipient, so that it can be sent again.

        Args:
            attempt: The id of the attempt, from the tag `mailstack-id`.
            address: The recipient.
            at: When it bounced.
        """
        key = address_key(address)
        if not self._outbox.exists(self._kept(attempt, address)):
            return
        with self._database.write("keep a lost mail in") as connection:
            for row in self._locked(connection, self._kept(attempt, address)):
                payload, recipients = self._outbox.content(row)
                if key in recipients:
                    self._split(connection, row, payload, recipients, key, at)
                    self._leave(connection, row, payload, recipients, key)

    def settle(self, attempt: str, address: str) -> None:
        """Send a mail to a recipient never again: it arrived, or cannot arrive any more.

        Args:
            attempt: The id of the attempt, from the tag `mailstack-id`.
            address: The recipient.
        """
        key, waits = address_key(address), self._waits(self._table.c.attempt_id == attempt, address)
        if not self._outbox.exists(self._kept(attempt, address) | waits):
            return
        with self._database.write("settle a mail in") as connection:
            for row in self._locked(connection, self._kept(attempt, address)):
                payload, recipients = self._outbox.content(row)
                if key in recipients:
                    self._leave(connection, row, payload, recipients, key)
            changes = {"status": OutboxStatus.CANCELLED, "reason": ARRIVED, "changed_at": self._outbox.now()}
            connection.execute(update(self._table).where(waits).values({**changes, **WIPED_COLUMNS}))

    def release(self, address: str, since: "datetime", after: "timedelta") -> int:
        """Send what waits for a mailbox, because it works.

        Args:
            address: The mailbox.
            since: When it took a mail. What was lost later waits on.
            after: How long until it is sent. Meanwhile, late events can still settle it.

        Returns:
            How many mails will be sent.
        """
        columns, now = self._table.c, self._outbox.now()
        due = now + after
        is_early = and_(columns.due_at >= columns.expires_at, columns.expires_at > due)
        waits = self._waits(and_(columns.lost_at < in_utc(since), is_early), address)
        if not self._outbox.exists(waits):
            return 0
        changes = {"due_at": due, "send_at": due, "changed_at": now, "reason": WORKS}
        with self._database.write("send lost mails in") as connection:
            return connection.execute(update(self._table).where(waits).values(changes)).rowcount

    def _kept(self, attempt: str, address: str) -> "ColumnElement[bool]":
        """The mail of an attempt, if it may be sent to the recipient again."""
        columns = self._table.c
        is_kept = and_(columns.status.in_(_ACCEPTED), columns.redeliver_until.is_not(None), columns.payload != "")
        return and_(columns.attempt_id == attempt, is_kept, self._outbox.is_to(address))

    def _waits(self, which: "ColumnElement[bool]", address: str) -> "ColumnElement[bool]":
        """Lost mails to an address that wait. One that is to be sent soon can still be settled by its attempt."""
        columns = self._table.c
        is_lost = and_(columns.status == OutboxStatus.PENDING, columns.lost_at.is_not(None))
        return and_(is_lost, which, self._outbox.is_to(address))

    def _locked(self, connection: "Connection", condition: "ColumnElement[bool]") -> "list[Row[Any]]":
        return list(connection.execute(select(self._table).where(condition).with_for_update()))

    def _split(
        self,
        connection: "Connection",
        row: "Row[Any]",
        payload: str,
        recipients: list[str],
        key: str,
        at: "datetime",
    ) -> None:
        """Write the mail that waits, unless its time is over or it was lost too often."""
        now, losses = self._outbox.now(), (row.losses or 0) + 1
        if row.redeliver_until <= now or losses > MAX_LOSSES:
            return
        values = self._outbox.values(
            NewMail(
                id=new_id(int(now.timestamp() * 1000)),
                payload=self._without(payload, set(recipients) - {key}),
                recipients=(key,),
                stream=row.stream,
                created_at=now,
                send_at=row.redeliver_until,
                expires_at=row.redeliver_until,
                priority=-row.rank,
                redeliver_until=row.redeliver_until,
            )
        )
        lost = {"reason": WAITS, "attempt_id": row.attempt_id, "lost_at": in_utc(at), "losses": losses}
        connection.execute(insert(self._table).values({**values, **lost}))

    def _leave(self, connection: "Connection", row: "Row[Any]", payload: str, recipients: list[str], key: str) -> None:
        """Take a recipient out of the mail, which was sent. Without recipients, its content is deleted."""
        left = [one for one in recipients if one != key]
        content = self._outbox.sealed(row.id, self._without(payload, {key}), left) if left else WIPED_COLUMNS
        changes: dict[str, object] = {"status": OutboxStatus.SENT, "claimed_by": "", "claimed_until": None}
        if row.status != OutboxStatus.SENT:
            changes |= {"changed_at": self._outbox.now(), "reason": "SES has reported an event of it"}
        connection.execute(update(self._table).where(self._table.c.id == row.id).values({**changes, **content}))
