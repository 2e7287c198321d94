"""`manage.py check` finds each mistake in the settings and says what to do; `--deploy` looks at the stack."""

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings

from mailer.django import checks
from mailer.django.checks import check_database, check_settings, check_stack
from mailer.django.config import KEYS
from mailer.doctor import run
from mailer.doctor.check import Problem, Result, Verdict
from mailer.doctor.checks import CHECKS
from mailer.testing.outputs import stack_outputs
from tests.django_project import KNOWS_MAILERS
from tests.django_project import database as other_database

BACKEND = "mailer.django.EmailBackend"
GOOD: dict[str, Any] = {"STACK": "test"}


@pytest.fixture(autouse=True)
def outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack's outputs are on this machine."""
    monkeypatch.setenv("MAILSTACK_OUTPUTS", stack_outputs().to_json())


def mailers(**options: Any) -> dict[str, Any]:
    """The settings of a project that uses the backend."""
    if KNOWS_MAILERS:
        return {"MAILERS": {"default": {"BACKEND": BACKEND, "OPTIONS": options}}}
    return {"EMAIL_BACKEND": BACKEND}


def found(mailstack: object = GOOD, **settings: Any) -> list[CheckMessage]:
    with override_settings(**{**mailers(), "MAILSTACK": mailstack, **settings}):
        return check_settings()


def ids(messages: list[CheckMessage]) -> list[str]:
    assert all(message.hint for message in messages)
    return [str(message.id).removeprefix("mailstack.") for message in messages]


def test_good_settings_have_no_problem():
    assert found() == []
    every = {
        "STACK": "test",
        "OUTPUTS": Path("outputs.json"),
        "BRAND": {"name": "Shop"},
        "GUARD": {"allowed": ["*@example.com"]},
        "RATE": {"shared": True},
        "HOOKS": ["mailer.SendHook"],
        "SEND_ON_STORE_ERROR": ["transactional"],
        "STORE": "",
        "LOG_DAYS": 0,
        "ON_COMMIT": False,
        "STREAM": "marketing",
        "STREAMS_BY_SENDER": {"@example.com": "marketing"},
        "USER_LANGUAGE": "profile.language",
    }
    assert ids(found(every)) == ["E013"]  # the file alone is missing


WRONG = {
    "missing": None,
    "no dict": "prod",
    "unknown key": {**GOOD, "STREM": "marketing"},
    "lower case": {"stack": "prod"},
    "stack": {"STACK": 7},
    "outputs": {**GOOD, "OUTPUTS": 7},
    "brand": {**GOOD, "BRAND": {"nmae": "Shop"}},
    "brand's type": {**GOOD, "BRAND": "Shop"},
    "guard": {**GOOD, "GUARD": {"allowed": ["*"]}},
    "rate": {**GOOD, "RATE": {"share": 2}},
    "rate's type": {**GOOD, "RATE": True},
    "hooks": {**GOOD, "HOOKS": "shop.Hook"},
    "days": {**GOOD, "LOG_DAYS": -1},
    "switch": {**GOOD, "ON_COMMIT": "yes"},
    "senders": {**GOOD, "STREAMS_BY_SENDER": {"example.com": "marketing"}},
    "senders' type": {**GOOD, "STREAMS_BY_SENDER": ["marketing"]},
    "two mailers": {"MAILER": "shop.create", "STACK": "prod"},
    "database": {**GOOD, "DATABASE": "nonsense"},
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_form_is_an_error_with_a_remedy(case: str):
    messages = found(WRONG[case])
    assert ids(messages) == ["E001"]
    assert "MAILSTACK" in messages[0].msg


def test_near_key_is_suggested():
    assert [message.hint for message in found({**GOOD, "STREM": "x"})] == ["Did you mean 'STREAM'?"]
    (message,) = found({**GOOD, "COLOUR": "x"})
    assert all(key in str(message.hint) for key in KEYS)


def test_password_of_a_url_is_not_shown():
    (message,) = found({**GOOD, "LOG_DAYS": "postgresql://u:secret@example.com/x"})
    assert "secret" not in message.msg


def test_django_mailer_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checks, "is_installed", lambda: True)
    assert ids(found()) == ["E002"]
    with override_settings(INSTALLED_APPS=[]):
        assert ids(found(INSTALLED_APPS=["mailer"])) == ["E002", "E003"]


def test_other_backend_is_a_warning():
    other = "django.core.mail.backends.dummy.EmailBackend"
    settings = {"MAILERS": {"default": {"BACKEND": other}}} if KNOWS_MAILERS else {"EMAIL_BACKEND": other}
    assert ids(found(**settings)) == ["W001"]


