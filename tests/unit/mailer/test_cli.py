"""The command line: what it prints, where, and its exit status."""

import json
from pathlib import Path

import pytest

from mailer.cli import main
from tests.unit.mailer.stack_outputs import outputs

WELCOME = ["send", "welcome", "--set", "name=Ada", "--set", "dashboard_url=https://app.example.com"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_STACK", "dev")
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs().to_json())


def test_stack_prints_a_table_or_json_that_reads_back(capsys: pytest.CaptureFixture[str]):
    assert main(["stack", "--offline"]) == 0
    table = capsys.readouterr().out
    assert "mailstack-dev-transactional" in table
    assert "sender_policy_arn" in table
    assert main(["stack", "--stack", "dev", "--json"]) == 0
    assert type(outputs()).from_json(capsys.readouterr().out, source="the command") == outputs()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stack", "--stack", "prod"], "Ask for 'dev'"),
        (["send", "welcoem", "--to", "ada@example.com"], "The catalog has password_reset, verification_code, welcome"),
        (["send", "no.such.module:Mail", "--to", "ada@example.com"], "cannot be imported"),
        (["send", ":", "--to", "ada@example.com"], "There is no template"),
        (["send", ".mails:Mail", "--to", "ada@example.com"], "There is no template"),
        (["send", "json:loads", "--to", "ada@example.com"], "is not a template"),
        (["send", "welcome", "--to", "ada@example.com"], "name: Field required; dashboard_url: Field required"),
        ([*WELCOME, "--dry-run"], "no recipient"),
        ([*WELCOME, "--to", "nobody", "--dry-run"], "has no @"),
        ([*WELCOME, "--to", "ada@example.com", "--stream", "nope", "--dry-run"], "It has: news, transactional."),
        ([*WELCOME, "--to", "ada@example.com", "--attach", "absent.pdf"], "absent.pdf cannot be read"),
    ],
)
def test_a_mistake_is_a_sentence_with_the_way_out_and_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
):
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert output.err.startswith("mailer: ")
    assert "Traceback" not in output.err
    assert not output.out


def test_without_a_stack_it_says_how_to_name_one(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MAILSTACK_STACK")
    assert main(["stack"]) == 2
    assert "--stack NAME, or set MAILSTACK_STACK" in capsys.readouterr().err


def test_a_dry_run_shows_the_message_and_sends_nothing(capsys: pytest.CaptureFixture[str]):
    more = ["--to", "Ada <ada@example.com>", "--tag", "kind=test", "--dry-run"]
    assert main([*WELCOME, *more]) == 0
    shown = capsys.readouterr().out
    for part in ("Example <no-reply@example.test>", "Ada <ada@example.com>", "Welcome to example.test", "kind=test"):
        assert part in shown
    assert main([*WELCOME, *more, "--json"]) == 0
    message = json.loads(capsys.readouterr().out)
    assert message["subject"] == "Welcome to example.test"
    assert message["html"].startswith("<!doctype html>")


def test_templates_lists_the_catalog_and_compiles_a_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert main(["templates"]) == 0
    assert "expires_in_minutes  default 10" in capsys.readouterr().out
    assert main(["templates", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"welcome", "verification_code", "password_reset"}
    (tmp_path / "a.mjml").write_text("<mjml><mj-body></mj-body></mjml>")
    assert main(["templates", "compile", str(tmp_path), "--check"]) == 1
    assert main(["templates", "compile", str(tmp_path)]) == 0
    assert (tmp_path / "a.html").exists()
    assert main(["templates", "compile", str(tmp_path), "--check"]) == 0
    assert main(["templates", "compile", str(tmp_path / "absent")]) == 2


@pytest.mark.parametrize("arguments", [[], ["send"], ["send", "welcome", "--set", "name"], ["fly"]])
def test_wrong_usage_is_status_2(arguments: list[str]):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        main(["send", "--help"])
    assert end.value.code == 0
    assert "mailer send welcome --stack prod --to" in capsys.readouterr().out
