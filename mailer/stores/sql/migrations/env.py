"""Alembic's entry point. `mailer.stores.sql.migrate` passes the connection, the schema and the prefix."""

from alembic import context

given = context.config.attributes
context.configure(
    connection=given["connection"],
    version_table=given["version_table"],
    version_table_schema=given["schema"],
)
context.run_migrations()
