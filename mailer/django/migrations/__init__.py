"""Internal: migrations of the stores' tables in Django's database."""
