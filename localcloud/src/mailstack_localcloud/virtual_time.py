"""The time in the local cloud: the machine's plus skipped time, for AWS's behaviour after days."""

import time
from datetime import UTC, datetime, timedelta

_skipped = timedelta()


def now() -> datetime:
    """The current time, for everything that expires."""
    return datetime.now(UTC) + _skipped


def seconds() -> float:
    """The same, in epoch seconds."""
    return time.time() + _skipped.total_seconds()


def skip(span: timedelta) -> None:
    """Advance the time."""
    global _skipped  # noqa: PLW0603 - there is one local cloud a process
    _skipped += span


def reset() -> None:
    """Return to the machine's time."""
    global _skipped  # noqa: PLW0603
    _skipped = timedelta()
