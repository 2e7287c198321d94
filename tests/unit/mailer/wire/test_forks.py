"""A fork waits for TLS handshakes, and handshakes wait for a fork; neither for ever."""

import os
import threading

import pytest

from mailer.wire import forks
from mailer.wire.forks import ForkGate
from tests.waiting import eventually, moment


def begun(gate: ForkGate, release: threading.Event) -> threading.Thread:
    """A thread that is in a handshake until it is released."""
    entered = threading.Event()

    def shake() -> None:
        with gate.handshake():
            entered.set()
            release.wait()

    thread = threading.Thread(target=shake)
    thread.start()
    entered.wait()
    return thread


def test_fork_waits_for_a_handshake():
    gate, release, forked = ForkGate(), threading.Event(), threading.Event()
    shaking = begun(gate, release)

    def fork() -> None:
        gate.before_fork()
        forked.set()
        gate.after_in_parent()

    forking = threading.Thread(target=fork)
    forking.start()
    moment()
    assert not forked.is_set()
    release.set()
    eventually(forked.is_set, "the fork does not happen")
    shaking.join()
    forking.join()


def test_handshake_waits_for_a_fork():
    gate, shaken = ForkGate(), threading.Event()
    gate.before_fork()

    def shake() -> None:
        with gate.handshake():
            shaken.set()

    thread = threading.Thread(target=shake)
    thread.start()
    moment()
    assert not shaken.is_set()
    gate.after_in_parent()
    eventually(shaken.is_set, "the handshake does not begin")
    thread.join()


def test_fork_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(forks, "_LONGEST_WAIT", 0.01)
    gate, release = ForkGate(), threading.Event()
    shaking = begun(gate, release)
    gate.before_fork()
    gate.after_in_parent()
    release.set()
    shaking.join()


def test_child_forgets_the_handshakes_of_its_parent():
    gate, release = ForkGate(), threading.Event()
    shaking = begun(gate, release)
    gate.after_in_child()
    gate.before_fork()
    gate.after_in_parent()
    with gate.handshake():
        pass
    release.set()
    shaking.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forks_of_the_process_pass_the_gate():
    child = os.fork()
    if not child:
        os._exit(forks.GATE._forking)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not forks.GATE._forking
