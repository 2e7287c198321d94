"""What every test may ask for: the local cloud. One server a worker, emptied before each test that uses it."""

import gc
import signal
from collections.abc import Iterator

import pytest

from mailstack_localcloud import LocalCloud
from tests.postgresql import postgresql
from tests.skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["postgresql", "pytest_make_collect_report", "pytest_runtest_makereport"]


def pytest_configure() -> None:
    """Ctrl-C ends what the tests start, though a shell lets what it runs in the background ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What is loaded by now stays; to look for garbage in it as often as usual is a sixth of all work."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def shared_cloud() -> Iterator[LocalCloud]:
    """A running local cloud with whatever earlier tests left in it; for fixtures of a wider scope than a test."""
    with LocalCloud.start() as started:
        yield started


@pytest.fixture
def cloud(shared_cloud: LocalCloud) -> LocalCloud:
    """An empty local cloud."""
    shared_cloud.reset()
    return shared_cloud
