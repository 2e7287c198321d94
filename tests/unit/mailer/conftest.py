"""The time-outs of the library, made longer: a loaded machine must not decide a test that is about something else."""

import pytest

from mailer.stores.dynamodb import table
from mailer.transports import ses
from mailer.wire import access
from mailer.wire.deadline import Limits
from tests.waiting import PATIENCE


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-outs by default; a test of one sets its own."""
    limits = Limits(connect=PATIENCE, attempt=PATIENCE)
    monkeypatch.setattr(access, "SET_UP_SECONDS", PATIENCE)
    monkeypatch.setattr(table, "LIMITS", limits)
    monkeypatch.setattr(ses, "LIMITS", limits)
