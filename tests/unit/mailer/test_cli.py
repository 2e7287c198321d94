"""The command line: what it prints, where, and its exit status."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import BaseModel

from mailer.cli import main
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from tests.unit.mailer.stack_outputs import outputs
from tests.waiting import PATIENCE

WELCOME = ["send", "welcome", "--set", "name=Ada", "--set", "dashboard_url=https://app.example.com"]
BRAND = Brand(name="Example Shop", accent="#0f766e")


class Item(BaseModel):
    name: str


class Order(EmailTemplate):
    subject: ClassVar[str] = "Order {{ number }}"
    number: int
    items: list[Item]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_STACK", "dev")
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs().to_json())


def test_stack_prints_a_table_or_json_that_reads_back(capsys: pytest.CaptureFixture[str]):
    assert main(["stack"]) == 0
    table = capsys.readouterr().out
    assert "mailstack-dev-transactional" in table
    assert "sender_policy_arn" in table
    assert main(["stack", "--stack", "dev", "--json"]) == 0
    assert type(outputs()).from_json(capsys.readouterr().out, source="the command") == outputs()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stack", "--stack", "prod"], "Ask for 'dev'"),
        (["send", "welcoem", "--to", "ada@example.com"], "Did you mean welcome?"),
        (["send", "no.such.module:Mail", "--to", "ada@example.com"], "cannot be imported"),
        (["send", ":", "--to", "ada@example.com"], "There is no template"),
        (["send", ".mails:Mail", "--to", "ada@example.com"], "There is no template"),
        (["send", "json:loads", "--to", "ada@example.com"], "is not a template"),
        (["send", "welcome", "--to", "ada@example.com"], "dashboard_url: Field required"),
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
    monkeypatch.delenv("MAILSTACK_OUTPUTS")
    assert main(["stack"]) == 2
    assert "--stack NAME, or set MAILSTACK_STACK or MAILSTACK_OUTPUTS" in capsys.readouterr().err


def test_the_outputs_name_the_stack_where_nothing_else_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MAILSTACK_STACK")
    assert main(["stack", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stack"] == "dev"


def test_a_dry_run_needs_no_stack(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MAILSTACK_STACK")
    monkeypatch.delenv("MAILSTACK_OUTPUTS")
    assert main([*WELCOME, "--to", "ada@example.com", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "the stack's own" in shown
    assert "Hello Ada," in shown


def test_the_html_and_the_brand_are_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    brand = tmp_path / "brand.json"
    brand.write_text(json.dumps({"name": "Example Shop", "accent": "#0f766e"}))
    dry = [*WELCOME, "--to", "ada@example.com", "--dry-run"]
    for given in (str(brand), "tests.unit.mailer.test_cli:BRAND"):
        assert main([*dry, "--brand", given, "--html"]) == 0
        html = capsys.readouterr().out
        assert html.startswith("<!doctype html>")
        assert "Example Shop" in html
        assert "#0f766e" in html
    assert main([*WELCOME, "--to", "ada@example.com", "--html"]) == 2
    assert "Give --dry-run" in capsys.readouterr().err


def test_fields_of_every_kind_come_from_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "order.txt").write_text("{{ number }}: {% for one in items %}{{ one.name }} {% endfor %}")
    monkeypatch.setattr(Order, "folder", tmp_path)
    data = tmp_path / "order.json"
    data.write_text(json.dumps({"number": 7, "items": [{"name": "A kettle"}, {"name": "Two cups"}]}))
    order = ["send", "tests.unit.mailer.test_cli:Order", "--to", "ada@example.com", "--dry-run"]
    assert main([*order, "--data", str(data)]) == 0
    assert "7: A kettle Two cups" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", StringIO(data.read_text()))
    assert main([*order, "--data", "-", "--set", "number=8"]) == 0
    assert "8: A kettle Two cups" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--data", "--brand"])
@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read"), ("{", "is not JSON"), ("[]", "not an object"), ("[" * 99_999, "not JSON")],
)
def test_a_file_that_does_not_fit_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str, content: str | None, said: str
):
    file = tmp_path / "given.json"
    if content is not None:
        file.write_text(content)
    assert main([*WELCOME, "--to", "ada@example.com", "--dry-run", option, str(file)]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert f"{'The brand' if option == '--brand' else '--data names'} {file}" in shown


def test_version_option_prints_the_version(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"mailstack {version('mailstack')}\n"


@pytest.mark.parametrize("arguments", [["stack"], ["templates", "--json"]])
def test_a_closed_pipe_is_no_usage_error(arguments: list[str]):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        ran = subprocess.run(
            [sys.executable, "-m", "mailer", *arguments],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert (ran.returncode, ran.stderr) == (141, "")


def test_a_wrong_address_is_named_by_its_place(capsys: pytest.CaptureFixture[str]):
    given = ["--to", "ada@example.com", "--cc", "bob@example.com", "--cc", "nobody", "--dry-run"]
    assert main([*WELCOME, *given]) == 2
    assert "cc, address 2 of 2: 'n***' has no @" in capsys.readouterr().err


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
    assert {"welcome", "verification_code", "password_reset"} < set(json.loads(capsys.readouterr().out))
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
