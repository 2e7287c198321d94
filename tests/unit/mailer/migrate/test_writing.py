"""`mailer migrate --write`: what was there stays, what is written works, and it can be done again."""

import importlib
import json
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from mailer import Mailer
from mailer.cli import main
from mailer.migrate.env_file import read_env
from mailer.transports.failover import name_of
from mailstack_infra.settings.loading import read as read_settings
from tests.unit.mailer.migrate.projects import PROJECTS, SECRET
from tests.unit.mailer.migrate.test_projects import put
from tests.unit.mailer.stack_outputs import outputs

ENV = f"""# Mail
SMTP_HOST=smtp.example.com
SMTP_PORT=587
SMTP_USER=shop
SMTP_PASSWORD='{SECRET}'
MAIL_FROM="Shop <no-reply@example.com>"
AWS_REGION=eu-west-1
ADMIN_EMAIL=ada@example.com
"""
DJANGO = PROJECTS[0]
ROOT = Path(__file__).parents[4]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def migrate(*arguments: str) -> int:
    return main(["migrate", "--stack", "prod", *arguments])


def test_stack_file_is_accepted_by_the_stack(folder: Path):
    (folder / ".env").write_text(ENV)
    assert migrate("--write") == 0
    text = (folder / "Pulumi.prod.yaml").read_text()
    settings = read_settings("prod", _configuration(text))
    assert (settings.domain, settings.sender) == ("example.com", "Shop <no-reply@example.com>")
    assert (settings.page, settings.dmarc.policy) == (("ada@example.com",), "none")
    assert "aws:region: eu-west-1" in text


def _configuration(text: str) -> dict[str, str]:
    """As Pulumi passes it: values that are no text as JSON."""
    held = yaml.safe_load(text)["config"].items()
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in held}


def test_stack_file_keeps_what_it_has(folder: Path):
    (folder / ".env").write_text(ENV)
    ours = "    mailstack:domain: shop.example.com  # ours\n    mailstack:page: bob@example.com\n"
    old = f"# ours\nbackend:\n  url: file://~\nconfig:\n{ours}"
    (folder / "Pulumi.prod.yaml").write_text(old)
    assert migrate("--write") == 0
    lines = (folder / "Pulumi.prod.yaml").read_text().splitlines()
    assert [line for line in old.splitlines() if line not in lines] == []
    assert "    aws:region: eu-west-1" in lines
    assert sum("mailstack:domain" in line for line in lines) == 1


def test_stack_file_of_another_form_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / ".env").write_text(ENV)
    (folder / "Pulumi.prod.yaml").write_text('config: {"aws:region": "eu-west-1"}\n')
    assert migrate("--write") == 2
    assert "has no line `config:`" in capsys.readouterr().err
    assert (folder / ".env").read_text() == ENV


def test_env_file_keeps_every_byte_and_its_mode(folder: Path):
    env = folder / ".env"
    env.write_bytes(ENV.replace("\n", "\r\n").encode())
    env.chmod(0o640)
    before = env.read_bytes()
    assert migrate("--write", "--share", "0.1", "--template", "welcome") == 0
    after = env.read_bytes()
    assert after.startswith(before)
    assert b"\n" not in after.replace(b"\r\n", b"")
    found = {one.name: one.value for one in read_env(after.decode(), ".env")}
    assert (found["MAILSTACK_STACK"], found["MAILSTACK_SHARE"], found["MAILSTACK_TEMPLATES"]) == (
        "prod",
        "0.1",
        "welcome",
    )
    assert stat.S_IMODE(env.stat().st_mode) == 0o640


def test_copies_are_private_and_ignored_by_git(folder: Path):
    (folder / ".env").write_text(ENV)
    subprocess.run(["git", "init", "-q", "."], check=True)
    assert migrate("--write") == 0
    copy = folder / ".mailstack-backup" / ".env"
    assert copy.read_text() == ENV
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    status = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], check=True, capture_output=True, text=True
    ).stdout
    assert ".mailstack-backup" not in status


def test_second_run_changes_nothing(folder: Path):
    put(DJANGO, folder)
    assert migrate("--write") == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert migrate("--write") == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_second_run_replaces_its_own_block(folder: Path):
    (folder / ".env").write_text(ENV)
    assert migrate("--write", "--share", "0.1") == 0
    (folder / ".env").write_text((folder / ".env").read_text() + "LATER=1\n")
    assert migrate("--write", "--share", "0.5") == 0
    text = (folder / ".env").read_text()
    assert text.startswith(ENV)
    assert (text.count("MAILSTACK_SHARE"), "MAILSTACK_SHARE=0.5" in text, "LATER=1" in text) == (1, True, True)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".env", ENV + 'LAST="never closed\n'),
        ("settings.py", "EMAIL_HOST = 'smtp.example.com'\nINSTALLED_APPS = []\nX = '''open\n"),
        ("settings.py", "EMAIL_HOST = 'smtp.example.com'\nINSTALLED_APPS = []\nX = 1 + \\"),
        (".env", ENV + "# mailstack: begin\nMAILSTACK_STACK=prod\n"),
    ],
)
def test_block_that_would_not_count_is_refused(folder: Path, file: str, text: str):
    (folder / file).write_text(text)
    status = migrate("--write")
    written = (folder / file).read_text()
    known = {one.name: one.value for one in read_env(written, ".env")}
    if status:
        assert written == text
    else:
        assert known["MAILSTACK_STACK"] == "prod"


