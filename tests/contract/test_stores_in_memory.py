"""The stores that the processor's tests use keep what the real ones promise."""

from collections.abc import Callable

import pytest

from tests.contract.event_store import EventStoreContract
from tests.contract.suppression_store import Clock, SuppressionStoreContract
from tests.unit.feedback.memory import MemoryEvents, MemorySuppressions


class TestSuppressionsInMemory(SuppressionStoreContract):
    @pytest.fixture
    def make(self) -> Callable[[Clock], MemorySuppressions]:
        return MemorySuppressions


class TestEventsInMemory(EventStoreContract):
    @pytest.fixture
    def make(self) -> Callable[[Clock], MemoryEvents]:
        return MemoryEvents
