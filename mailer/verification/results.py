"""Results for the application: a token was sent, or checked."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Outcome(Enum):
    """What became of a code or link."""

    ACCEPTED = "accepted"
    """It is valid, and this call used it. No other call gets this for the same token."""
    READY = "ready"
    """Of `look_at_link` alone: it is valid and not used."""
    REPEATED = "repeated"
    """It is valid and was used before. No error: people click twice, and mail scanners open links."""
    WRONG = "wrong"
    """The code is not the one that was sent. `attempts_left` says how many attempts are left."""
    EXHAUSTED = "exhausted"
    """All attempts at the code were used. A new one must be sent."""
    EXPIRED = "expired"
    """It is too old. A new one must be sent."""
    UNKNOWN = "unknown"
    """No such token was sent for this purpose, to this address, from this browser; or a later one replaced it."""
    OTHER_BROWSER = "other browser"
    """The link must be opened in the browser that asked for it."""
    LIMITED = "limited"
    """This client tried too many codes. `retry_at` says when it may try again."""


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """The answer to a request for a code or link: the same for every address.

    Attributes:
        retry_at: None if the request was accepted. Otherwise a limit is reached, and this is when the next request is
            accepted.
    """

    retry_at: datetime | None = None

    @property
    def ok(self) -> bool:
        """Whether the request was accepted. It does not say whether a mail was sent."""
        return self.retry_at is None

    def __repr__(self) -> str:
        return "<Asked>" if self.ok else f"<Asked: refused until {self.retry_at}>"


@dataclass(frozen=True, slots=True, repr=False)
class Checked:
    """What became of a code or link.

    Attributes:
        outcome: The outcome.
        purpose: The name of the purpose.
        address: The address that the token was sent to, in lower case; empty if there is no such token.
        account: What the application bound the token to.
        attempts_left: How often the code may still be tried.
        retry_at: When this client may try again, if it tried too often.
    """

    outcome: Outcome
    purpose: str
    address: str = ""
    account: str = ""
    attempts_left: int = 0
    retry_at: datetime | None = None

    @property
    def ok(self) -> bool:
        """Whether the token was accepted by this call."""
        return self.outcome is Outcome.ACCEPTED

    def __repr__(self) -> str:
        return f"<Checked {self.purpose}: {self.outcome.value}>"
