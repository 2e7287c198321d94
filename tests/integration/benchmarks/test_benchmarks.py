"""`make bench` compares clients that work: each sends its mails to the stub server, and looks up where it must."""

import pytest

from benchmarks.sending.__main__ import environment
from benchmarks.sending.clients import BARE, CLIENTS, MAILER, content
from benchmarks.sending.measures import Size, Stub, mails, memory, send, stub_server, worker

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
