"""`mailer send --csv`: every row is checked first, and nobody is sent to twice however often a run is resumed."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailer.cli import main
from mailer.cli.csv_rows import Row, rows
from mailer.cli.journal import Journal
from mailer.cli.send_csv import CsvRun
from mailer.errors import ConfigurationError, OutcomeUnknown, Refused
from mailer.mailer import Mailer
from mailer.message import Message
from mailer.stores.base import Suppression
from mailer.testing.outbox import Outbox
from tests.unit.mailer.stack_outputs import outputs

SEND = ["send", "welcome", "--set", "dashboard_url=https://app.example.com"]
PEOPLE = "to,name\nada@example.com,Ada\nBob <bob@example.com>,Bob\ncleo@example.com,Cleo\n"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, encoding="utf-8")
    return file


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """What the command's mailer sends."""
    monkeypatch.setenv("MAILSTACK_STACK", "dev")
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs().to_json())
    outbox = Outbox()
    mail = outbox.mailer
    monkeypatch.setattr("mailer.mailer.Mailer", lambda *_, **__: mail)
    return outbox


def recipients(outbox: Outbox) -> list[str]:
    return sorted(address.email for message in outbox for address in message.recipients)


def statuses(capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    return json.loads(capsys.readouterr().out)["statuses"]


def test_each_row_is_a_mail_with_its_own_fields(outbox: Outbox, people: Path, capsys: pytest.CaptureFixture[str]):
    assert main([*SEND, "--csv", str(people), "--json"]) == 0
    assert statuses(capsys) == {"sent": 3}
    assert recipients(outbox) == ["ada@example.com", "bob@example.com", "cleo@example.com"]
    assert {str(message.to[0]): "Hello Bob" in message.text or "Bob" in message.text for message in outbox}[
        "Bob <bob@example.com>"
    ]


def test_dry_run_checks_every_row_and_sends_nothing(outbox: Outbox, people: Path, capsys: pytest.CaptureFixture[str]):
    assert main([*SEND, "--csv", str(people), "--dry-run"]) == 0
    assert "3 rows can be sent. The first mail, to a***@example.com" in capsys.readouterr().out
    assert not len(outbox)
    assert [file.name for file in people.parent.iterdir()] == ["people.csv"]


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]])
def test_invalid_rows_are_named_and_nothing_is_sent(
    outbox: Outbox, people: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
):
    people.write_text(f"{PEOPLE}nobody,Nobody\n,Nameless\neve@example.com,Eve\n", encoding="utf-8")
    assert main([*SEND, "--csv", str(people), *arguments]) == 2
    said = capsys.readouterr().err
    assert "2 of 6 rows cannot be sent" in said
    assert all(part in said for part in ("line 5: ", "line 6: ", "Nothing was sent."))
    assert not len(outbox)


def test_only_the_first_problems_are_listed(outbox: Outbox, people: Path, capsys: pytest.CaptureFixture[str]):
    people.write_text("to,name\n" + "nobody,Nobody\n" * 50, encoding="utf-8")
    assert main([*SEND, "--csv", str(people)]) == 2
    said = capsys.readouterr().err
    assert "... and 30 more" in said
    assert said.count("line ") == 20


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it has: none"),
        ("name\nAda\n", "it has: name"),
        ("to,name,name\n", "no column twice"),
        ("to,name\n", "has no rows"),
        ("to,name\nada@example.com\n", "line 2: the row has more or fewer cells"),
        ("to,name\nada@example.com,Ada,more\n", "line 2: the row has more or fewer cells"),
        ('to,name\nada@example.com,"Ada\n', "cannot be read"),
        ("to,name,nmae\nada@example.com,Ada,x\n", "nmae: Extra inputs"),
    ],
)
def test_malformed_file_is_refused(
    outbox: Outbox, people: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
):
    people.write_text(text, encoding="utf-8")
    assert main([*SEND, "--csv", str(people)]) == 2
    assert said in capsys.readouterr().err
    assert not len(outbox)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"to,name\nada@example.com,\xe4\n"])
def test_file_in_another_encoding_is_refused(people: Path, content: bytes):
    people.write_bytes(content)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(rows(people))


def test_byte_order_mark_quotes_and_blank_rows_are_read(people: Path):
    people.write_bytes('\ufeffto,name\r\n"Ada <ada@example.com>","Lovelace, Ada"\r\n,\r\n\r\n'.encode())
    assert [(row.line, row.to, dict(row.fields)) for row in rows(people)] == [
        (2, "Ada <ada@example.com>", {"name": "Lovelace, Ada"})
    ]


def test_repeated_recipients_are_reported(outbox: Outbox, people: Path, capsys: pytest.CaptureFixture[str]):
    people.write_text(f"{PEOPLE}ADA@example.com,Ada again\n", encoding="utf-8")
    assert main([*SEND, "--csv", str(people)]) == 0
    assert "1 recipients are in several rows" in capsys.readouterr().err
    assert len(outbox) == 4