@pytest.mark.parametrize("name", ["DEFAULT_FROM_EMAIL", "SERVER_EMAIL"])
def test_invalid_sender_is_an_error(name: str):
    (message,) = found(**{name: "shop"})
    assert (ids([message]), name in message.msg) == (["E005"], True)


def test_invalid_administrator_is_an_error():
    assert ids(found(ADMINS=[("Ada", "ada")], MANAGERS=["bob@example.com", "eve"])) == ["E006", "E006"]


def test_unsupported_database_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checks, "_vendor", lambda _: "mysql")  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    assert ids(found({**GOOD, "STORE": "django"})) == ["E008"]


def test_missing_packages_are_errors(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checks, "find_spec", lambda _: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    monkeypatch.setattr(checks, "_vendor", lambda _: "postgresql")  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    messages = found({**GOOD, "STORE": "django"})
    assert ids(messages) == ["E007", "E009"]
    assert "pip install" in str(messages[0].hint)


def test_paths_that_cannot_be_imported_are_errors():
    assert ids(found({**GOOD, "HOOKS": ["shop.nothing"]})) == ["E010"]
    assert ids(found({"MAILER": "shop.nothing"})) == ["E010"]


def test_unknown_streams_are_errors():
    given = {**GOOD, "STREAM": "nonsense", "STREAMS_BY_SENDER": {"@example.com": "other"}}
    assert ids(found(given)) == ["E011", "E011"]


def test_no_stack_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MAILSTACK_OUTPUTS")
    assert ids(found({})) == ["E012"]
    assert found(GOOD) == []  # AWS is not asked


def test_outputs_of_another_stack_are_an_error():
    assert ids(found({"STACK": "prod"})) == ["E013"]


def test_command_fails_for_an_error():
    with override_settings(**mailers(), MAILSTACK={"STREM": "x"}), pytest.raises(SystemCheckError, match="STREAM"):
        call_command("check", "mailstack")


def test_migrate_does_not_warn_of_tables_that_it_creates(tmp_path: Path):
    values = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "db.sqlite3"}
    setting = {**GOOD, "STORE": "django", "DATABASE": "empty"}
    with other_database("empty", **values), override_settings(MAILSTACK=setting):
        call_command("migrate", "mailstack", "zero", database="empty", verbosity=0)
        assert check_database(databases=["empty"]) == []
        call_command("migrate", "mailstack", database="empty", verbosity=0)
        assert check_database(databases=["empty"]) == []


def test_missing_tables_are_a_warning(database: None):
    from django.db import connection

    with override_settings(MAILSTACK={**GOOD, "STORE": "django"}):
        assert check_database(databases=["default"]) == []
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE mailstack_suppressions RENAME TO hidden")
        try:
            (message,) = check_database(databases=["default"])
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE hidden RENAME TO mailstack_suppressions")
    assert (message.id, message.hint) == ("mailstack.W002", "Run manage.py migrate.")


def in_aws(monkeypatch: pytest.MonkeyPatch, *results: Result) -> None:
    monkeypatch.setattr(run, "examine", lambda site, checks: list(results))


def test_deploy_reports_sandbox_and_identity(monkeypatch: pytest.MonkeyPatch):
    identity, sandbox, streams = (one for one in CHECKS if one.name in {"identity", "sandbox", "streams"})
    in_aws(
        monkeypatch,
        Result(identity, Verdict.FAILED, (Problem("It is pending.", "publish the records"),)),
        Result(sandbox, Verdict.WARNING, (Problem("It is in the sandbox.", "ask AWS", warning=True),)),
        Result(streams, Verdict.UNKNOWN, why="AWS refused it"),
        Result(streams, Verdict.OK),
        Result(streams, Verdict.SKIPPED, why="it does not apply"),
    )
    with override_settings(**mailers(), MAILSTACK=GOOD):
        messages = check_stack()
        everything = run_checks(include_deployment_checks=True)
    assert ids(messages) == ["W004", "W004", "W005"]
    assert (messages[0].msg, messages[0].hint) == (
        f"{identity.name}: It is pending.",
        f"Publish the records ({identity.page})",
    )
    assert all(message in everything for message in messages)


def test_deploy_reports_senders_of_other_domains(monkeypatch: pytest.MonkeyPatch):
    in_aws(monkeypatch)
    senders = {"DEFAULT_FROM_EMAIL": "a@example.com", "SERVER_EMAIL": "a@mail.example.test"}
    with override_settings(**mailers(), MAILSTACK=GOOD, **senders):
        assert ids(check_stack()) == ["W006"]


def test_deploy_reports_local_mail(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", "local:")
    with override_settings(**mailers(), MAILSTACK=GOOD):
        assert ids(check_stack()) == ["W003"]
        assert check_settings() == []
