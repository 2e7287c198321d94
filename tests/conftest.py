"""What every test may ask for: the local cloud. One server a worker, emptied before each test that uses it."""

from collections.abc import Iterator

import pytest

from localcloud import LocalCloud


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
