from datetime import UTC, datetime

import pytest

from mailer.stores.base import REASONS, Suppression


def test_reasons_stand_from_the_weakest_to_the_strongest():
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


def test_the_address_is_kept_in_the_form_that_compares():
    assert Suppression("Ada <Ada@Example.org>", "bounce", created_at=datetime.now(UTC)).address == "ada@example.org"
