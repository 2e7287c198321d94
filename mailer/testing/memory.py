"""The stores in memory; see `mailer.stores.memory`."""

from mailer.stores.memory import MemoryEvents, MemorySuppressions

__all__ = ["MemoryEvents", "MemorySuppressions"]
