"""What differs between environments, read from environment variables."""

import os
from dataclasses import dataclass
from typing import Self

from mailer import ConfigurationError


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
        """Read `APP_URL`, `DATABASE_URL`, `MAILSTACK_STACK` and, if it is set, `RELAY` (`yes` or `no`).

        Raises:
            ConfigurationError: One of the first three is missing.
        """
        return cls(
            url=_required("APP_URL", "the address of the application, such as https://family.example.com").rstrip("/"),
            database=_required("DATABASE_URL", "the database, such as postgresql://... or sqlite:///family.db"),
            stack=_required("MAILSTACK_STACK", "the stack that sends its mail, such as prod"),
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


def _required(name: str, meaning: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ConfigurationError(f"The environment variable {name} is not set.", hint=f"Set it to {meaning}.")
    return value
