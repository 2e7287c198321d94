"""`mailer suppressions`, `mailer store` and `mailer erase`: what they print, change and record."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from mailer.cli import main
from mailer.cli.suppressions import changes
from mailer.stores.sql.stores import SqlStores
from tests.contract.message_log import HISTORY, ID
from tests.contract.suppression_store import ADA, suppression

BOB = "bob@example.org"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("MAILSTACK_STACK", "MAILSTACK_OUTPUTS", "MAILSTACK_STORE_KEYS"):
        monkeypatch.delenv(name, raising=False)
    found = f"sqlite:///{tmp_path}/mail.db"
    monkeypatch.setenv("MAILSTACK_STORE", found)
    with SqlStores(found) as stores:
        stores.migrate()
    return found


Printed = Callable[..., tuple[int, str]]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """Runs a command; its exit status and output."""

    def run(*arguments: str) -> tuple[int, str]:
        status = main(["suppressions", *arguments])
        return status, capsys.readouterr().out

    return run


def test_added_address_is_listed_and_checked(url: str, printed: Printed):
    assert printed("add", "Ada@Example.org", "--why", "asked by telephone")[0] == 0
    status, listed = printed("list")
    assert status == 0
    assert "ada@example.org  manual  all mail" in listed
    assert "1 suppressed" in listed
    assert "since" in printed("check", ADA)[1]
    status, checked = printed("check", ADA, BOB, "--json")
    assert status == 1
    found = json.loads(checked)
    assert (found[BOB], found[ADA]["detail"]) == (None, "asked by telephone")
    assert printed("check", BOB)[0] == 0


def test_list_is_filtered_and_bounded(url: str, printed: Printed):
    for address, scope in ((ADA, ""), (BOB, "stream:news"), ("eve@example.org", "stream:news")):
        printed("add", address, "--why", "x", "--scope", scope, "--reason", "unsubscribe")
    assert {row["address"] for row in json.loads(printed("list", "--scope", "stream:news", "--json")[1])} == {
        BOB,
        "eve@example.org",
    }
    assert json.loads(printed("list", "--reason", "bounce", "--json")[1]) == []
    assert "There are more: raise --limit" in printed("list", "--limit", "2")[1]
    assert printed("check", BOB)[0] == 0
    assert printed("check", BOB, "--stream", "news")[0] == 1


def test_stronger_suppression_stays_and_is_reported(url: str, printed: Printed):
    printed("add", ADA, "--why", "x")
    status, said = printed("add", ADA, "--why", "y", "--until", "2099-01-31")
    assert status == 1
    assert "has a stronger suppression" in said


def test_removal_asks_and_explains_the_risk(url: str, printed: Printed, monkeypatch: pytest.MonkeyPatch):
    printed("add", ADA, "--why", "x", "--reason", "complaint")

    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    status, said = printed("remove", ADA, "--why", "works again")
    assert status == 1
    assert "They reported mail as spam" in said
    assert "Nothing was changed" in said
    assert printed("check", ADA)[0] == 1
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    assert printed("remove", ADA, "--why", "works again")[0] == 0
    assert printed("check", ADA)[0] == 0


def test_removal_without_a_terminal_needs_yes(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdin", StringIO())
    assert main(["suppressions", "remove", ADA, "--why", "x"]) == 2
    assert "Add --yes" in capsys.readouterr().err
    assert main(["suppressions", "remove", ADA, "--why", "x", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {ADA: {"removed": False, "account_list": None}}


def test_changes_record_who_and_why(url: str, printed: Printed):
    printed("add", ADA, "--why", "asked", "--actor", "support")
    printed("remove", ADA, "--why", "asked again", "--actor", "boss", "--yes")
    rows = json.loads(printed("history", ADA, "--json")[1])
    assert [(row["action"], row["actor"], row["detail"]) for row in rows] == [
        ("added", "support", "asked"),
        ("removed", "boss", "asked again"),
    ]
    assert "asked again" in printed("history", ADA)[1]
    assert "no history" in printed("history", BOB)[1]


def test_import_counts_and_names_wrong_lines(url: str, printed: Printed, tmp_path: Path):
    file = tmp_path / "bounces.csv"
    file.write_text(f"status,reason,email,created\n5.1.1,unknown,{ADA},1443651125\n,,nobody,1\n")
    assert printed("import", str(file), "--dry-run")[0] == 1
    assert printed("check", ADA)[0] == 0
    status, said = printed("import", str(file), "--json")
    assert status == 1
    found = json.loads(said)
    assert (found["suppressed"], found["not readable"], found["problems"][0]["line"]) == (1, 1, 3)
    assert "already suppressed  1" in printed("import", str(file))[1]
    printed("remove", ADA, "--why", "x", "--yes")
    assert "removed since       1" in printed("import", str(file))[1]


def test_export_can_be_imported_elsewhere(url: str, printed: Printed, tmp_path: Path):
    printed("add", ADA, BOB, "--why", "=1+1", "--scope", "tenant:acme", "--until", "2099-01-31")
    file = tmp_path / "out.csv"
    assert printed("export", str(file))[0] == 0
    assert file.stat().st_mode & 0o077 == 0
    before = printed("list", "--json")[1]
    other = f"sqlite:///{tmp_path}/other.db"
    assert printed("import", str(file), "--store", other)[0] == 0
    assert sorted(json.loads(printed("list", "--json", "--store", other)[1]), key=str) == sorted(
        json.loads(before), key=str
    )
    assert printed("export")[1] == file.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "absent.csv"], "cannot be read"),
        (["export", "no/such/folder.csv"], "cannot be written"),
        (["add", "nobody", "--why", "x"], "has no @"),
        (["list", "--store", "mysql://host/mail"], "No store is available"),
    ],
)
def test_mistake_is_a_sentence_and_status_2(
    url: str, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
):
    assert main(["suppressions", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "arguments",
    [["add", ADA], ["add", ADA, "--why", "x", "--scope", "news"], ["add", ADA, "--why", "x", "--until", "y"]],
)
def test_wrong_option_is_refused(url: str, arguments: list[str]):
    with pytest.raises(SystemExit) as end:
        main(["suppressions", *arguments])
    assert end.value.code == 2


def test_no_store_and_no_stack_says_how_to_name_one(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MAILSTACK_STORE")
    assert main(["suppressions", "list"]) == 2
    assert "--stack NAME" in capsys.readouterr().err
    assert main(["store", "migrate"]) == 2
    assert "--store postgresql://" in capsys.readouterr().err


def test_store_is_encrypted_rotated_and_erased(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    with SqlStores(url, keys=()) as stores:
        stores.suppressions.put(suppression("complaint"))
    assert main(["erase", ADA, "--yes"]) == 2
    assert "needs a key" in capsys.readouterr().err
    assert main(["store", "new-key"]) == 0
    monkeypatch.setenv("MAILSTACK_STORE_KEYS", capsys.readouterr().out.strip())
    assert main(["store", "migrate"]) == 0
    assert main(["store", "rotate"]) == 0
    assert "2 rows were encrypted" in capsys.readouterr().out
    assert main(["erase", ADA, "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"rows": 2, "suppressed": True}
    assert main(["suppressions", "check", ADA]) == 1
    assert main(["store", "clean-up", "--json"]) == 0


def test_account_list_is_cleared_one_call_a_second(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from tests.unit.mailer.stack_outputs import outputs

    calls: list[object] = []
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs().to_json())
    monkeypatch.setattr(changes.time, "sleep", calls.append)
    monkeypatch.setattr(changes, "_delete_one", lambda address, _: calls.append(address) or "deleted from SES's list")
    assert main(["suppressions", "remove", ADA, BOB, "--why", "x", "--yes"]) == 0
    assert calls == [ADA, 1.0, BOB]
    assert "deleted from SES's list" in capsys.readouterr().out
    calls.clear()
    assert main(["suppressions", "remove", ADA, "--why", "x", "--yes", "--keep-account-list"]) == 0
    assert main(["suppressions", "remove", ADA, "--why", "x", "--yes", "--scope", "stream:news"]) == 0
    assert calls == []


def test_message_log_of_a_sql_store_is_traced(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert main(["trace", ID]) == 2
    assert "log_days=30" in capsys.readouterr().err
    monkeypatch.setenv("MAILSTACK_STORE", f"{url}?log_days=9999")
    assert main(["trace", ID]) == 1
    with SqlStores(f"{url}?log_days=9999", keys=()) as stores:
        assert stores.messages
        stores.messages.add(HISTORY)
    assert main(["trace", ID, "--json"]) == 0
    assert "550 5.1.1 unknown" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [
        ["suppressions", "list"],
        ["suppressions", "check", "ada@example.com"],
        ["suppressions", "export", "-"],
        ["report"],
        ["verification", "list"],
        ["store", "clean-up"],
    ],
    ids=" ".join,
)
def test_misspelt_database_is_no_empty_answer(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MAILSTACK_STORE", raising=False)
    file = tmp_path / "typo.db"
    assert main([*command, "--store", f"sqlite:///{file}"]) == 2
    assert f"There is no SQLite database {file}." in capsys.readouterr().err
    assert not file.exists()
