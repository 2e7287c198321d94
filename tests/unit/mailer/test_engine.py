"""The choice between single and bulk requests, by what SES accepted. Time is a number."""

import os

import pytest

from mailer.errors import AccessDenied
from mailer.sending.engine import FIRST_PAUSE, LONGEST_PAUSE, PROVEN, STEADY, EngineChoice


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def choice(clock: Clock) -> EngineChoice:
    choice = EngineChoice(clock)
    choice.accepted_singly(PROVEN)
    return choice


def test_bulk_begins_after_accepted_single_requests(clock: Clock):
    choice = EngineChoice(clock)
    for _ in range(PROVEN):
        assert not choice.is_bulk
        choice.accepted_singly()
    assert choice.is_bulk


def test_bulk_pauses_where_it_is_limited(choice: EngineChoice, clock: Clock):
    choice.limited()
    assert not choice.is_bulk
    clock.now += FIRST_PAUSE - 0.1
    assert not choice.is_bulk
    clock.now += 0.1
    assert choice.is_bulk


def test_pauses_grow_while_bulk_stays_limited(choice: EngineChoice, clock: Clock):
    pauses = list[float]()
    for _ in range(9):
        choice.limited()
        began = clock.now
        while not choice.is_bulk:
            clock.now += FIRST_PAUSE
        pauses.append(clock.now - began)
        choice.accepted_in_bulk()
    assert pauses == [min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(9)]


def test_threads_that_are_limited_together_pause_once(choice: EngineChoice, clock: Clock):
    for _ in range(16):
        choice.limited()
    clock.now += FIRST_PAUSE
    assert choice.is_bulk


def test_pause_is_short_again_after_steady_acceptance(choice: EngineChoice, clock: Clock):
    for _ in range(3):
        choice.limited()
        clock.now += LONGEST_PAUSE
    for _ in range(STEADY):
        choice.accepted_in_bulk()
    choice.limited()
    clock.now += FIRST_PAUSE
    assert choice.is_bulk


def test_denied_role_never_tries_bulk_again(choice: EngineChoice, clock: Clock):
    choice.denied(AccessDenied("no"))
    choice.accepted_singly(PROVEN)
    clock.now += LONGEST_PAUSE
    assert not choice.is_bulk


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_process_begins_with_single_requests(choice: EngineChoice):
    child = os.fork()
    if not child:
        os._exit(int(choice.is_bulk))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert choice.is_bulk
