"""The cache of suppression look-ups: it keeps the promises of a store, for seconds, within a size."""

import os
from collections.abc import Callable, Iterable

import pytest

from mailer import CachedSuppressions, ConfigurationError, Mailer, Message, StoreError, Suppression
from mailer.stores.base import RevisableSuppressions, SuppressionStore
from mailer.stores.memory import MemorySuppressions
from mailer.testing.outbox import Outbox
from mailer.testing.outputs import stack_outputs
from tests.contract.revisable_suppressions import RevisableSuppressionsContract
from tests.contract.suppression_store import Clock, SuppressionStoreContract

ADA, BOB = "ada@example.com", "bob@example.com"


class Seconds:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Counted(MemorySuppressions):
    """Knows what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def get_many(self, keys: Iterable[str], scopes: Iterable[str] = ()) -> dict[str, Suppression]:
        keys = list(keys)
        self.asked.append(keys)
        found = super().get_many(keys, scopes)
        self.meanwhile()
        return found


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def store() -> Counted:
    return Counted()


@pytest.fixture
def cached(store: Counted, seconds: Seconds) -> CachedSuppressions:
    return CachedSuppressions(store, seconds=5, size=3, clock=seconds)


class TestContract(SuppressionStoreContract):
    @pytest.fixture
    def make(self) -> Callable[[Clock], SuppressionStore]:
        return lambda clock: CachedSuppressions(MemorySuppressions(clock), seconds=60, clock=lambda: 0.0, now=clock)


class TestRevisions(RevisableSuppressionsContract):
    @pytest.fixture
    def make(self) -> Callable[[Clock], RevisableSuppressions]:
        return lambda clock: CachedSuppressions(MemorySuppressions(clock), seconds=60, clock=lambda: 0.0, now=clock)


def test_look_up_is_used_again_for_some_seconds(cached: CachedSuppressions, store: Counted, seconds: Seconds):
    store.put(Suppression(BOB, "bounce"))
    for _ in range(3):
        assert list(cached.get_many([ADA, BOB])) == [BOB]
    assert store.asked == [[ADA, BOB]]
    store.put(Suppression(ADA, "manual"))  # by another process, as it were
    seconds.now += 4.9
    assert list(cached.get_many([ADA])) == []
    seconds.now += 0.1
    assert list(cached.get_many([ADA])) == [ADA]


def test_change_in_this_process_takes_effect_at_once(cached: CachedSuppressions):
    assert cached.get_many([ADA, BOB]) == {}
    cached.put(Suppression("Ada@Example.com", "manual"))
    assert list(cached.get_many([ADA])) == [ADA]
    cached.remove("Ada@Example.com")
    assert cached.get_many([ADA]) == {}
    cached.replace(Suppression("Bob@Example.com", "bounce", actor="soft bounces"))
    assert list(cached.get_many([BOB])) == [BOB]


def test_change_during_a_look_up_is_not_lost(cached: CachedSuppressions, store: Counted):
    store.meanwhile = lambda: cached.put(Suppression(ADA, "manual"))
    cached.get_many([ADA])
    store.meanwhile = lambda: None
    assert list(cached.get_many([ADA])) == [ADA]


def test_scopes_are_remembered_by_themselves(cached: CachedSuppressions):
    cached.put(Suppression(ADA, "unsubscribe", scope="stream:marketing"))
    for _ in range(2):
        assert cached.get_many([ADA], ["stream:transactional"]) == {}
        assert list(cached.get_many([ADA], ["stream:marketing"])) == [ADA]


def test_oldest_addresses_are_forgotten_first(cached: CachedSuppressions, store: Counted):
    for number in range(4):
        cached.get_many([f"r{number}@example.com"])
    cached.get_many(["r3@example.com"])
    assert len(store.asked) == 4
    cached.get_many(["r0@example.com"])
    assert len(store.asked) == 5


def test_error_of_the_store_is_not_remembered(cached: CachedSuppressions, store: Counted):
    def fail() -> None:
        raise StoreError("The table cannot be reached.")

    store.meanwhile = fail
    with pytest.raises(StoreError):
        cached.get_many([ADA])
    store.meanwhile = lambda: None
    assert cached.get_many([ADA]) == {}


def test_mailer_looks_a_recipient_up_once(store: Counted, cached: CachedSuppressions):
    mail = Mailer(stack_outputs(), transport=Outbox(), suppressions=cached)
    message = Message(subject="Hello", text="Hello", to=ADA)
    assert all(mail.send(message).ok for _ in range(3))
    assert len(store.asked) == 1


@pytest.mark.parametrize("options", [{"seconds": 0}, {"seconds": 61}, {"size": 0}])
def test_options_out_of_range_are_refused(options: dict[str, float]):
    with pytest.raises(ConfigurationError, match="CachedSuppressions"):
        CachedSuppressions(MemorySuppressions(), **options)  # pyright: ignore[reportArgumentType] - on purpose


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_process_begins_with_an_empty_cache(cached: CachedSuppressions, store: Counted):
    cached.get_many([ADA])
    child = os.fork()
    if not child:
        cached.get_many([ADA])
        os._exit(len(store.asked))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
