"""What a store of verification tokens keeps and promises: codes and links, how often they may be asked for, an audit.

Standard library only. Each database has a module of its own. `mailer.verification` decides what is valid; a store
keeps, counts and marks, each atomically. It holds no code and no link, only keyed hashes of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol, get_args

from mailer.address import address_key, mask
from mailer.stores.base import in_utc

Kind = Literal["code", "link"]
Action = Literal["issued", "used", "failed"]
# Which browser used a token: the one that asked for it, or another one.
UsedBy = Literal["", "asking", "other"]
ACTIONS: tuple[Action, ...] = get_args(Action)

# How long a token is kept after it expired, so that a late visitor learns that it expired.
KEPT = timedelta(days=1)
# How long the audit is kept.
AUDIT = timedelta(days=30)
# Times of one limit that are kept: an item of DynamoDB and a row stay small.
MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many in every period of that length. Counted exactly, without fixed windows.

    Attributes:
        count: How many, from 1 to 1000.
        period: The length of the period.

    Raises:
        ValueError: The count or the period is out of range.
    """

    count: int
    period: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_COUNTED:
            raise ValueError(f"The count of a limit is {self.count}: use 1 to {MOST_COUNTED}.")
        if not timedelta(seconds=1) <= self.period <= timedelta(days=31):
            raise ValueError(f"The period of a limit is {self.period}: use 1 second to 31 days.")

    def counted(self, taken: str, at: datetime) -> "tuple[str, datetime | None]":
        """Count one more, in the form that stores keep: milliseconds since 1970 with commas between them.

        Returns:
            What to keep, and None; or what was kept, and when the next one is allowed.

        Example:
            >>> limit, noon = Limit(1, timedelta(minutes=1)), datetime(2026, 1, 1, 12, tzinfo=UTC)
            >>> kept, refused = limit.counted("", noon)
            >>> kept, refused
            ('1767268800000', None)
            >>> limit.counted(kept, noon + timedelta(seconds=20))[1]
            datetime.datetime(2026, 1, 1, 12, 1, tzinfo=datetime.timezone.utc)
        """
        now, period = _milliseconds(at), round(self.period.total_seconds() * 1000)
        # Times of a clock that was ahead count, but not for ever.
        times = sorted(one for one in map(int, filter(None, taken.split(","))) if abs(now - one) < period)
        if len(times) >= self.count:
            return taken, datetime.fromtimestamp((times[-self.count] + period) / 1000, UTC)
        return ",".join(map(str, [*times, now])), None


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Token:
    """A code or link that was issued.

    Attributes:
        id: Where it is found, in hexadecimal: a keyed hash of what it was issued for. A later token with the same id
            replaces it.
        serial: Random; tells the token from the one that it replaced.
        kind: `code` or `link`.
        purpose: What it is good for.
        address: The bare address in lower case.
        account: What the application bound it to, such as a user's id; may be empty.
        digest: The keyed hash of the code or link, in hexadecimal.
        key_id: The key that it is hashed with.
        browser: The keyed hash of the asking browser's secret; empty without one.
        issued_at: When it was issued, with a time zone. Stored in UTC.
        expires_at: When it expires. Stored in UTC.
        attempts: How often somebody tried a code.
        used_at: When it was last used; None if it was not.
        used_by: Which browser used it.
    """

    id: str
    serial: str
    kind: Kind
    purpose: str
    address: str
    account: str = ""
    digest: str
    key_id: str
    browser: str = ""
    issued_at: datetime
    expires_at: datetime
    attempts: int = 0
    used_at: datetime | None = None
    used_by: UsedBy = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", address_key(self.address))
        object.__setattr__(self, "issued_at", in_utc(self.issued_at))
        object.__setattr__(self, "expires_at", in_utc(self.expires_at))
        object.__setattr__(self, "used_at", in_utc(self.used_at) if self.used_at else None)

    def __repr__(self) -> str:
        return f"<Token {self.kind} for {self.purpose} of {mask(self.address)}>"

    def can_be_used(self, by: UsedBy, *, after_other: bool = False) -> bool:
        """Whether `TokenStore.use` would succeed: once; with `after_other`, once more by the asking browser.

        The exception keeps people from being locked out by a mail scanner that submits forms.
        """
        return self.used_at is None or (after_other and self.used_by == "other" and by == "asking")

    def used(self, at: datetime, by: UsedBy) -> "Token":
        """The token after its use."""
        return replace(self, used_at=at, used_by=by)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TokenEvent:
    """One line of the audit.

    Attributes:
        at: When it happened, with a time zone. Stored in UTC.
        action: `issued`, `used` or `failed`.
        kind: `code` or `link`.
        purpose: What the token is good for.
        address: The bare address in lower case.
        account: What the application bound it to.
        serial: The token's serial; the same in all its events.
        detail: Why it failed, or by which browser it was used.
    """

    at: datetime
    action: Action
    kind: Kind
    purpose: str
    address: str
    account: str = ""
    serial: str
    detail: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", in_utc(self.at))
        object.__setattr__(self, "address", address_key(self.address))

    @classmethod
    def of(cls, token: Token, action: Action, at: datetime, detail: str = "") -> "TokenEvent":
        """What happened to a token."""
        return cls(
            at=at,
            action=action,
            kind=token.kind,
            purpose=token.purpose,
            address=token.address,
            account=token.account,
            serial=token.serial,
            detail=detail,
        )

    def __repr__(self) -> str:
        return f"<TokenEvent {self.action} {self.kind} for {self.purpose} of {mask(self.address)}>"


class TokenStore(Protocol):
    """Codes and links. Every method is atomic and raises `StoreError`."""

    def put(self, token: Token, *, replaces: Sequence[str] = (), detail: str = "") -> None:
        """Write a token in place of those with its id and with the ids in `replaces`; record that it was issued."""
        ...

    def get(self, id_: str) -> Token | None:
        """The token with the id, even if it has expired; None without one."""
        ...

    def attempt(self, id_: str) -> Token | None:
        """Count an attempt, and return the token with it; None without a token. Concurrent attempts count each."""
        ...

    def use(self, token: Token, *, at: datetime, by: UsedBy, after_other: bool = False) -> bool:
        """Mark a token as used and record it, if `Token.can_be_used`; return whether this caller did.

        Of concurrent callers, one succeeds. A token that was replaced since it was read cannot be used.
        """
        ...

    def take(self, key: str, limit: Limit, at: datetime) -> datetime | None:
        """Count one for the key unless its limit is reached; None, or when the next one is allowed."""
        ...

    def record(self, event: TokenEvent) -> None:
        """Add a line to the audit."""
        ...

    def events(self, *, since: datetime, address: str = "", limit: int = 1000) -> Iterator[TokenEvent]:
        """The audit since then, newest first, at most `limit`; of one address, or of all. Not for use while sending."""
        ...

    def purge(self, now: datetime) -> dict[str, int]:
        """Delete tokens, limits and events that are not needed any more; return how many of each."""
        ...


def newest_first(events: Iterable[TokenEvent]) -> list[TokenEvent]:
    """Events in the order of `TokenStore.events`; of the same moment, what happened to a token later comes first."""
    return sorted(events, key=lambda one: (one.at, -_ORDER.index(one.action), one.serial), reverse=True)


_ORDER: tuple[Action, ...] = ("used", "failed", "issued")
