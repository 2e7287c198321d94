"""What time it is in the local cloud: the machine's, and what was skipped on command, for what AWS does after days."""

import time
from datetime import UTC, datetime, timedelta

_skipped = timedelta()


def now() -> datetime:
    """The time, of what expires."""
    return datetime.now(UTC) + _skipped


def seconds() -> float:
    """The same, in epoch seconds."""
    return time.time() + _skipped.total_seconds()


def skip(span: timedelta) -> None:
    """Let so much time have passed."""
    global _skipped  # noqa: PLW0603 - there is one local cloud a process
    _skipped += span


def reset() -> None:
    """Go by the machine's time again."""
    global _skipped  # noqa: PLW0603
    _skipped = timedelta()
