"""Connections are kept, belong to one process, and are not trusted after they were left alone."""

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mailer.wire import http, pool
from mailer.wire.client import SES, WireApi
from mailer.wire.deadline import Deadline, Limits
from mailer.wire.http import Destination
from tests.unit.mailer.wire.certificates import server_context
from tests.unit.mailer.wire.raw_server import RawServer, numbered, ok, raw_server, silent
from tests.unit.mailer.wire.test_outcomes import LIMIT, known
from tests.unit.mailer.wire.tls_front import tls_front
from tests.waiting import PATIENCE, eventually

REQUEST = b"POST / HTTP/1.1\r\ncontent-length: 8\r\n\r\n" + b'{"n": 1}'
LIMITS = Limits(connect=PATIENCE, attempt=PATIENCE)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    with raw_server() as server:
        known(monkeypatch, server.url)
        server.default = numbered
        yield server


def pool_of(server: RawServer, idle: float = 60.0, age: float = 600.0) -> pool.Pool:
    return pool.Pool(Destination(urlsplit(server.url), None, None), 30.0, idle=idle, age=age)


def ask(connections: pool.Pool) -> http.Answer:
    return connections.exchange((REQUEST,), Deadline(PATIENCE))


def test_calls_one_after_another_share_a_connection(server: RawServer):
    connections = pool_of(server)
    for _ in range(20):
        assert ask(connections).status == 200
    assert server.connections == 1


def test_threads_have_a_connection_each_and_their_own_answers(server: RawServer):
    api = WireApi(SES, "us-east-1", LIMITS)
    with ThreadPoolExecutor(40) as threads:
        found = list(threads.map(lambda n: api.call("SendEmail", {"n": n})["MessageId"], range(400)))
    assert found == [f"message-for-{n}" for n in range(400)]
    assert server.connections <= 40


@pytest.mark.parametrize(("idle", "age"), [(-1.0, 600.0), (60.0, -1.0)])
def test_idle_or_old_connection_is_renewed(server: RawServer, idle: float, age: float):
    connections = pool_of(server, idle, age)
    ask(connections)
    ask(connections)
    assert server.connections == 2


@pytest.mark.parametrize("clock", ["monotonic", "time"])
def test_either_clock_expires_a_connection(server: RawServer, monkeypatch: pytest.MonkeyPatch, clock: str):
    """A frozen Lambda's monotonic clock stands still; a clock that is set back says nothing."""
    connections = pool_of(server)
    ask(connections)
    real = getattr(time, clock)
    monkeypatch.setattr(http.time, clock, lambda: real() + 3600.0)
    taken = connections._take()
    assert taken is None


def test_a_connection_that_the_peer_closed_is_not_used_again(server: RawServer):
    connections = pool_of(server)

    def answer_and_leave(stream: object, request: object) -> None:
        ok({})(stream, request)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        raise ConnectionResetError

    server.script = [answer_and_leave]
    ask(connections)
    (idle,) = connections._idle
    eventually(idle._is_readable, "the end never arrived")
    assert ask(connections).status == 200
    assert server.connections == 2


def test_no_more_than_so_many_are_kept(server: RawServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pool, "KEPT", 3)
    connections = pool_of(server)
    barrier = threading.Barrier(8)

    def one(_: int) -> None:
        barrier.wait()
        ask(connections)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(8)))
    assert len(connections._idle) <= 3


def test_an_interrupted_call_leaves_no_connection_behind(server: RawServer, monkeypatch: pytest.MonkeyPatch):
    """Its answer is still to come, and would be the next call's."""
    connections = pool_of(server)
    ask(connections)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(http.Connection, "_read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ask(connections)
    assert not connections._idle
    assert not connections._used


def send_numbers(api: WireApi, numbers: range, pipe: Any) -> None:
    """In a child: send each, and say whose answers came."""
    pipe.send([api.call("SendEmail", {"n": n})["MessageId"] for n in numbers])
    pipe.close()


def fork_storm(api: WireApi, children: int, sends: int) -> tuple[list[str], list[str]]:
    """Fork while threads of this process send; give back whose answers came, and whose should have come."""
    stop, found, sent = threading.Event(), list[str](), list[int]()
    lock = threading.Lock()

    def keep_sending(first: int) -> None:
        number = first
        while not stop.is_set():
            answer = str(api.call("SendEmail", {"n": number})["MessageId"])
            with lock:
                found.append(answer)
                sent.append(number)
            number += 4

    threads = [threading.Thread(target=keep_sending, args=(1_000_000 + n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    try:
        answers, expected = fork_and_send(api, children, sends)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return found + answers, expected + [f"message-for-{n}" for n in sent]


def fork_and_send(api: WireApi, children: int, sends: int) -> tuple[list[str], list[str]]:
    """Have children send; give back whose answers came, and whose should have come."""
    context = multiprocessing.get_context("fork")
    started: list[tuple[Any, Any, range]] = []
    for child in range(children):
        numbers = range(child * sends, (child + 1) * sends)
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=send_numbers, args=(api, numbers, theirs))
        process.start()
        theirs.close()
        started.append((process, ours, numbers))
    found, expected = list[str](), list[str]()
    for process, pipe, numbers in started:
        assert pipe.poll(PATIENCE), "a child never said what it sent"
        found += pipe.recv()
        expected += [f"message-for-{n}" for n in numbers]
        process.join()
    return found, expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("tls", [False, True])
def test_forked_children_get_their_own_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, tls: bool):
    _, chain = server_context(tmp_path)
    with raw_server() as server, tls_front(server.port, chain, tmp_path / "key.pem") as secure:
        server.default = numbered
        known(monkeypatch, secure if tls else server.url)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(chain))
        api = WireApi(SES, "us-east-1", LIMITS)
        api.call("SendEmail", {"n": -1})  # what a process does before it forks its workers
        found, expected = fork_storm(api, children=16, sends=20)
        assert sorted(found) == sorted(expected)
        numbers = [request.json["n"] for request in server.received]
        assert sorted(numbers) == sorted({*numbers})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_begins_while_every_lock_is_held(server: RawServer):
    """The thread that holds them is not there in the child: it would wait for ever."""
    server.default = numbered
    api = WireApi(SES, "us-east-1", LIMITS)
    api.call("SendEmail", {"n": 0})
    assert api._pool
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    with api._lock, api._identity._lock, api._pool._lock:
        process = context.Process(target=send_numbers, args=(api, range(7, 8), theirs))
        process.start()
    assert ours.poll(PATIENCE)
    assert ours.recv() == ["message-for-7"]
    process.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_closes_nothing_of_its_parent(server: RawServer):
    api = WireApi(SES, "us-east-1", LIMITS)
    api.call("SendEmail", {"n": 0})
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    assert api.call("SendEmail", {"n": 1})["MessageId"] == "message-for-1"
    assert server.connections == 1


def test_abandoned_call_does_not_leak_its_answer(server: RawServer):
    server.script = [silent]
    connections = pool_of(server)
    with pytest.raises(Exception, match="no answer in time"):
        connections.exchange((REQUEST,), Deadline(LIMIT))
    assert ask(connections).status == 200
    assert server.connections == 2
