"""What differs between environments, read from environment variables."""

import os
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the application.

    Attributes:
        url: Where people reach it, as links say it.
        database: The URL of the database, in which the outbox, suppressions and codes are, too.
        stack: The stack that sends its mail.
        relays: Whether its processes send the outbox. If not, `mailer outbox run` does.
    """

    url: str
    database: str
    stack: str
    relays: bool = True

    @classmethod
    def from_environment(cls) -> Self:
        """Read `APP_URL`, `DATABASE_URL`, `MAILSTACK_STACK` and, if it is set, `RELAY` (`yes` or `no`)."""
        return cls(
            url=os.environ["APP_URL"].rstrip("/"),
            database=os.environ["DATABASE_URL"],
            stack=os.environ["MAILSTACK_STACK"],
            relays=os.environ.get("RELAY", "yes") == "yes",
        )

    @property
    def store(self) -> str:
        """The URL of the library's tables in the same database: it keeps what became of each mail for 30 days."""
        return f"{self.database}{'&' if '?' in self.database else '?'}log_days=30"

    @property
    def is_secure(self) -> bool:
        """Whether cookies are for https alone."""
        return self.url.startswith("https://")