def test_module_of_a_person_is_not_replaced(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / ".env").write_text(ENV)
    (folder / "mailstack_migration.py").write_text("# mine\n")
    assert migrate("--write") == 2
    assert "did not write it" in capsys.readouterr().err
    assert (folder / "mailstack_migration.py").read_text() == "# mine\n"


def test_link_is_followed(folder: Path):
    (folder / "shared").mkdir()
    (folder / "shared" / "env").write_text(ENV)
    (folder / ".env").symlink_to("shared/env")
    assert migrate("--write") == 0
    assert (folder / ".env").is_symlink()
    assert "MAILSTACK_STACK=prod" in (folder / "shared" / "env").read_text()


def test_nothing_is_written_without_the_option(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / ".env").write_text(ENV)
    assert migrate() == 0
    assert [path.name for path in folder.iterdir()] == [".env"]
    assert "Nothing was changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("env", "name"),
    [
        (ENV, "split(smtp, failover(ses, smtp))"),
        (f"EMAIL_URL=smtp+tls://shop:{SECRET}@smtp.example.com:587\n", "split(smtp, failover(ses, smtp))"),
        ("SMTP_HOST=localhost\nSMTP_PORT=25\n", "split(smtp, failover(ses, smtp))"),
    ],
    ids=["variables", "URL", "loopback"],
)
def test_written_function_creates_a_mailer(folder: Path, monkeypatch: pytest.MonkeyPatch, env: str, name: str):
    (folder / ".env").write_text(env)
    assert main(["migrate", "--stack", "dev", "--write"]) == 0
    given = {one.name: str(one.value) for one in read_env((folder / ".env").read_text(), ".env")}
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs().to_json())
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    mailer = _created(folder, monkeypatch, given)
    assert name_of(mailer._pipeline.transport) == name
    mailer.close()


def _created(folder: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> Mailer:
    monkeypatch.syspath_prepend(folder)
    module = importlib.import_module("mailstack_migration")
    try:
        return module.create_mailer(given)
    finally:
        del sys.modules["mailstack_migration"]


_CHECK = """
import django
django.setup()
from django.core.mail import get_connection
from mailer.django.process import get_mailer
print(type(get_connection()).__module__, get_mailer()._pipeline.transport.name)
"""
# Those that need no package but Django.
_RUNNABLE = {
    "literals in Django's settings": "shop.settings",
    "split settings with a base": "config.settings.production",
    "console while debugging, SMTP in production": "shop.settings",
    "mail through Celery": "shop.settings",
}


@pytest.mark.parametrize("name", _RUNNABLE)
def test_written_settings_of_django_send_through_ses(folder: Path, name: str):
    project = next(one for one in PROJECTS if one.name == name)
    files = {key: text.replace("from .base import env\n", "") for key, text in project.files.items()}
    put(replace(project, files=files), folder)
    assert main(["migrate", "--stack", "dev", "--write"]) == 0
    said = subprocess.run(
        [sys.executable, "-c", _CHECK],
        check=False,
        capture_output=True,
        text=True,
        env={
            "PYTHONPATH": f"{folder}:{ROOT}",
            "DJANGO_SETTINGS_MODULE": _RUNNABLE[name],
            "MAILSTACK_OUTPUTS": outputs().to_json(),
            "AWS_DEFAULT_REGION": "us-east-1",
        },
    )
    assert said.stdout.split(maxsplit=1) == ["mailer.django.backend", "split(smtp, failover(ses, smtp))\n"], said.stderr


@pytest.mark.parametrize("name", [one.name for one in PROJECTS if one.django])
def test_written_settings_of_django_are_python(folder: Path, name: str):
    put(next(one for one in PROJECTS if one.name == name), folder)
    assert main(["migrate", "--stack", "dev", "--write"]) == 0
    changed = [path for path in folder.rglob("*.py") if "by `mailer migrate`" in path.read_text()]
    for path in changed:
        compile(path.read_text(), str(path), "exec")
    assert changed or name == "django-configurations"


def test_settings_that_are_classes_are_left_to_a_person(folder: Path, capsys: pytest.CaptureFixture[str]):
    project = next(one for one in PROJECTS if one.name == "django-configurations")
    put(project, folder)
    assert main(["migrate", "--stack", "dev", "--write"]) == 0
    assert (folder / "shop" / "settings.py").read_text() == project.files["shop/settings.py"]
    assert "add these lines to your class by hand" in capsys.readouterr().out
