"""The suppression list of the fixture `outbox` keeps what the real ones promise."""

from collections.abc import Callable

import pytest

from mailer.testing.memory import MemorySuppressions
from tests.contract.suppression_store import Clock, SuppressionStoreContract


class TestSuppressionsInMemory(SuppressionStoreContract):
    @pytest.fixture
    def make(self) -> Callable[[Clock], MemorySuppressions]:
        return MemorySuppressions
