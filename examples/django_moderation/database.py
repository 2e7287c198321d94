"""The database of the settings, from a URL."""

from typing import Any
from urllib.parse import unquote, urlsplit


def database_of(url: str) -> dict[str, Any]:
    """The entry in `DATABASES` for `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST:PORT/NAME`.

    Raises:
        ValueError: It is another database.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        # A transaction that reads before it writes would fail beside another one that writes.
        options = {"transaction_mode": "IMMEDIATE", "timeout": 30, "init_command": "PRAGMA journal_mode=WAL"}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path.removeprefix("/"), "OPTIONS": options}
    if parts.scheme != "postgresql":
        raise ValueError(f"DATABASE_URL is of the kind {parts.scheme!r}: use sqlite:///PATH or postgresql://….")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }
