"""The check-list of a move: each step is ticked by what is there, in files, on servers and at AWS."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mailer.cli import main
from mailer.doctor.check import Check, Problem, Result, Verdict
from mailer.doctor.checks import CHECKS as ALL_CHECKS
from mailer.migrate.checklist import Scene, State, by_doctor
from mailer.migrate.plan import plan_of
from mailer.migrate.sources import read_sources
from mailer.migrate.steps import CHECKS, STEPS
from mailer.stack import StackOutputs
from tests.smtp_server import smtp_server
from tests.unit.mailer.stack_outputs import outputs
from tests.unit.mailer.wire.certificates import server_context

BY_NAME = {step.name: step for step in STEPS}
ENV = "SMTP_HOST={host}\nSMTP_PORT={port}\nSMTP_USER=shop\nSMTP_PASSWORD=word\nMAIL_FROM=no-reply@example.com\n"
REFUSED = "535 5.7.8 Authentication failed"


def scene(folder: Path, deployed: StackOutputs | None = None, **facts: object) -> Scene:
    given = {"results": {}, "environ": {}, "no_outputs": "There are no outputs.", **facts}
    plan, whole = plan_of(read_sources([], folder)), read_sources([], folder, with_block=True)
    return Scene(plan, whole, folder, "prod", deployed, **given)  # pyright: ignore[reportArgumentType] - facts of a test


def state(name: str, seen: Scene) -> State:
    return BY_NAME[name].look(seen).state


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(ENV.format(host="smtp.example.com", port=587))
    return tmp_path


def test_files_of_a_move_tick_their_steps(folder: Path):
    names = ("stack-settings", "settings", "share", "old-variables", "copies")
    assert [state(name, scene(folder)) for name in names] == [
        State.OPEN,
        State.OPEN,
        State.DONE,
        State.OPEN,
        State.DONE,
    ]
    assert main(["migrate", "--stack", "prod", "--write", "--share", "0.2"]) == 0
    text = (folder / "Pulumi.prod.yaml").read_text()
    text = text.replace("# aws:region: fill in: the region of SES", "aws:region: eu-west-1")
    text = text.replace("# mailstack:page: fill in: who gets the alarms", "mailstack:page: ada@example.com")
    (folder / "Pulumi.prod.yaml").write_text(text)
    assert [state(name, scene(folder)) for name in names] == [
        State.DONE,
        State.DONE,
        State.OPEN,
        State.OPEN,
        State.OPEN,
    ]
    (folder / ".env").write_text("MAILSTACK_STACK=prod\n")
    (folder / ".mailstack-backup" / ".env").unlink()
    (folder / ".mailstack-backup" / ".gitignore").unlink()
    (folder / ".mailstack-backup").rmdir()
    assert {state(name, scene(folder)) for name in names} == {State.DONE}


def test_variable_of_the_process_is_left_over(folder: Path):
    (folder / ".env").write_text("MAILSTACK_STACK=prod\n")
    look = BY_NAME["old-variables"].look(scene(folder, environ={"SMTP_PASSWORD": "word", "AWS_REGION": "eu-west-1"}))
    assert (look.state, look.found) == (State.OPEN, "Left: SMTP_PASSWORD in the environment.")


@pytest.mark.parametrize(
    ("replies", "expected", "later"),
    [
        ({}, State.DONE, State.OPEN),
        ({"AUTH": [REFUSED]}, State.OPEN, State.DONE),
        ({"EHLO": [""]}, State.UNKNOWN, State.UNKNOWN),
    ],
    ids=["takes the login", "refuses it", "is gone"],
)
def test_old_server_is_tried_without_a_mail(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    replies: dict[str, list[str | None]],
    expected: State,
    later: State,
):
    context, authority = server_context(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with smtp_server(context) as server:
        (folder / ".env").write_text(ENV.format(host="localhost", port=server.port) + "SMTP_TLS=1\n")
        server.replies = {name: list(given) for name, given in replies.items()}
        assert (state("fallback", scene(folder)), state("old-credentials", scene(folder))) == (expected, State.SKIPPED)
        assert main(["migrate", "--stack", "prod", "--write"]) == 0
        (folder / ".env").write_text("MAILSTACK_STACK=prod\n")
        server.replies = {name: list(given) for name, given in replies.items()}
        assert (state("fallback", scene(folder)), state("old-credentials", scene(folder))) == (State.SKIPPED, later)
        assert server.complete == []


@contextmanager
def sts(status: int, body: str) -> Generator[str]:
    """AWS's Security Token Service with one answer."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_ANSWER = "GetCallerIdentityRes"
