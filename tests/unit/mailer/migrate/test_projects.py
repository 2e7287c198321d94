"""Settings of many kinds: the system, the server, the stack's settings; and no secret anywhere."""

import json
from pathlib import Path

import pytest

from mailer.cli import main
from mailer.migrate.known import Home
from mailer.migrate.plan import Plan, plan_of
from mailer.migrate.sources import read_sources
from tests.unit.mailer.migrate.projects import PROJECTS, SECRET, Project

NAMES = [project.name for project in PROJECTS]


def put(project: Project, folder: Path) -> Path:
    for name, text in project.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def planned(files: dict[str, str], folder: Path) -> Plan:
    return plan_of(read_sources([], put(Project("", files, "", None), folder)))


@pytest.mark.parametrize("project", PROJECTS, ids=NAMES)
def test_server_and_stack_settings_of_a_project(project: Project, tmp_path: Path):
    plan = planned(project.files, tmp_path)
    server = None if plan.no_fallback else plan.old.server
    found = (server.host, server.port, server.security, server.has_login) if server else None
    stack = {one.key: one.value for one in plan.stack}
    assert (plan.old.system, plan.old.is_django, found) == (project.system, project.django, project.server)
    assert {key: stack.get(key) for key in project.stack} == project.stack


@pytest.mark.parametrize("project", PROJECTS, ids=NAMES)
@pytest.mark.parametrize("options", [[], ["--json"], ["--write"]], ids=["shown", "json", "written"])
def test_no_secret_is_shown_or_written(
    project: Project,
    options: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(put(project, tmp_path))
    assert main(["migrate", "--stack", "prod", *options]) == 0
    output = capsys.readouterr()
    assert SECRET not in output.out + output.err
    assert "AKIAIOSFODNN7EXAMPLE" not in output.out
    new = [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in project.files]
    new = [path for path in new if str(path.relative_to(tmp_path)) not in project.files]
    assert [path for path in new if SECRET in path.read_text() and ".mailstack-backup" not in path.parts] == []


@pytest.mark.parametrize("project", PROJECTS, ids=NAMES)
def test_every_old_variable_has_a_place_and_a_reason(project: Project, tmp_path: Path):
    rows = planned(project.files, tmp_path).rows
    assert rows
    assert [row for row in rows if not row.why and row.home is not Home.UNCHANGED] == []


def test_variable_is_known_by_the_setting_that_reads_it(tmp_path: Path):
    project = next(one for one in PROJECTS if one.name == "os.environ and os.getenv")
    rows = {row.name: row.home for row in planned(project.files, tmp_path).rows}
    assert (rows["RELAY_LOGIN"], rows["RELAY_WORD"]) == (Home.FALLBACK, Home.FALLBACK)


def test_unknown_mail_setting_is_for_a_person_to_decide(tmp_path: Path):
    rows = planned({".env": f"SMTP_HOST=smtp.example.com\nMAIL_CARRIER_PIGEON={SECRET}\n"}, tmp_path).rows
    assert [(row.name, row.value) for row in rows if row.home is Home.DECIDE] == [("MAIL_CARRIER_PIGEON", "***")]


def test_sender_that_ses_cannot_verify_is_named(tmp_path: Path):
    rows = planned(
        {".env": "SMTP_HOST=a.example.com\nMAIL_FROM=shop@gmail.com\nSERVER_EMAIL=root@localhost\n"}, tmp_path
    ).rows
    assert [row.name for row in rows if row.home is Home.DECIDE] == ["MAIL_FROM", "SERVER_EMAIL"]


def test_smtplib_in_a_program_is_noted(tmp_path: Path):
    code = "import smtplib\ndef send():\n    with smtplib.SMTP('smtp.example.com', 587) as server:\n        pass\n"
    notes = planned({"config.py": code, ".env": "SMTP_HOST=smtp.example.com"}, tmp_path).notes
    assert any("config.py:3" in note and "Mailer.send" in note for note in notes)


def test_settings_are_never_executed(tmp_path: Path):
    code = f"import os\nopen({str(tmp_path / 'ran')!r}, 'w')\nos.abort()\nEMAIL_HOST = 'smtp.example.com'\n"
    assert planned({"settings.py": code}, tmp_path).old.server
    assert not (tmp_path / "ran").exists()


def test_include_of_split_settings_is_followed(tmp_path: Path):
    files = {
        "settings.py": "from split_settings.tools import *\ninclude('parts/*.py', optional('none.py'))\n",
        "parts/mail.py": "EMAIL_HOST = 'smtp.example.com'\n",
    }
    server = planned(files, tmp_path).old.server
    assert server
    assert server.host == "smtp.example.com"


def test_files_that_include_each_other_end(tmp_path: Path):
    other = "from .settings import *\nEMAIL_HOST = 'a.example.com'\n"
    files = {"settings.py": "from .config import *\n", "config.py": other}
    assert planned(files, tmp_path).old.server


def test_module_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(put(PROJECTS[0], tmp_path))
    assert main(["migrate", "shop.settings", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["server"]["host"] == "smtp.example.com"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no settings that are known"),
        (["none.env"], "There is neither a file none.env"),
        (["no.such.module"], "There is neither a file no.such.module"),
        (["folder"], "cannot be read"),
    ],
)
def test_missing_file_is_a_sentence_with_a_way_out(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert main(["migrate", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_file_that_is_not_python_is_named(tmp_path: Path):
    notes = planned({"settings.py": "EMAIL_HOST = 'a'\nif:\n"}, tmp_path).notes
    assert notes[0] == "settings.py:2 is not Python."
