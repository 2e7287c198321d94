from datetime import UTC, datetime

import pytest

from mailer.stores.base import REASONS, PutOutcome, Suppression


def test_reasons_are_ordered_by_strength():
    assert REASONS == ("bounce", "unsubscribe", "complaint", "manual")


def test_a_reason_outside_the_vocabulary_is_refused():
    with pytest.raises(ValueError, match="bounce, "):
        Suppression("ada@example.org", "spite")  # pyright: ignore[reportArgumentType] - what is tested


@pytest.mark.parametrize("field", ["created_at", "expires_at"])
def test_a_time_without_a_zone_is_refused(field: str):
    times = {"created_at": datetime.now(UTC), "expires_at": datetime.now(UTC)}
    times[field] = times[field].replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        Suppression("ada@example.org", "bounce", created_at=times["created_at"], expires_at=times["expires_at"])


def test_a_suppression_in_a_log_or_traceback_shows_no_address():
    row = Suppression(
        "ada@example.org", "manual", "asked by ada@example.org", expires_at=datetime(2027, 1, 1, tzinfo=UTC)
    )
    assert repr(row) == f"<Suppression a***@example.org: manual on {row.created_at:%Y-%m-%d} until 2027-01-01>"


@pytest.mark.parametrize(("outcome", "written"), [(one, one.name == "WRITTEN") for one in PutOutcome])
def test_only_a_suppression_that_was_written_is_true(outcome: PutOutcome, written: bool):
    assert bool(outcome) is written


def test_the_address_is_kept_in_the_form_that_compares():
    assert Suppression("Ada <Ada@Example.org>", "bounce", created_at=datetime.now(UTC)).address == "ada@example.org"
