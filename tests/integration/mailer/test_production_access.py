"""`mailer production-access` against a stack in the local cloud: what is missing, the draft, the case."""

import io
import sys
import threading
from typing import Any

import pytest

from mailer.cli import main, production_access
from mailer.doctor.check import Problem, Result, Verdict
from mailer.doctor.checks import CHECKS
from mailer.doctor.production.draft import FEEDBACK, MAX_CHARACTERS, Answers, draft, open_questions
from mailer.doctor.site import Site
from mailstack_localcloud import LocalCloud
from tests.unit.mailer.stack_outputs import outputs

pytestmark = pytest.mark.integration
ANSWERS = (
    *("--website", "https://www.example.com", "--a-day", "500"),
    *("--use-case", "Order confirmations.", "--recipients", "Customers who registered."),
)


@pytest.fixture
def verdicts() -> dict[str, Verdict]:
    """What the checks of the doctor find; ok where nothing is said. Their own tests: test_doctor.py."""
    return {}


@pytest.fixture
def sandbox(cloud: LocalCloud, verdicts: dict[str, Verdict], monkeypatch: pytest.MonkeyPatch) -> LocalCloud:
    """An account in the sandbox, whose stack is as the verdicts say."""
    cloud.control("PUT", "account", {"production_access": False})
    for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": outputs().to_json()}.items():
        monkeypatch.setenv(name, value)
    problem = (Problem("It is broken.", "fix it"),)

    def checked(_: Site) -> list[Result]:
        found = {check: verdicts.get(check.name, Verdict.OK) for check in CHECKS}
        return [Result(check, one, problem if one is Verdict.FAILED else ()) for check, one in found.items()]

    monkeypatch.setattr(production_access, "_checked", checked)
    return cloud


def details(cloud: LocalCloud) -> dict[str, Any]:
    found: dict[str, Any] = {**cloud.client("sesv2").get_account().get("Details", {})}
    return found


def request(*options: str) -> int:
    return main(["production-access", *ANSWERS, *options])


def test_missing_answers_are_named_and_nothing_is_sent(sandbox: LocalCloud, capsys: pytest.CaptureFixture[str]):
    assert main(["production-access", "--yes"]) == 1
    out = capsys.readouterr().out
    for option in ("--website URL", "--use-case TEXT", "--recipients TEXT", "--a-day NUMBER"):
        assert option in out
    assert "--opt-out" not in out
    assert not details(sandbox)


def test_submitted_request_says_what_was_found(sandbox: LocalCloud, capsys: pytest.CaptureFixture[str]):
    assert request("--contact", "ada@example.com", "--yes") == 0
    assert "Submitted." in capsys.readouterr().out
    found = details(sandbox)
    assert (found["MailType"], found["WebsiteURL"]) == ("TRANSACTIONAL", "https://www.example.com")
    assert found["AdditionalContactEmailAddresses"] == ["ada@example.com"]
    assert found["ReviewDetails"]["Status"] == "PENDING"
    text = found["UseCaseDescription"]
    for words in (
        "Order confirmations.",
        "about 500 mails",
        "Customers who registered.",
        "signs with DKIM",
        "DMARC record",
    ):
        assert words in text
    assert "mailstack-dev-transactional" in text
    assert "pauses its sending automatically" in text


def test_failed_check_keeps_the_request_back(
    sandbox: LocalCloud, verdicts: dict[str, Verdict], capsys: pytest.CaptureFixture[str]
):
    verdicts["dmarc-record"] = Verdict.FAILED
    assert request("--yes") == 1
    out = capsys.readouterr().out
    assert "Fix first: dmarc-record" in out
    assert "It is broken. fix it" in out
    assert "has a DMARC record" not in out
    assert not details(sandbox)


def test_unknown_check_is_not_claimed(sandbox: LocalCloud, verdicts: dict[str, Verdict]):
    verdicts["guard"] = Verdict.UNKNOWN
    assert request("--yes") == 0
    assert "pauses its sending" not in details(sandbox)["UseCaseDescription"]