def test_second_run_needs_resume_and_sends_no_duplicates(
    outbox: Outbox, people: Path, capsys: pytest.CaptureFixture[str]
):
    outbox.suppressions.put(Suppression("bob@example.com", "bounce"))
    assert main([*SEND, "--csv", str(people), "--json"]) == 1
    assert statuses(capsys) == {"sent": 2, "suppressed": 1}
    assert main([*SEND, "--csv", str(people)]) == 2
    assert "--resume" in capsys.readouterr().err
    outbox.suppressions.remove("bob@example.com")
    assert main([*SEND, "--csv", str(people), "--resume", "--json"]) == 0
    assert statuses(capsys) == {"sent": 3}
    assert recipients(outbox) == ["ada@example.com", "bob@example.com", "cleo@example.com"]


def test_resumed_run_checks_only_rows_that_are_left(outbox: Outbox, people: Path, monkeypatch: pytest.MonkeyPatch):
    outbox.suppressions.put(Suppression("bob@example.com", "bounce"))
    compose, checked = CsvRun.compose, list[int]()

    def recorded(run: CsvRun, mailer: Mailer, row: Row) -> Message:
        checked.append(row.line)
        return compose(run, mailer, row)

    monkeypatch.setattr(CsvRun, "compose", recorded)
    assert main([*SEND, "--csv", str(people)]) == 1
    assert main([*SEND, "--csv", str(people), "--resume"]) == 1
    assert checked == [2, 3, 4, 3]


def test_unknown_outcome_is_not_sent_again(outbox: Outbox, people: Path, capsys: pytest.CaptureFixture[str]):
    outbox.fail(OutcomeUnknown("No answer."))
    outbox.fail(Refused("no"))
    assert main([*SEND, "--csv", str(people), "--json", "--threads", "1"]) == 1
    assert statuses(capsys) == {"refused": 1, "sent": 1, "unknown": 1}
    assert main([*SEND, "--csv", str(people), "--json", "--resume"]) == 1
    assert statuses(capsys) == {"sent": 2, "unknown": 1}
    assert recipients(outbox) == ["ada@example.com", "bob@example.com", "cleo@example.com"]


@pytest.mark.parametrize("change", ["file", "value"])
def test_resuming_another_run_is_refused(outbox: Outbox, people: Path, capsys: pytest.CaptureFixture[str], change: str):
    assert main([*SEND, "--csv", str(people)]) == 0
    other = [*SEND[:-1], "dashboard_url=https://other.example.com"] if change == "value" else SEND
    if change == "file":
        people.write_text(PEOPLE.replace("Cleo", "Cleopatra"), encoding="utf-8")
    assert main([*other, "--csv", str(people), "--resume"]) == 2
    assert "another run" in capsys.readouterr().err
    assert len(outbox) == 3


def test_resuming_without_a_journal_is_refused(outbox: Outbox, people: Path, capsys: pytest.CaptureFixture[str]):
    assert main([*SEND, "--csv", str(people), "--resume"]) == 2
    assert "no run to resume" in capsys.readouterr().err


def test_journal_holds_no_address(outbox: Outbox, people: Path):
    outbox.suppressions.put(Suppression("bob@example.com", "bounce"))
    main([*SEND, "--csv", str(people)])
    assert "@" not in (people.parent / "people.csv.mailer.jsonl").read_text(encoding="utf-8").replace("***@", "")


def test_row_begun_by_a_killed_process_is_replayed_by_its_key(outbox: Outbox, people: Path):
    """The mail left, and the process was killed before it wrote the result down."""
    assert main([*SEND, "--csv", str(people)]) == 0
    journal = people.parent / "people.csv.mailer.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "status" not in line]
    journal.write_text("\n".join([*kept, '{"line": 4, "sta']), encoding="utf-8")
    assert main([*SEND, "--csv", str(people), "--resume"]) == 0
    assert len(outbox) == 3


def test_row_begun_before_keys_expired_is_unknown(tmp_path: Path):
    journal = Journal.open(tmp_path / "journal", "run", resume=False)
    journal.begin(2)
    now = datetime.now(UTC)
    assert not journal.is_settled(2, now)
    assert journal.is_settled(2, now + timedelta(hours=24))
    assert not journal.is_settled(3, now + timedelta(hours=24))
    journal.close()


@pytest.mark.parametrize("cut", range(1, 12))
def test_half_line_of_a_killed_process_hides_no_other(cut: int, tmp_path: Path):
    path = tmp_path / "journal"
    journal = Journal.open(path, "run", resume=False)
    for line in (2, 3):
        journal.begin(line)
    journal.close()
    path.write_bytes(path.read_bytes()[:-cut])
    for line in (4, 5):
        resumed = Journal.open(path, "run", resume=True)
        resumed.begin(line)
        resumed.close()
    with closing(Journal.open(path, "run", resume=True)) as last:
        assert last.begun.keys() >= {2, 4, 5}


def test_csv_and_recipients_exclude_each_other(outbox: Outbox, people: Path, capsys: pytest.CaptureFixture[str]):
    assert main([*SEND, "--csv", str(people), "--to", "ada@example.com"]) == 2
    assert "--csv names the recipients" in capsys.readouterr().err


def test_help_teaches_the_file(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["send", "--help"])
    assert "the column `to`" in capsys.readouterr().out
