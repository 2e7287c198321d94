"""The outbox in a SQL database: what relays and people do with it. Writing a mail into it: `transactions.py`.

PostgreSQL: a relay claims rows with `FOR UPDATE SKIP LOCKED`, so that relays never wait for each other. SQLite has no
row locks, and SQLAlchemy drops the clause there: `Database.write` begins with `BEGIN IMMEDIATE`, so relays take turns.
"""

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import and_, case, delete, func, or_, select, update

from mailer.address import address_key
from mailer.errors import StoreError
from mailer.message_id import time_of
from mailer.stores.base import FIRST, in_utc, utcnow
from mailer.stores.outbox import WIPED, Change, Claim, NewMail, OutboxCount, OutboxMail, OutboxStatus
from mailer.stores.sql.database import storable
from mailer.stores.sql.row_changes import change_rows
from mailer.stores.sql.url import POSTGRESQL
from mailer.stores.sql.wakeup import Listener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from threading import Event

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection, Row

    from mailer.stores.sql.database import Database

# Rows of one transaction of `purge`, so that other writers do not wait for long.
_BATCH = 500
# When a mail is tried again whose key this relay does not have.
_KEY_MISSING = timedelta(minutes=5)
_MAX_REASON = 400
# Less than what relays allow for; AWS refuses signatures that are five minutes off.
_CLOCK_TOLERANCE = timedelta(minutes=1)
# What a late result may still be about.
_OPEN = (OutboxStatus.SENDING, OutboxStatus.UNKNOWN)
_CANCELLABLE = tuple(str(one) for one in (OutboxStatus.PENDING, OutboxStatus.UNKNOWN, OutboxStatus.DEAD))
_ENDED_WELL = (OutboxStatus.SENT, OutboxStatus.SUPPRESSED, OutboxStatus.CANCELLED, OutboxStatus.EXPIRED)
log = logging.getLogger("mailer")


