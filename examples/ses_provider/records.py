"""Bounces and complaints as rows of the service's own tables, written by a hook of the webhook.

Suppressions are in the library's table beside them (`mailstack_suppressions`), which sending reads.
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import DateTime, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mailer.webhooks import FeedbackHook

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from mailer import StackOutputs
    from mailer.webhooks import Bounce, Click, Complaint, Notice, Open

    from .counters import Counters


class Base(DeclarativeBase):
    """The tables of the service."""


class _Feedback(Base):
    """One recipient's part of a report. SES's feedback id is the same for each recipient that a report names."""

    __abstract__ = True
    key: Mapped[str] = mapped_column(primary_key=True)  # the same each time that SNS sends the event
    email: Mapped[str] = mapped_column(index=True)
    message_id: Mapped[str] = mapped_column(index=True)
    feedback_id: Mapped[str] = mapped_column(index=True)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    suppressed: Mapped[bool]  # for good; soft bounces suppress for a while
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class EmailBounce(_Feedback):
    """A bounce, as SES reports it: https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-object."""

    __tablename__ = "email_bounces"
    type: Mapped[str]
    sub_type: Mapped[str]
    status: Mapped[str]  # the enhanced status code of RFC 3463
    diagnostic: Mapped[str]  # the remote server's words
    reporting_mta: Mapped[str]


class EmailComplaint(_Feedback):
    """A complaint; `type` is the feedback type of RFC 5965 §7.3, such as `abuse`, and may be empty."""

    __tablename__ = "email_complaints"
    type: Mapped[str]
    sub_type: Mapped[str]


class Recording(FeedbackHook):
    """Writes the rows, and counts those that are new.

    Args:
        engine: The database.
        counters: What is counted.
        outputs: The stack, which names the stream of a configuration set.
    """

    def __init__(self, engine: "Engine", counters: "Counters", outputs: "StackOutputs") -> None:
        self._engine, self._counters = engine, counters
        self._streams = {stream.configuration_set: name for name, stream in outputs.streams.items()}

    def on_bounce(self, notice: "Notice[Bounce]") -> None:
        """Record a bounce."""
        bounce, recipient = notice.event, notice.recipient
        values = {"type": bounce.bounce_type, "sub_type": bounce.sub_type, "reporting_mta": bounce.reporting_mta}
        values |= {"status": recipient.status, "diagnostic": recipient.diagnostic}
        if self._is_new(EmailBounce, notice, values):
            self._counters.bounced(bounce.bounce_type, notice.decision)

    def on_complaint(self, notice: "Notice[Complaint]") -> None:
        """Record a complaint."""
        complaint = notice.event
        values = {"type": complaint.feedback_type, "sub_type": complaint.sub_type}
        if self._is_new(EmailComplaint, notice, values):
            self._counters.complained(notice.decision)

    def on_open(self, notice: "Notice[Open]") -> None:
        """Count an open; nothing is stored of it."""
        self._counters.opened(self._stream(notice.event.mail.configuration_set))

    def on_click(self, notice: "Notice[Click]") -> None:
        """Count a click; nothing is stored of it."""
        self._counters.clicked(self._stream(notice.event.mail.configuration_set))

    def _stream(self, configuration_set: str) -> str:
        return self._streams.get(configuration_set, "unknown")

    def _is_new(
        self, table: type[_Feedback], notice: "Notice[Bounce] | Notice[Complaint]", values: dict[str, str]
    ) -> bool:
        event = notice.event
        row: dict[str, object] = {
            "key": notice.key,
            "email": notice.address,
            "message_id": event.mail.message_id,
            "feedback_id": event.feedback_id,
            "occurred_at": event.occurred_at,
            "suppressed": notice.decision.reason is not None,
            "created_at": datetime.now(UTC),
            **values,
        }
        # A process that dies before the library has recorded the call gets the event again.
        statement = insert(table).values(row).on_conflict_do_nothing().returning(table.key)
        with self._engine.begin() as connection:
            return connection.execute(statement).first() is not None


def delete_older(engine: "Engine", age: timedelta) -> int:
    """Delete rows that are older, and return how many."""
    before = datetime.now(UTC) - age
    deleted = 0
    with engine.begin() as connection:
        for table in (EmailBounce, EmailComplaint):
            deleted += connection.execute(delete(table).where(table.created_at < before)).rowcount
    return deleted


def delete_of(engine: "Engine", email: str) -> int:
    """Delete the rows of one person, and return how many."""
    deleted = 0
    with engine.begin() as connection:
        for table in (EmailBounce, EmailComplaint):
            deleted += connection.execute(delete(table).where(table.email == email.lower())).rowcount
    return deleted
