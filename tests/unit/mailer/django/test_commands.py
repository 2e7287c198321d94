"""The commands of `manage.py`: what they print, and how they end."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from mailer import AccessDenied, Suppression
from mailer.django import process
from mailer.django.config import config
from mailer.doctor.check import Problem, Result, Verdict
from mailer.testing import Outbox
from tests.contract.message_log import entry

LATER = timedelta(seconds=1)


def run(*arguments: str) -> tuple[int, str]:
    """The exit status and the output."""
    out = StringIO()
    try:
        call_command(*arguments, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


def test_doctor_looks_at_the_stack_of_the_setting(outbox: Outbox, monkeypatch: pytest.MonkeyPatch):
    seen: list[object] = []

    def examine(site: Any, checks: Any) -> list[Result]:
        seen.append(site.outputs)
        failed = Result(checks[0], Verdict.FAILED, (Problem("It is pending.", "publish the records"),))
        return [failed if len(checks) == 1 else Result(checks[0], Verdict.OK)]

    monkeypatch.setattr("mailer.doctor.run.examine", examine)
    assert run("mailer_doctor")[0] == 0
    ended, text = run("mailer_doctor", "--only", "identity", "--json")
    assert (ended, json.loads(text)["checks"][0]["problems"][0]["fix"]) == (1, "publish the records")
    assert seen == [outbox.mailer.outputs] * 2


def test_doctor_lists_its_checks_without_a_stack():
    with override_settings(MAILSTACK={}):
        ended, text = run("mailer_doctor", "--list")
    assert (ended, "dkim" in text) == (0, True)


def test_doctor_refuses_a_mailer_without_a_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Any):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", f"local://{tmp_path}")
    process.forget_mailer()
    ended, text = run("mailer_doctor")
    process.forget_mailer()
    assert (ended, "has no stack in AWS" in text) == (2, True)


def test_test_mail_is_sent_the_way_django_sends(outbox: Outbox):
    ended, text = run("mailer_test", "ada@example.com", "bob@example.com", "--stream", "marketing")
    assert (ended, [line.split() for line in text.splitlines()]) == (
        0,
        [["ada@example.com", "sent", "outbox-1"], ["bob@example.com", "sent", "outbox-1"]],
    )
    assert (outbox[0].stream, outbox[0].subject, bool(outbox[0].html)) == ("marketing", "Test mail", True)


def test_test_mail_goes_to_the_simulator_by_default(outbox: Outbox):
    assert run("mailer_test", "--from", "Shop <shop@example.com>")[0] == 0
    assert (outbox[0].to[0].email, str(outbox[0].sender)) == (
        "success@simulator.amazonses.com",
        "Shop <shop@example.com>",
    )


def test_test_mail_that_was_not_sent_shows_the_remedy(outbox: Outbox):
    outbox.fail(AccessDenied("No.", hint="Attach the policy."))
    ended, text = run("mailer_test", "ada@example.com")
    assert (ended, "refused" in text, "Attach the policy." in text) == (1, True, True)


def test_test_mail_as_json_masks_addresses(outbox: Outbox):
    ended, text = run("mailer_test", "ada@example.com", "--json")
    assert (ended, json.loads(text)["ok"], "ada@" in text) == (0, True, False)


@pytest.mark.parametrize("arguments", [("nobody",), ("ada@example.com", "--stream", "nonsense")])
def test_wrong_usage_of_test_mail_has_a_status(outbox: Outbox, arguments: tuple[str, ...]):
    assert run("mailer_test", *arguments)[0] == 2


def test_cleanup_deletes_what_has_expired(database: None):
    expired = Suppression("ada@example.com", "bounce", expires_at=datetime.now(UTC) - LATER)
    stores = process.stores_of(config())
    stores.suppressions.put(expired)
    ended, text = run("mailer_cleanup", "--json")
    assert (ended, json.loads(text)["suppressions"]) == (0, 1)
    assert "suppressions  0 rows deleted" in run("mailer_cleanup", "--history-days", "0")[1]
    assert stores.suppressions.history("ada@example.com") == []


def test_cleanup_counts_days_that_are_over(database: None):
    stores, day = process.stores_of(config()), datetime.now(UTC) - timedelta(days=20)
    stores.log.add([entry(at=day, sent_at=day)])
    assert run("mailer_cleanup")[0] == 0
    found = stores.counters.between(day.date(), day.date())
    assert [row.entries for row in found[day.date()]] == [1]


def test_cleanup_of_a_database_by_its_url(tmp_path: Any):
    with override_settings(MAILSTACK={"STACK": "test", "STORE": f"sqlite:///{tmp_path}/mail.db"}):
        assert run("mailer_cleanup")[0] == 0
    assert (tmp_path / "mail.db").exists()


def test_cleanup_leaves_the_stacks_table_alone():
    with override_settings(MAILSTACK={"STACK": "test"}):
        ended, text = run("mailer_cleanup")
    assert (ended, "deletes what has expired by itself" in text) == (0, True)


def test_cleanup_refuses_negative_days(database: None):
    assert run("mailer_cleanup", "--history-days", "-1")[0] == 2


def test_wrong_setting_has_a_status():
    with override_settings(MAILSTACK={"STREM": "x"}):
        assert run("mailer_cleanup")[0] == 2
