"""`mailer outbox`: a relay as a process, and what people do with the mails."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest

from mailer import Mailer, Message, SqlStores
from mailer.cli import main
from mailer.stores.outbox import Change, OutboxStatus
from tests.processes import child
from tests.waiting import PATIENCE, eventually

HELLO = Message(subject="Hello", text="Hello", to="ada@example.com")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("MAILSTACK_OUTBOX", f"sqlite:///{tmp_path}/shop.db")
    monkeypatch.setenv("MAILSTACK_OUTPUTS", f"local://{tmp_path}/mails")


@pytest.fixture
def stores(tmp_path: Path):
    with SqlStores(f"sqlite:///{tmp_path}/shop.db", keys=()) as opened:
        yield opened


@pytest.fixture
def mailer(stores: SqlStores, tmp_path: Path):
    with Mailer.local(tmp_path / "written", console=False, outbox=stores) as mailer:
        yield mailer


def put(mailer: Mailer) -> str:
    return mailer.enqueue(HELLO, connection=None).id


def dead(mailer: Mailer, status: OutboxStatus = OutboxStatus.DEAD) -> str:
    id_ = put(mailer)
    (claim,) = mailer.outbox.claim("relay", [id_], timedelta(minutes=1))
    mailer.outbox.finish(claim.mail, Change(status=status, reason="no such user"))
    return id_


def test_status_counts_mails(mailer: Mailer, capsys: pytest.CaptureFixture[str]):
    put(mailer)
    dead(mailer)
    assert main(["outbox", "status"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[:3] for row in rows[1:]] == [["dead", "1", "0"], ["pending", "1", "1"]]
    assert main(["outbox", "status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pending"]["count"], found["pending"]["due"], found["dead"]["oldest"]) == (1, 1, None)
    assert found["pending"]["oldest"].endswith("+00:00")


def test_status_lists_mails_with_their_reasons(mailer: Mailer, capsys: pytest.CaptureFixture[str]):
    first, second = dead(mailer), put(mailer)
    assert main(["outbox", "status", "--list", "dead"]) == 0
    assert re.search(rf"{first}  dead .* 1 +no such user", capsys.readouterr().out)
    assert main(["outbox", "status", "--to", "Ada@example.com", "--json"]) == 0
    assert {one["id"] for one in json.loads(capsys.readouterr().out)} == {first, second}
    assert main(["outbox", "status", second]) == 0
    assert first not in capsys.readouterr().out


def test_retry_and_cancel_say_how_many_mails_they_changed(mailer: Mailer, capsys: pytest.CaptureFixture[str]):
    first, second = dead(mailer), put(mailer)
    assert main(["outbox", "retry"]) == 0
    assert main(["outbox", "cancel", first, second, "--why", "the shop is closed"]) == 0
    assert main(["outbox", "cancel", first, "--json"]) == 1
    out = capsys.readouterr().out
    assert "1 mails will be sent again." in out
    assert "2 of 2 mails were cancelled." in out
    assert '"mails": 0' in out
    assert {mail.reason for mail in mailer.outbox.find()} == {"the shop is closed"}


def test_unknown_mails_are_retried_by_their_ids_alone(mailer: Mailer, capsys: pytest.CaptureFixture[str]):
    id_ = dead(mailer, OutboxStatus.UNKNOWN)
    assert main(["outbox", "retry", "--unknown"]) == 2
    assert "--unknown needs the ids" in capsys.readouterr().err
    assert main(["outbox", "retry", id_]) == 1
    assert main(["outbox", "retry", "--unknown", id_]) == 0


def test_purge_deletes_what_ended(mailer: Mailer, capsys: pytest.CaptureFixture[str]):
    mailer.outbox.cancel(put(mailer))
    dead(mailer)
    assert main(["outbox", "purge"]) == 0
    assert main(["outbox", "purge", "--days", "0", "--json"]) == 0
    assert main(["outbox", "purge", "--days", "0", "--dead-days", "0"]) == 0
    assert "0 mails were deleted" in (out := capsys.readouterr().out)
    assert '"mails": 1' in out
    assert mailer.outbox.find() == []


def test_without_an_outbox_it_says_how_to_name_one(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MAILSTACK_OUTBOX")
    assert main(["outbox", "status"]) == 2
    assert "MAILSTACK_OUTBOX" in capsys.readouterr().err


def test_run_once_sends_what_is_due(mailer: Mailer, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    put(mailer)
    assert main(["outbox", "run", "--once"]) == 0
    assert "1 mails were tried." in capsys.readouterr().out
    assert [mail.status for mail in mailer.outbox.find()] == ["sent"]
    assert len(list((tmp_path / "mails").glob("*.eml"))) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_sends_until_a_signal_and_shows_metrics(mailer: Mailer, number: int):
    mailer.outbox.database.prepare()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mailer", "outbox", "run", "--metrics-port", str(port)]
    with child(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)) as process:
        put(mailer)
        eventually(lambda: [mail.status for mail in mailer.outbox.find()] == ["sent"], "nothing is sent")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
            metrics = answer.read().decode()
        process.send_signal(number)
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "The relay has ended." in out
    assert 'mailstack_messages_total{status="sent",stream="transactional"} 1.0' in metrics
    assert "mailstack_outbox_up 1.0" in metrics


def test_port_in_use_is_a_sentence(mailer: Mailer, capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["outbox", "run", "--metrics-port", str(taken.getsockname()[1])]) == 2
    assert "Metrics cannot be served on 127.0.0.1:" in capsys.readouterr().err
