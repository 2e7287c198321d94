"""What a store of idempotency keys keeps and promises. A key is spent by one message, whichever worker sends it.

Standard library only. Each database has a module of its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

# How long a key is kept. Task queues and payment providers retry for a day or less.
RETENTION = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """A key and the message that was, or is being, sent with it.

    Attributes:
        key: The SHA-256 of the caller's key, in hexadecimal: the key itself may name a person.
        fingerprint: The SHA-256 of the message, in hexadecimal, so that a key used for another message is noticed.
        id: The id of the message; see `SendResult.id`.
        busy_until: When a sender that has not recorded a result by then must have ended.
        expires_at: When the key can be used again.
        results: One JSON array with a result per recipient; empty until the message was sent.
    """

    key: str
    fingerprint: str
    id: str
    busy_until: datetime
    expires_at: datetime
    results: str = ""


class IdempotencyStore(Protocol):
    """Which keys are spent. Every method is atomic and raises `StoreError`."""

    def begin(self, record: IdempotencyRecord) -> IdempotencyRecord | None:
        """Write a record, unless its key has one that has not expired. Return that one, or None after writing."""
        ...

    def complete(self, record: IdempotencyRecord) -> None:
        """Write the results of a record that `begin` wrote; do nothing if the key belongs to another message by now."""
        ...

    def release(self, record: IdempotencyRecord) -> None:
        """Delete a record that `begin` wrote, so that the key can be used again; do nothing if it is another's."""
        ...

    def get(self, key: str) -> IdempotencyRecord | None:
        """The record of a key; None without one, or when it has expired."""
        ...
