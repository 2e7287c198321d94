"""Column types whose values are the same in SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeEngine


class _SqliteMoment(sqlite.DATETIME):
    """As text in SQLite. A connection may convert columns of its own accord, as those of Django do."""

    def result_processor(self, dialect: "Dialect", coltype: object) -> Any:
        """The value of a column that is text or a time already."""
        read: Any = super().result_processor(dialect, coltype)

        def process(value: Any) -> Any:
            return value if isinstance(value, datetime) else read(value)

        return process


class Moment(TypeDecorator[datetime]):
    """A time in UTC: `timestamptz` in PostgreSQL, sortable text in SQLite, which has no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: "Dialect") -> "TypeEngine[datetime]":
        """The type in a dialect."""
        return _SqliteMoment() if dialect.name == "sqlite" else dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: "Dialect") -> datetime | None:
        """The value as the database takes it."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: "Dialect") -> datetime | None:  # noqa: ARG002
        """The value with its time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
