"""Internal: the stores in a SQL database, one module a concern. SQLAlchemy is imported by its modules alone."""
