"""Verification tokens in memory, for tests and work without a cloud."""

from dataclasses import replace
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING

from mailer.address import address_key
from mailer.stores.base import in_utc
from mailer.stores.tokens import AUDIT, KEPT, TokenEvent, newest_first

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mailer.stores.tokens import Limit, Token, UsedBy

# Every so many tokens, what has expired is deleted, so that a process that runs for long does not grow.
_PURGE_EVERY = 500


class MemoryTokens:
    """A `mailer.stores.tokens.TokenStore` for the threads of one process, which a restart forgets."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._limits: dict[str, tuple[str, datetime]] = {}
        self._events: list[TokenEvent] = []
        self._written = 0
        self._lock = RLock()

    def put(self, token: "Token", *, replaces: "Sequence[str]" = (), detail: str = "") -> None:
        """See `TokenStore.put`."""
        with self._lock:
            for old in replaces:
                self._tokens.pop(old, None)
            self._tokens[token.id] = token
            self._events.append(TokenEvent.of(token, "issued", token.issued_at, detail))
            self._written += 1
            if self._written % _PURGE_EVERY == 0:
                self.purge(token.issued_at)

    def get(self, id_: str) -> "Token | None":
        """See `TokenStore.get`."""
        with self._lock:
            return self._tokens.get(id_)

    def attempt(self, id_: str) -> "Token | None":
        """See `TokenStore.attempt`."""
        with self._lock:
            token = self._tokens.get(id_)
            if token is None:
                return None
            self._tokens[id_] = counted = replace(token, attempts=token.attempts + 1)
            return counted

    def use(self, token: "Token", *, at: "datetime", by: "UsedBy", after_other: bool = False) -> bool:
        """See `TokenStore.use`."""
        with self._lock:
            there = self._tokens.get(token.id)
            if there is None or there.serial != token.serial or not there.can_be_used(by, after_other=after_other):
                return False
            self._tokens[token.id] = there.used(at, by)
            self._events.append(TokenEvent.of(there, "used", at, by))
            return True

    def take(self, key: str, limit: "Limit", at: "datetime") -> "datetime | None":
        """See `TokenStore.take`."""
        with self._lock:
            taken, _ = self._limits.get(key, ("", at))
            kept, refused = limit.counted(taken, at)
            if refused is None:
                self._limits[key] = (kept, in_utc(at) + limit.period)
            return refused

    def record(self, event: TokenEvent) -> None:
        """See `TokenStore.record`."""
        with self._lock:
            self._events.append(event)

    def events(self, *, since: "datetime", address: str = "", limit: int = 1000) -> "Iterator[TokenEvent]":
        """See `TokenStore.events`."""
        key = address_key(address)
        with self._lock:
            found = [one for one in self._events if one.at >= since and key in ("", one.address)]
        return islice(newest_first(found), limit)

    def purge(self, now: "datetime") -> dict[str, int]:
        """See `TokenStore.purge`."""
        with self._lock:
            before = len(self._tokens), len(self._limits), len(self._events)
            self._tokens = {key: one for key, one in self._tokens.items() if one.expires_at + KEPT > now}
            self._limits = {key: one for key, one in self._limits.items() if one[1] > now}
            self._events = [one for one in self._events if one.at + AUDIT > now]
            after = len(self._tokens), len(self._limits), len(self._events)
        return dict(
            zip(("tokens", "limits", "events"), (a - b for a, b in zip(before, after, strict=True)), strict=True)
        )
