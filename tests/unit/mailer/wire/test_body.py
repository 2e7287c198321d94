"""A body in parts is what the parts are together, however large they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.wire.body import Body

parts = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 100_000)).map(lambda one: bytes([one[0]]) * one[1]))


@given(parts=parts, head=st.binary(max_size=300))
def test_pieces_are_the_parts_in_their_order(parts: list[bytes], head: bytes):
    whole, body = b"".join(parts), Body(*parts)
    assert len(body) == len(whole)
    assert b"".join(body) == whole
    assert b"".join(body.after(head)) == head + whole


@given(parts=parts)
def test_a_body_is_read_as_often_as_it_is_needed(parts: list[bytes]):
    body = Body(*parts)
    assert b"".join(body) == b"".join(body)


def test_a_mail_is_written_at_once_with_its_head():
    assert list(Body(b"mail" * 4000).after(b"head")) == [b"head" + b"mail" * 4000]


@pytest.mark.parametrize("count", [50, 1000])
def test_many_small_parts_are_a_few_pieces(count: int):
    pieces = list(Body(*[b"entry" * 3000] * count))
    assert all(len(piece) < 100_000 for piece in pieces)
    assert len(pieces) < count / 3


def test_a_body_does_not_show_what_is_in_it():
    assert "secret" not in repr(Body(b"secret"))
