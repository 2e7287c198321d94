"""All stores keep the same promises: in memory, SQLite, PostgreSQL and DynamoDB."""

from collections.abc import Callable, Iterator

import pytest

from mailer.stores.base import EventStore, RevisableSuppressions, SuppressionStore
from mailer.stores.counters import DayCounters
from mailer.stores.idempotency import IdempotencyStore
from mailer.stores.messages import MessageLog
from mailer.stores.rate import RateStore
from mailer.stores.soft_bounces import SoftBounceStore
from mailer.stores.tokens import TokenStore
from tests.contract.day_counters import DayCountersContract
from tests.contract.event_store import EventStoreContract
from tests.contract.feedback_disorder import FeedbackDisorder, Stores
from tests.contract.idempotency_store import IdempotencyStoreContract
from tests.contract.message_log import MessageLogContract
from tests.contract.rate_store import RateStoreContract
from tests.contract.revisable_suppressions import RevisableSuppressionsContract
from tests.contract.soft_bounce_store import SoftBounceStoreContract
from tests.contract.store_backends import BACKENDS, SHARED_BACKENDS, Backend, SharedBackend
from tests.contract.suppression_store import Clock, SuppressionStoreContract
from tests.contract.token_store import TokenStoreContract


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    yield from request.param(request)


@pytest.fixture(scope="module", params=SHARED_BACKENDS)
def shared_backend(request: pytest.FixtureRequest) -> Iterator[SharedBackend]:
    yield from request.param(request)


class TestSuppressions(SuppressionStoreContract):
    @pytest.fixture
    def make(self, backend: Backend) -> Callable[[Clock], SuppressionStore]:
        return backend.suppressions


class TestEvents(EventStoreContract):
    @pytest.fixture
    def make(self, backend: Backend) -> Callable[[Clock], EventStore]:
        return backend.events


class TestRevisions(RevisableSuppressionsContract):
    @pytest.fixture
    def make(self, backend: Backend) -> Callable[[Clock], RevisableSuppressions]:
        return backend.suppressions


class TestSoftBounces(SoftBounceStoreContract):
    @pytest.fixture
    def make(self, backend: Backend) -> Callable[[Clock], SoftBounceStore]:
        return backend.soft_bounces


class TestIdempotency(IdempotencyStoreContract):
    @pytest.fixture
    def make(self, backend: Backend) -> Callable[[Clock], IdempotencyStore]:
        return backend.idempotency


class TestMessageLog(MessageLogContract):
    @pytest.fixture
    def make(self, backend: Backend) -> Callable[[Clock], MessageLog]:
        return backend.messages


class TestDayCounters(DayCountersContract):
    @pytest.fixture
    def make(self, backend: Backend) -> Callable[[Clock], DayCounters]:
        return backend.counters


class TestRate(RateStoreContract):
    @pytest.fixture
    def make(self, shared_backend: SharedBackend) -> Callable[[], RateStore]:
        return shared_backend.rate


class TestTokens(TokenStoreContract):
    @pytest.fixture
    def make(self, backend: Backend) -> Callable[[], TokenStore]:
        return backend.tokens


class TestFeedback(FeedbackDisorder):
    @pytest.fixture
    def make(self, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Callable[[Clock], Stores]:
        monkeypatch.setattr(self, "seeds", backend.seeds)
        return lambda clock: (backend.suppressions(clock), backend.events(clock))
