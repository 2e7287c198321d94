"""Tells a send in a thread that its coroutine was cancelled, so that it stops waiting for its turn."""

from contextvars import ContextVar
from threading import Event

CANCELLED: ContextVar[Event | None] = ContextVar("mailer_cancelled", default=None)
