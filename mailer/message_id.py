"""The id that a message gets before it is sent: a UUIDv7, which holds the time at which it was made.

Standard library only, because the feedback Lambda reads ids, too.
"""

import re
import time
from datetime import UTC, datetime, timedelta
from os import urandom

# The tags that carry a message's id and the name of its template into every event of SES about it.
ID_TAG, TEMPLATE_TAG = "mailstack-id", "mailstack-template"

# RFC 9562 §5.7: 48 bits of milliseconds since 1970, the version 7, 12 random bits, the variant 0b10, 62 random bits.
_FORM = re.compile(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}\Z")
_VERSION, _VARIANT = 7 << 76, 0b10 << 62
_RANDOM_A, _RANDOM_B = 0x7FF << 64, (1 << 62) - 1
# The first of the 12 random bits, which RFC 9562 leaves to implementations: whether a message log was on.
_LOGGED, _LOGGED_AT = 1 << 75, 13
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id(milliseconds: int | None = None, *, logged: bool = False) -> str:
    """A new id: 32 hexadecimal digits, which SES allows in a tag. Later ids sort after earlier ones.

    Args:
        milliseconds: The time since 1970. Default: now.
        logged: Whether the stack keeps a message log now, so that the absence of an event will say something.

    Example:
        >>> time_of(new_id(1_645_557_742_000)).isoformat()
        '2022-02-22T19:22:22+00:00'
    """
    now = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    chance = int.from_bytes(urandom(16))
    random = chance & _RANDOM_A | chance & _RANDOM_B
    return f"{now << 80 | _VERSION | (_LOGGED if logged else 0) | _VARIANT | random:032x}"


def was_logged(id_: str) -> bool:
    """Whether the stack kept a message log when the id was made.

    Example:
        >>> was_logged(new_id(logged=True)), was_logged(new_id())
        (True, False)
    """
    return bool(_FORM.match(id_)) and int(id_[_LOGGED_AT], 16) >= 8  # noqa: PLR2004 - its first bit


def time_of(id_: str) -> datetime | None:
    """When an id was made; None for text that is not an id of this form.

    Example:
        >>> time_of("0100-example") is None
        True
    """
    if not _FORM.match(id_):
        return None
    try:
        return _EPOCH + timedelta(milliseconds=int(id_[:12], 16))
    except OverflowError:
        return None
