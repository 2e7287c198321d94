"""Changes of rows of the outbox, by the application's own connection or by one of ours."""

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import update

from mailer.errors import ConfigurationError
from mailer.stores.sql.application_connection import (
    BY_CURSOR,
    CONNECTIONS,
    connection_of,
    database_of,
    kind_of,
    placeholder,
    safe_errors,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailer.stores.sql.database import Database


def change_rows(
    database: "Database",
    ids: "Sequence[str]",
    statuses: "Sequence[str]",
    changes: "Mapping[str, object]",
    connection: object | None,
) -> int:
    """Change those of the mails that have one of the statuses, by the application's connection; return how many.

    Raises:
        ConfigurationError: The connection is of no kind that is supported, or asynchronous.
        StoreError: Without a connection: the database cannot be reached.
    """
    columns = database.tables.outbox.c
    which = (columns.id.in_(ids), columns.status.in_(statuses))
    statement = update(database.tables.outbox).where(*which).values(changes)
    if connection is None:
        with database.write("change mails in") as own:
            return own.execute(statement).rowcount
    kind = kind_of(connection)
    if kind == "sqlalchemy":
        with safe_errors():
            return connection_of(connection).execute(statement).rowcount
    if kind not in BY_CURSOR:
        raise ConfigurationError(f"Mails cannot be changed by a {type(connection).__qualname__}.", hint=CONNECTIONS)
    style = placeholder(named=kind == "sqlite3")
    values = {name: written(value, database_of(kind, connection)) for name, value in changes.items()}
    return _update_by_cursor(database, cast("Any", connection).cursor(), style, values, {"id": ids, "status": statuses})


def _update_by_cursor(
    database: "Database",
    cursor: Any,
    style: str,
    values: "Mapping[str, object]",
    among: "Mapping[str, Sequence[str]]",
) -> int:
    """Change the rows of which each column has one of its values."""
    allowed = {f"{column}_{n}": one for column, several in among.items() for n, one in enumerate(several)}
    sets = ", ".join(f"{name} = {style.format(name)}" for name in values)
    conditions = (
        f"{column} IN ({', '.join(style.format(f'{column}_{n}') for n in range(len(several)))})"
        for column, several in among.items()
    )
    words = f"UPDATE {database.tables.outbox.fullname} SET {sets} WHERE {' AND '.join(conditions)}"  # noqa: S608 - names of ours
    try:
        with safe_errors():
            cursor.execute(words, {**values, **allowed})
            return int(cursor.rowcount)
    finally:
        cursor.close()
