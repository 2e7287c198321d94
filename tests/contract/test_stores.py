"""All stores keep the same promises: in memory, SQLite, PostgreSQL and DynamoDB."""

from collections.abc import Callable, Iterator

import pytest

from mailer.stores.base import EventStore, SuppressionStore
from mailer.stores.idempotency import IdempotencyStore
from mailer.stores.messages import MessageLog
from tests.contract.event_store import EventStoreContract
from tests.contract.feedback_disorder import FeedbackDisorder, Stores
from tests.contract.idempotency_store import IdempotencyStoreContract
from tests.contract.message_log import MessageLogContract
from tests.contract.store_backends import BACKENDS, Backend
from tests.contract.suppression_store import Clock, SuppressionStoreContract


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    yield from request.param(request)


class TestSuppressions(SuppressionStoreContract):
    @pytest.fixture
    def make(self, backend: Backend) -> Callable[[Clock], SuppressionStore]:
        return backend.suppressions


class TestEvents(EventStoreContract):
    @pytest.fixture
    def make(self, backend: Backend) -> Callable[[Clock], EventStore]:
        return backend.events


class TestIdempotency(IdempotencyStoreContract):
    @pytest.fixture
    def make(self, backend: Backend) -> Callable[[Clock], IdempotencyStore]:
        return backend.idempotency


class TestMessageLog(MessageLogContract):
    @pytest.fixture
    def make(self, backend: Backend) -> Callable[[Clock], MessageLog]:
        return backend.messages


class TestFeedback(FeedbackDisorder):
    @pytest.fixture
    def make(self, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Callable[[Clock], Stores]:
        monkeypatch.setattr(self, "seeds", backend.seeds)
        return lambda clock: (backend.suppressions(clock), backend.events(clock))
