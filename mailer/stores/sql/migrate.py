"""The versions of the tables: whether they are current, and Alembic to update them.

Migrations only add: an older library works with newer tables, so that processes of two versions can run side by side.
"""

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import MetaData, String, Table, column, func, inspect, select, text
from sqlalchemy.schema import CreateSchema

from mailer.stores.sql.tables import Tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# The newest version in `migrations/versions`; known here, so that a process that does not migrate loads no Alembic.
HEAD = "0008"
SCRIPTS = Path(__file__).parent / "migrations"
# The key of the lock that a migration holds: PostgreSQL's advisory locks have numbers.
_LOCK_NUMBER = 0x6D61696C
# Alembic's context belongs to the process, not to a thread.
_ONE_AT_A_TIME = Lock()


def is_current(connection: "Connection", prefix: str, schema: str | None) -> bool:
    """Whether the tables have this version or a newer one."""
    return (_version(connection, prefix, schema) or "") >= HEAD


def upgrade(connection: "Connection", prefix: str, schema: str | None) -> None:
    """Bring the tables to `HEAD` within the connection's transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_NUMBER)))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        if schema and not inspect(connection).has_schema(schema):
            connection.execute(CreateSchema(schema))
    if is_current(connection, prefix, schema):  # another process was quicker
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(
        connection=connection, prefix=prefix, schema=schema, version_table=f"{prefix}{Tables.VERSION}"
    )
    with _ONE_AT_A_TIME:
        command.upgrade(config, "head")


def _version(connection: "Connection", prefix: str, schema: str | None) -> str | None:
    name = f"{prefix}{Tables.VERSION}"
    if not inspect(connection).has_table(name, schema=schema):
        return None
    number = column("version_num", String)
    table = Table(name, MetaData(), schema=schema)
    return connection.execute(select(number).select_from(table)).scalar()