class SqlOutbox:
    """A `mailer.stores.outbox.OutboxStore` in a database. `SqlStores.outbox` is one.

    Args:
        database: Where the table is.
        clock: The time now, with a zone.
    """

    def __init__(self, database: "Database", *, clock: "Callable[[], datetime]" = utcnow) -> None:
        self.database = database
        self._clock, self._keyring, self._table = clock, database.keyring, database.tables.outbox

    @property
    def notifies(self) -> bool:
        """See `OutboxStore.notifies`: in PostgreSQL, unless the URL says `notify=no`."""
        return bool(self.database.place and self.database.place.notifies)

    def listen(self, wake: "Event") -> Listener:
        """See `OutboxStore.listen`."""
        return Listener(self.database.place, wake)

    def now(self) -> "datetime":
        """The time of the outbox."""
        return in_utc(self._clock())

    def values(self, mail: NewMail) -> dict[str, object]:
        """The row of a new mail, by column. The payload is sealed, so that it may be written by any connection."""
        return {
            "id": mail.id,
            "status": str(OutboxStatus.PENDING),
            "rank": -mail.priority,
            "due_at": in_utc(mail.send_at),
            "send_at": in_utc(mail.send_at),
            "expires_at": in_utc(mail.expires_at) if mail.expires_at else None,
            "created_at": in_utc(mail.created_at),
            "changed_at": in_utc(mail.created_at),
            "attempts": 0,
            "attempt_id": "",
            "claimed_by": "",
            "claimed_until": None,
            "message_id": "",
            "stream": mail.stream,
            "reason": "",
            "key": mail.key or None,
            "fingerprint": mail.fingerprint,
            "redeliver_until": in_utc(mail.redeliver_until) if mail.redeliver_until else None,
            "lost_at": None,
            "losses": None,
            **self.sealed(mail.id, mail.payload, mail.recipients),
        }

    def sealed(self, id_: str, payload: str, recipients: "Sequence[str]") -> dict[str, object]:
        """The columns of a mail's content, encrypted if there is a key."""
        lookups = (self._keyring.lookups(address)[0] for address in recipients)
        return {
            "key_id": self._keyring.current,
            "lookups": f" {' '.join(lookups)} ",
            "recipients": self._keyring.seal(json.dumps(list(recipients)), _about(id_, "recipients")),
            "payload": self._keyring.seal(storable(payload), _about(id_, "payload")),
        }

    def claim(self, relay: str, ids: "Sequence[str]", lease: timedelta) -> list[Claim]:
        """See `OutboxStore.claim`."""
        columns, now, claims = self._table.c, self.now(), list[Claim]()
        is_due = and_(columns.status == OutboxStatus.PENDING, columns.due_at <= now)
        if not ids or (self.database.is_sqlite and not self.exists(is_due)):
            return claims  # without taking SQLite's only write lock
        query = select(self._table).where(is_due).order_by(columns.rank, columns.due_at, columns.id).limit(len(ids))
        with self.database.write("claim mails in") as connection:
            rows = connection.execute(query.with_for_update(skip_locked=True)).all()
            for row, attempt_id in zip(rows, ids, strict=False):
                claimed = self._claimed(connection, row, attempt_id, relay, now + lease)
                claims += [claimed] if claimed else []
        return claims

    def _claimed(
        self, connection: "Connection", row: "Row[Any]", attempt_id: str, relay: str, until: "datetime"
    ) -> Claim | None:
        now = self.now()
        changes: dict[str, object] = {"changed_at": now}
        payload, problem = "", None
        if row.expires_at and row.expires_at <= now:
            changes |= {"status": OutboxStatus.EXPIRED, "reason": f"not sent by {row.expires_at:%Y-%m-%d %H:%M:%S} UTC"}
        else:
            payload, problem = self._opened(row)
            changes |= problem or {
                "status": OutboxStatus.SENDING,
                "attempts": row.attempts + 1,
                "attempt_id": attempt_id,
                "claimed_by": relay[:255],
                "claimed_until": until,
            }
        connection.execute(update(self._table).where(self._table.c.id == row.id).values(changes))
        if changes.get("status") is not OutboxStatus.SENDING:
            return None
        return Claim(_mail(row, **changes), payload)

    def _opened(self, row: "Row[Any]") -> tuple[str, dict[str, object] | None]:
        """The payload, or what becomes of a row that cannot be decrypted."""
        try:
            return self._keyring.open(row.payload, row.key_id, _about(row.id, "payload")), None
        except StoreError as error:
            log.error("Outbox: %s %s id=%s", error.message, error.hint, row.id)  # noqa: TRY400 - says it all
            changes: dict[str, object] = {"reason": error.message[:_MAX_REASON]}
            if row.key_id in {key.id for key in self._keyring.keys}:
                return "", {**changes, "status": OutboxStatus.DEAD}
            return "", {**changes, "due_at": self.now() + _KEY_MISSING}

    def extend(self, attempts: "Iterable[str]", lease: timedelta) -> set[str]:
        """See `OutboxStore.extend`."""
        columns, ids = self._table.c, list(attempts)
        if not ids:
            return set()
        theirs = and_(columns.status == OutboxStatus.SENDING, columns.attempt_id.in_(ids))
        write = update(self._table).where(theirs).values(claimed_until=self.now() + lease).returning(columns.attempt_id)
        with self.database.write("extend claims in") as connection:
            return set(connection.execute(write).scalars())

    def finish(self, mail: OutboxMail, change: Change) -> bool:
        """See `OutboxStore.finish`."""
        columns = self._table.c
        # An event of SES may have shown already that the mail was sent.
        late = [OutboxStatus.SENT] if change.status is OutboxStatus.SENT else []
        same = and_(columns.id == mail.id, columns.attempt_id == mail.attempt_id, columns.status.in_([*_OPEN, *late]))
        with self.database.write("record the outcome of a mail in") as connection:
            return bool(
                connection.execute(update(self._table).where(same).values(self._changes(mail, change))).rowcount
            )

    def _changes(self, mail: OutboxMail, change: Change) -> dict[str, object]:
        changes: dict[str, object] = {
            "status": change.status,
            "reason": storable(change.reason)[:_MAX_REASON],
            "changed_at": self.now(),
            "claimed_by": "",
            "claimed_until": None,
        }
        if change.message_id:
            changes["message_id"] = change.message_id[:255]
        if change.due_at:
            changes["due_at"] = in_utc(change.due_at)
        if change.status is OutboxStatus.SENT:  # with its content, if it may be sent again: see `redelivery.py`
            columns, until = self._table.c, self._table.c.redeliver_until
            is_kept = and_(until.is_not(None), until > self.now())
            return changes | {name: case((is_kept, columns[name]), else_="") for name in WIPED_COLUMNS}
        if change.status in WIPED:
            return changes | WIPED_COLUMNS
        if change.payload:
            changes |= self.sealed(mail.id, change.payload, change.recipients)
        return changes

    def lapse(self, grace: timedelta) -> int:
        """See `OutboxStore.lapse`."""
        columns, now = self._table.c, self.now()
        dead = and_(columns.status == OutboxStatus.SENDING, columns.claimed_until < now - grace)
        if self.database.is_sqlite and not self.exists(dead):
            return 0
        changes = {
            "status": OutboxStatus.UNKNOWN,
            "reason": "the relay did not record a result",
            "changed_at": now,
            "due_at": now,
            "claimed_by": "",
            "claimed_until": None,
        }
        with self.database.write("look for dead relays in") as connection:
            self._check_clock(connection)
            return connection.execute(update(self._table).where(dead).values(changes)).rowcount

    def undecided(self, limit: int, again: timedelta) -> list[OutboxMail]:
        """See `OutboxStore.undecided`."""
        columns, now = self._table.c, self.now()
        waits = and_(columns.status == OutboxStatus.UNKNOWN, columns.due_at <= now)
        if self.database.is_sqlite and not self.exists(waits):
            return []
        query = select(self._table).where(waits).order_by(columns.due_at, columns.id).limit(limit)
        with self.database.write("look for undecided mails in") as connection:
            self._check_clock(connection)
            rows = connection.execute(query.with_for_update(skip_locked=True)).all()
            later = update(self._table).where(columns.id.in_([row.id for row in rows])).values(due_at=now + again)
            connection.execute(later)
        return [_mail(row) for row in rows]

    def sent_after(self, attempt: str, limit: int) -> list[str]:
        """See `OutboxStore.sent_after`. The ids begin with the time, so they sort by it."""
        columns, since = self._table.c, time_of(attempt) or FIRST
        later = and_(columns.status == OutboxStatus.SENT, columns.changed_at >= since, columns.attempt_id > attempt)
        query = select(columns.attempt_id).where(later).order_by(columns.changed_at).limit(limit)
        with self.database.read("read the outbox of") as connection:
            return list(connection.execute(query).scalars())

    def counts(self, *, final: bool = True) -> "Mapping[OutboxStatus, OutboxCount]":
        """See `OutboxStore.counts`."""
        columns, now = self._table.c, self.now()
        is_due = and_(columns.due_at <= now, columns.status.not_in([*_ENDED_WELL, OutboxStatus.DEAD]))
        due_at, sent_at = case((is_due, 1)), case((is_due, columns.send_at))
        query = select(columns.status, func.count(), func.count(due_at), func.min(sent_at)).group_by(columns.status)
        if not final:
            query = query.where(columns.status.not_in(_ENDED_WELL))
        with self.database.read("count the mails of") as connection:
            rows = connection.execute(query).all()
        return {OutboxStatus(status): OutboxCount(count, due, oldest) for status, count, due, oldest in rows}

    def find(
        self,
        *ids: str,
        status: "OutboxStatus | str | None" = None,
        address: str = "",
        limit: int = 50,
    ) -> list[OutboxMail]:
        """Mails by id, status or recipient, the oldest first.

        Args:
            *ids: Ids that `enqueue` returned; none for all mails.
            status: Only mails with this status.
            address: Only mails to this address, as long as they may still be sent.
            limit: At most so many.

        Raises:
            StoreError: The database cannot be reached.
        """
        columns, conditions = self._table.c, list["ColumnElement[bool]"]()
        if ids:
            conditions.append(columns.id.in_(ids))
        if status:
            conditions.append(columns.status == OutboxStatus(status))
        if address:
            conditions.append(self.is_to(address))
        query = select(self._table).where(*conditions).order_by(columns.id).limit(limit)
        with self.database.read("read the outbox of") as connection:
            return [_mail(row) for row in connection.execute(query)]

    def cancel(self, *ids: str, reason: str = "cancelled", connection: object | None = None) -> int:
        """Cancel mails that no relay has claimed; an `unknown` one is not sent again.

        Args:
            *ids: Ids that `enqueue` returned.
            reason: Recorded with the mail. Do not name a person.
            connection: What the application's transaction belongs to, as for `Mailer.enqueue`; not an asynchronous one.
                The mails are cancelled if it commits. None: at once.

        Returns:
            How many were cancelled. The others were sent, are being sent, or ended before.

        Raises:
            ConfigurationError: The connection is of another kind.
            StoreError: The database cannot be reached.
        """
        changes: dict[str, object] = {
            "status": str(OutboxStatus.CANCELLED),
            "reason": storable(reason)[:_MAX_REASON],
            "changed_at": self.now(),
            "key": None,
            **WIPED_COLUMNS,
        }
        return change_rows(self.database, ids, _CANCELLABLE, changes, connection) if ids else 0

    def retry(self, *ids: str, unknown: bool = False) -> int:
        """Send dead and expired mails again, at once.

        Args:
            *ids: Ids that `enqueue` returned; none for all that are dead.
            unknown: Whether to send `unknown` mails again, too. That may send a mail twice.

        Returns:
            How many mails will be tried again.

        Raises:
            StoreError: The database cannot be reached.
        """
        columns, now = self._table.c, self.now()
        wanted = [OutboxStatus.DEAD, *([OutboxStatus.EXPIRED] if ids else [])]
        wanted += [OutboxStatus.UNKNOWN] if unknown else []
        changes = {
            "status": OutboxStatus.PENDING,
            "reason": "",
            "changed_at": now,
            "due_at": now,
            "send_at": now,  # from which `give_up_after` counts
            "expires_at": case((columns.expires_at <= now, None), else_=columns.expires_at),
        }
        which = [columns.id.in_(ids)] if ids else []
        write = update(self._table).where(columns.status.in_(wanted), columns.payload != "", *which).values(changes)
        with self.database.write("retry mails in") as connection:
            return connection.execute(write).rowcount

    def purge(self, keep: timedelta, keep_dead: timedelta) -> int:
        """Delete mails that ended, a batch a transaction, and the content of those that are not sent again any more.

        Args:
            keep: How long mails are kept that were sent, suppressed, cancelled or expired.
            keep_dead: How long dead mails are kept.

        Returns:
            How many were deleted.

        Raises:
            StoreError: The database cannot be reached.
        """
        columns, now, deleted = self._table.c, self.now(), 0
        is_kept = and_(columns.payload != "", columns.redeliver_until.is_not(None))
        over = and_(columns.status == OutboxStatus.SENT, is_kept, columns.redeliver_until <= now)
        if self.exists(over):
            with self.database.write("purge") as connection:
                connection.execute(update(self._table).where(over).values(WIPED_COLUMNS))
        may_go = or_(columns.status != OutboxStatus.SENT, columns.payload == "")
        ended = and_(columns.status.in_(_ENDED_WELL), columns.changed_at <= now - keep, may_go)
        dead = and_(columns.status == OutboxStatus.DEAD, columns.changed_at <= now - keep_dead)
        while True:  # ends: each turn deletes rows, and new ones are too young
            with self.database.write("purge") as connection:
                ids = connection.execute(select(columns.id).where(or_(ended, dead)).limit(_BATCH)).scalars().all()
                # The condition again: `retry` may have changed a row since.
                gone = connection.execute(delete(self._table).where(columns.id.in_(ids), or_(ended, dead)))
            deleted += gone.rowcount
            if len(ids) < _BATCH:
                return deleted

    def erase(self, connection: "Connection", address: str) -> int:
        """Delete the mails to an address that still have their content; return how many there were."""
        return connection.execute(delete(self._table).where(self.is_to(address))).rowcount

    def rewrite(self, connection: "Connection", row: "Row[Any]") -> None:
        """Write a row again, with the current key."""
        changes: dict[str, object] = {"key_id": self._keyring.current}
        if row.payload:
            changes |= self.sealed(row.id, *self.content(row))
        connection.execute(update(self._table).where(self._table.c.id == row.id).values(changes))

    def content(self, row: "Row[Any]") -> tuple[str, list[str]]:
        """The payload and the recipients of a row.

        Raises:
            StoreError: The key of the row is missing.
        """
        payload, recipients = (
            self._keyring.open(getattr(row, name), row.key_id, _about(row.id, name))
            for name in ("payload", "recipients")
        )
        return payload, cast("list[str]", json.loads(recipients))

    def _check_clock(self, connection: "Connection") -> None:
        """Decide nothing by a clock that is wrong: that of PostgreSQL is the same for all relays."""
        if self._clock is not utcnow or connection.dialect.name != POSTGRESQL:
            return
        theirs: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        if abs(theirs - self.now()) > _CLOCK_TOLERANCE:
            words = f"This machine's clock differs from the database's by {abs(theirs - self.now())}."
            raise StoreError(words, hint="Synchronize the clocks. Until then, this relay decides about no mail.")

    def is_to(self, address: str) -> "ColumnElement[bool]":
        """The condition that a mail is to an address, and still has its content."""
        lookups = self._keyring.lookups(address_key(address))
        return or_(*(self._table.c.lookups.contains(f" {lookup} ") for lookup in lookups))

    def exists(self, condition: "ColumnElement[bool]") -> bool:
        """Whether any mail meets a condition; takes no lock."""
        with self.database.read("read the outbox of") as connection:
            return connection.execute(select(self._table.c.id).where(condition).limit(1)).first() is not None


WIPED_COLUMNS: dict[str, object] = {"payload": "", "recipients": "", "lookups": ""}
_PARTS = (
    *("id", "stream", "created_at", "send_at", "due_at", "changed_at", "expires_at"),
    *("attempts", "attempt_id", "message_id", "reason"),
)


def _mail(row: "Row[Any]", **changes: Any) -> OutboxMail:
    parts = {name: getattr(row, name) for name in _PARTS}
    parts |= {name: value for name, value in changes.items() if name in _PARTS}
    return OutboxMail(status=OutboxStatus(changes.get("status", row.status)), priority=-row.rank, **parts)


def _about(id_: str, column: str) -> str:
    return f"outbox {id_} {column}"
