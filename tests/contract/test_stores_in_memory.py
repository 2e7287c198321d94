"""The stores of `mailer.testing.memory` keep what the real ones promise."""

from collections.abc import Callable

import pytest

from mailer.stores.memory import MemoryIdempotency
from mailer.stores.memory_messages import MemoryMessageLog
from mailer.testing.memory import MemoryEvents, MemorySuppressions
from tests.contract.event_store import EventStoreContract
from tests.contract.feedback_disorder import FeedbackDisorder, Stores
from tests.contract.idempotency_store import IdempotencyStoreContract
from tests.contract.message_log import DAYS, MessageLogContract
from tests.contract.suppression_store import Clock, SuppressionStoreContract


class TestSuppressionsInMemory(SuppressionStoreContract):
    @pytest.fixture
    def make(self) -> Callable[[Clock], MemorySuppressions]:
        return MemorySuppressions


class TestEventsInMemory(EventStoreContract):
    @pytest.fixture
    def make(self) -> Callable[[Clock], MemoryEvents]:
        return MemoryEvents


class TestIdempotencyInMemory(IdempotencyStoreContract):
    @pytest.fixture
    def make(self) -> Callable[[Clock], MemoryIdempotency]:
        return MemoryIdempotency


class TestMessageLogInMemory(MessageLogContract):
    @pytest.fixture
    def make(self) -> Callable[[Clock], MemoryMessageLog]:
        return lambda clock: MemoryMessageLog(DAYS, clock=clock)


class TestFeedbackInMemory(FeedbackDisorder):
    @pytest.fixture
    def make(self) -> Callable[[Clock], Stores]:
        return lambda clock: (MemorySuppressions(clock), MemoryEvents(clock))
