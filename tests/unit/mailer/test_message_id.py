"""The ids of messages: UUIDv7, so that they sort and tell when they were made."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from mailer.message_id import new_id, time_of

# RFC 9562 appendix A.6: the example of a UUIDv7.
RFC_EXAMPLE, RFC_TIME = "017f22e279b07cc398c4dc0c0c07398f", datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_id_is_a_uuid_of_version_7():
    made = UUID(new_id(logged=True))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")


def test_time_of_the_rfc_example_is_read():
    assert time_of(RFC_EXAMPLE) == RFC_TIME


def test_id_gives_back_its_millisecond():
    assert time_of(new_id(1_772_442_000_123)) == datetime(2026, 3, 2, 9, 0, 0, 123_000, tzinfo=UTC)


def test_later_id_sorts_after_earlier_one():
    made = [new_id(1_772_442_000_000 + step) for step in range(100)]
    assert made == sorted(made)


def test_ids_of_one_millisecond_differ():
    assert len({new_id(1_772_442_000_000) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0100-example",
        RFC_EXAMPLE.upper(),
        f"{RFC_EXAMPLE}\n",
        f"{RFC_EXAMPLE}0",
        f"{RFC_EXAMPLE[:12]}4{RFC_EXAMPLE[13:]}",  # a random UUIDv4
        f"{RFC_EXAMPLE[:16]}c{RFC_EXAMPLE[17:]}",  # another variant
        f"ffffffffffff{RFC_EXAMPLE[12:]}",  # the year 10889
    ],
)
def test_text_that_is_no_such_id_has_no_time(text: str):
    assert time_of(text) is None
