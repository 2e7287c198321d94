"""A fork waits for TLS handshakes and name look-ups, and they wait for a fork; neither for ever."""

import os
import threading

import pytest

from mailer.wire import forks
from mailer.wire.deadline import Deadline
from mailer.wire.forks import ForkGate
from mailer.wire.http import dial
from tests.waiting import PATIENCE, eventually, moment


def begun(gate: ForkGate, release: threading.Event) -> threading.Thread:
    """A thread that is in a handshake until it is released."""
    entered = threading.Event()

    def shake() -> None:
        with gate.no_fork():
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


def test_name_is_looked_up_in_a_time_without_forks(monkeypatch: pytest.MonkeyPatch):
    under_way = list[int]()

    def look_up(*_: object, **__: object) -> list[object]:
        under_way.append(forks.GATE._under_way)
        return []

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    with pytest.raises(OSError, match="has no address"):
        dial("api.test", 443, Deadline(PATIENCE))
    assert under_way == [1]
    assert forks.GATE._under_way == 0


def test_handshake_waits_for_a_fork():
    gate, shaken = ForkGate(), threading.Event()
    gate.before_fork()

    def shake() -> None:
        with gate.no_fork():
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
    with gate.no_fork():
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
