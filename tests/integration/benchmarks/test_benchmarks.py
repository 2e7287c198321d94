"""`make bench` compares clients that work: each sends its mails to the stub server, and looks up where it must."""

import pytest

from benchmarks.feedback.__main__ import OURS, PEER, measured
from benchmarks.outbox import Run, latencies, throughput
from benchmarks.sending import measures
from benchmarks.sending.__main__ import environment
from benchmarks.sending.clients import BARE, CLIENTS, DJANGO_SES, MAILER, MANY, MANY_BULK, content
from benchmarks.sending.measures import Size, Stub, mails, many, memory, send, stub_server, worker
from benchmarks.verification import advantage, compare
from mailer.verification import MemoryTokens
from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stub():
    with stub_server() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(server.url).items():
            patch.setenv(name, value)
        yield server


@pytest.mark.parametrize("client", CLIENTS)
def test_client_sends_the_mails_it_is_asked_for(stub: Stub, client: str):
    before = stub.counts()
    with worker(client, content()) as (server, _):
        assert len(send(server, 2, timed=True).latencies) == 2
    after = stub.counts()
    looked_up = 3 if client in {MAILER, "boto3, with lookup"} else 0
    assert after["SendEmail"] - before.get("SendEmail", 0) == 3
    assert after.get("BatchGetItem", 0) - before.get("BatchGetItem", 0) == looked_up


def test_run_compares_with_bare_boto3(stub: Stub):
    rows = mails(stub, [BARE, MAILER], content(), Size(rounds=2, messages=3, mails=1, long=1))
    assert rows[BARE]["CPU / boto3"] == 1
    assert rows[MAILER]["CPU µs"]


def test_memory_of_many_mails_is_read_for_mailer_alone(stub: Stub):
    rows = memory([BARE, MAILER], content(), Size(rounds=1, messages=1, mails=2, long=4))
    assert rows[BARE]["growth until 4"] is None
    assert rows[MAILER]["growth until 4"] is not None


def test_every_mail_of_the_outbox_is_timed(postgresql: PostgreSQL):
    found = latencies(Run(f"{postgresql.url}?schema=bench_a", mails=5, rate=1000, poll=60))
    assert len(found) == 5
    assert min(found) > 0
    assert throughput(f"{postgresql.url}?schema=bench_b", 5)["mails"] == 5


def test_feedback_function_and_its_peer_are_measured():
    rows = measured(rounds=1, events=210)
    assert set(rows) == {OURS, PEER}
    assert all(figure and figure > 0 for row in rows.values() for figure in row.values())
    assert (rows[OURS]["package kB"] or 0) < 200


def test_advantage_of_a_timing_attacker_is_half_without_a_leak():
    assert advantage({True: [1.0, 2.0, 3.0, 4.0], False: [1.5, 2.5, 3.5, 0.5]}) == 0.5 + 2 / 16
    assert advantage({True: [2.0, 3.0], False: [1.0, 1.5]}) == 1


def test_timing_of_verification_is_compared_for_each_delivery():
    rows = compare(MemoryTokens(), 8)
    assert len(rows) == 3
    assert all(row["attacker right %"] >= 50 for row in rows.values())


def test_many_mails_are_compared_with_django_ses(stub: Stub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measures, "_FEWEST_MANY", 200)
    # It fails if the mails that should go in bulk did not.
    rows = many(stub, content(), Size(rounds=1, messages=200, mails=1, long=1))
    assert list(rows) == list(MANY)
    assert rows[DJANGO_SES]["CPU / django-ses"] == 1
    assert rows[MANY_BULK]["CPU µs"]
