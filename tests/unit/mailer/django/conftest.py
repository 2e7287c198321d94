"""A configured Django, whose mail ends in an outbox."""

from collections.abc import Iterator

import pytest
from django.db import connection, connections

from mailer import Mailer
from mailer.django import process
from mailer.testing import Outbox
from tests.django_project import KNOWS_MAILERS, set_up
from tests.unit.mailer.webhooks.conftest import _served, sns

__all__ = ["_served", "sns"]

set_up()
# Of the other versions of Django.
collect_ignore = ["test_before_mailers.py" if KNOWS_MAILERS else "test_mailers_setting.py"]


@pytest.fixture
def outbox(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """Where the mail of the project ends."""
    monkeypatch.setattr(process, "_process", Fixed(outbox))
    return outbox


class Fixed:
    """Stands in for the mailer of the process."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def mailer(self) -> Mailer:
        return self._outbox.mailer

    def forget(self) -> None:
        """Stay."""


@pytest.fixture(scope="session")
def _database() -> Iterator[None]:
    connection.creation.create_test_db(verbosity=0)
    yield
    connections.close_all()


@pytest.fixture
def database(_database: None) -> Iterator[None]:
    """Django's database, empty but for what migrations wrote."""
    yield
    from django.core.management import call_command

    call_command("flush", verbosity=0, interactive=False)