def test_account_without_an_identity_is_not_ready(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    cloud.control("PUT", "account", {"production_access": False})
    for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": outputs().to_json()}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(production_access, "lookup_of", lambda: None)
    assert request("--yes") == 1
    assert "Fix first: identity" in capsys.readouterr().out
    assert not details(cloud)


def test_dry_run_shows_the_draft_and_submits_nothing(sandbox: LocalCloud, capsys: pytest.CaptureFixture[str]):
    assert request("--dry-run", "--yes") == 1
    assert "Order confirmations." in capsys.readouterr().out
    assert not details(sandbox)


@pytest.mark.parametrize(("answer", "status"), [("n\n", 1), ("y\n", 0)])
def test_only_yes_submits(answer: str, status: int, sandbox: LocalCloud, monkeypatch: pytest.MonkeyPatch):
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert request() == status
    assert bool(details(sandbox)) is not bool(status)


def test_pending_case_is_shown_and_not_asked_again(sandbox: LocalCloud, capsys: pytest.CaptureFixture[str]):
    assert request("--yes") == 0
    first = details(sandbox)
    assert request("--use-case", "Something else.", "--yes") == 1
    assert f"Case {first['ReviewDetails']['CaseId']}: PENDING." in capsys.readouterr().out
    assert details(sandbox) == first


def test_case_is_followed_until_it_is_granted(
    sandbox: LocalCloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(production_access, "_PAUSE", 0.05)
    grant = threading.Timer(0.5, lambda: sandbox.control("PUT", "account", {"production_access": True}))
    assert request("--yes") == 0
    grant.start()
    assert main(["production-access", "--wait", "60"]) == 0
    grant.join()
    assert "has production access in us-east-1" in capsys.readouterr().out


@pytest.mark.parametrize("status", ["DENIED", "FAILED"])
def test_case_is_followed_until_aws_refuses(
    sandbox: LocalCloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: str
):
    monkeypatch.setattr(production_access, "_PAUSE", 0.05)
    assert request("--yes") == 0
    refuse = threading.Timer(0.5, lambda: sandbox.control("PUT", "account/review", {"status": status}))
    refuse.start()
    assert main(["production-access", "--wait", "60"]) == 1
    refuse.join()
    case = details(sandbox)["ReviewDetails"]["CaseId"]
    assert f"Case {case}: {status}." in capsys.readouterr().out


def test_denied_request_is_shown_before_another_is_made(sandbox: LocalCloud, capsys: pytest.CaptureFixture[str]):
    assert request("--yes") == 0
    sandbox.control("PUT", "account/review", {"status": "DENIED"})
    capsys.readouterr()
    assert main(["production-access"]) == 1
    out = capsys.readouterr().out
    assert "DENIED. AWS has denied the request. Answer the case in the Support Center" in out
    assert "Not submitted. Say also:" in out


def test_account_in_production_needs_nothing(sandbox: LocalCloud, capsys: pytest.CaptureFixture[str]):
    sandbox.control("PUT", "account", {"production_access": True})
    assert request("--yes") == 0
    assert "has production access" in capsys.readouterr().out
    assert not details(sandbox)


def test_text_longer_than_aws_takes_is_refused(sandbox: LocalCloud, capsys: pytest.CaptureFixture[str]):
    assert request("--use-case", "x" * MAX_CHARACTERS, "--yes") == 2
    assert "AWS takes 5,000" in capsys.readouterr().err
    assert not details(sandbox)


@pytest.mark.parametrize(
    "option", [("--website", "example.com"), ("--website", "ftp://a.test"), ("--contact", "ada"), ("--a-day", "0")]
)
def test_unusable_option_is_refused(option: tuple[str, str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(["production-access", *option])
    assert stopped.value.code == 2
    assert option[1] in capsys.readouterr().err


def test_draft_claims_nothing_that_was_not_found():
    assert draft(Answers(use_case="Receipts."), outputs(), (), ()) == "Receipts."
    for missing in FEEDBACK:
        passed = set(FEEDBACK) - {missing}
        assert "Bounces and complaints" not in draft(Answers(), outputs(), passed, ())


def test_draft_names_the_suppressed_reasons():
    found = outputs()
    assert draft(Answers(), found, (), ["COMPLAINT"]).endswith("enabled for complaints.")
    assert draft(Answers(), found, (), ["BOUNCE", "COMPLAINT"]).endswith("enabled for bounces and complaints.")


def test_marketing_mail_needs_a_way_to_opt_out():
    options = [option for option, _ in open_questions(Answers("https://a.test", "News.", "Sign-up.", "", 5, True))]
    assert options == ["--opt-out TEXT"]
