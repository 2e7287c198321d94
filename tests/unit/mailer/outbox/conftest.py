"""A mailer whose outbox is a SQLite file, whose mail ends in a list, and whose clock a test sets."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mailer import Mailer, OutboxPolicy, OutboxRelay, RetryPolicy, SqlStores
from mailer.stores.memory import MemoryIdempotency, MemorySuppressions
from mailer.testing import Outbox
from tests.contract.suppression_store import Clock
from tests.unit.mailer.stack_outputs import outputs

Relay = Callable[..., OutboxRelay]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stores(tmp_path: Path, clock: Clock) -> Iterator[SqlStores]:
    with SqlStores(f"sqlite:///{tmp_path}/mail.db?log_days=30", keys=(), clock=clock) as opened:
        opened.migrate()
        yield opened


@pytest.fixture
def sent() -> Outbox:
    """The messages that reached the service."""
    return Outbox()


@pytest.fixture
def make(stores: SqlStores, sent: Outbox) -> Iterator[Callable[..., Mailer]]:
    """Creates mailers over the same outbox and service."""
    with ExitStack() as opened:

        def mailer(**parts: Any) -> Mailer:
            given: dict[str, Any] = {
                "transport": sent,
                "suppressions": MemorySuppressions(),
                "idempotency": MemoryIdempotency(),
                "retries": RetryPolicy(attempts=1),
                "message_log": stores.messages,
                "outbox": stores,
                "store": "",
            }
            return opened.enter_context(Mailer(outputs(), **{**given, **parts}))

        yield mailer


@pytest.fixture
def mailer(make: Callable[..., Mailer]) -> Mailer:
    return make()


@pytest.fixture
def drain(mailer: Mailer) -> Callable[..., int]:
    """Sends what is due, with a policy."""

    def relay(by: Mailer | None = None, **policy: Any) -> int:
        return OutboxRelay(by or mailer, OutboxPolicy(**policy), threads=2).drain()

    return relay