_CALLER = f"<{_ANSWER}ponse><{_ANSWER}ult><Account>1</Account></{_ANSWER}ult></{_ANSWER}ponse>"
_ERROR = "<ErrorResponse><Error><Code>{}</Code><Message>no</Message></Error></ErrorResponse>"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, _CALLER, State.OPEN),
        (403, _ERROR.format("InvalidClientTokenId"), State.DONE),
        (403, _ERROR.format("SignatureDoesNotMatch"), State.UNKNOWN),
    ],
)
def test_old_access_key_is_tried(
    folder: Path, monkeypatch: pytest.MonkeyPatch, status: int, body: str, expected: State
):
    identifier, secret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    keys = f"AWS_SES_ACCESS_KEY_ID={identifier}\nAWS_SES_SECRET_ACCESS_KEY={secret}\n"
    (folder / ".env").write_text(keys)
    with sts(status, body) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        assert state("old-credentials", scene(folder)) is expected


def test_credentials_that_no_file_holds_are_not_tried(folder: Path):
    (folder / ".env").write_text("MAILSTACK_STACK=prod\n")
    assert state("old-credentials", scene(folder)) is State.SKIPPED


def test_senders_must_belong_to_the_identity(folder: Path):
    assert state("senders", scene(folder)) is State.UNKNOWN
    domain = outputs().domain
    for sender, expected in (
        (f"a@{domain}", State.DONE),
        (f"a@news.{domain}", State.DONE),
        ("a@example.org", State.OPEN),
    ):
        (folder / ".env").write_text(f"SMTP_HOST=smtp.example.com\nMAIL_FROM={sender}\n")
        assert state("senders", scene(folder, outputs())) is expected


@pytest.mark.parametrize(("sent", "expected"), [(None, State.UNKNOWN), (0.0, State.OPEN), (7.0, State.DONE)])
def test_mail_of_a_day_ticks_the_step(folder: Path, sent: float | None, expected: State):
    assert state("sent", scene(folder, sent=sent)) is expected


@pytest.mark.parametrize(("missing", "expected"), [(None, State.SKIPPED), ((2, 5), State.OPEN), ((0, 5), State.DONE)])
def test_old_list_must_be_suppressed(folder: Path, missing: tuple[int, int] | None, expected: State):
    assert state("suppressions", scene(folder, missing=missing)) is expected


def _result(verdict: Verdict) -> Result:
    problem = (Problem("It is wrong.", "correct it"),) if verdict in {Verdict.FAILED, Verdict.WARNING} else ()
    return Result(Check("dkim", "", "", lambda _: ()), verdict, problem, "" if problem else "no answer")


@pytest.mark.parametrize(
    ("verdicts", "strict", "expected"),
    [
        ((Verdict.OK, Verdict.OK), False, State.DONE),
        ((Verdict.OK, Verdict.WARNING), False, State.DONE),
        ((Verdict.OK, Verdict.WARNING), True, State.OPEN),
        ((Verdict.OK, Verdict.FAILED), False, State.OPEN),
        ((Verdict.OK, Verdict.UNKNOWN), False, State.UNKNOWN),
        ((Verdict.OK, Verdict.SKIPPED), False, State.DONE),
        ((Verdict.SKIPPED, Verdict.SKIPPED), False, State.UNKNOWN),
    ],
)
def test_checks_of_the_doctor_tick_a_step(folder: Path, verdicts: tuple[Verdict, ...], strict: bool, expected: State):
    results = {str(number): _result(verdict) for number, verdict in enumerate(verdicts)}
    assert by_doctor("0", "1", strict=strict)(scene(folder, outputs(), results=results)).state is expected
    assert by_doctor("0", "1")(scene(folder, results=results)).state is State.UNKNOWN


def test_list_without_a_stack_names_what_is_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name in ("MAILSTACK_STACK", "MAILSTACK_OUTPUTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SMTP_HOST", "")
    (folder / ".env").write_text("SMTP_HOST=mailhog\n")
    assert main(["migrate", "--check", "--json"]) == 1
    steps = {one["step"]: one["state"] for one in json.loads(capsys.readouterr().out)["steps"]}
    assert (steps["stack"], steps["dns"], steps["fallback"]) == ("open", "unknown", "skipped")
    assert main(["migrate", "--check"]) == 1
    assert "[ ] stack " in capsys.readouterr().out


def test_steps_ask_checks_that_the_doctor_has():
    assert {check.name for check in ALL_CHECKS} >= CHECKS
