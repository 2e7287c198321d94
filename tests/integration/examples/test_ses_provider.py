"""The example of a mail service: each provider, a role without keys, bounces and complaints in PostgreSQL, metrics."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from examples.ses_provider.app import engine_of
from examples.ses_provider.clean_up import main as clean_up
from examples.ses_provider.settings import Settings
from mailer import ConfigurationError
from mailstack_localcloud import LocalCloud
from tests.integration.examples.provider_site import Service, service_on
from tests.postgresql import PostgreSQL
from tests.processes import child
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
ADA = "ada@example.com"
# Reports leave the mailbox simulator out.
BOUNCE, COMPLAINT = "ada@gone.test", "ada@angry.test"


@pytest.fixture
def service(
    cloud: LocalCloud, postgresql: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    with service_on(cloud, postgresql, tmp_path, monkeypatch) as running:
        running.ses.behave(BOUNCE, "bounce")
        running.ses.behave(COMPLAINT, "complaint")
        yield running


def rows(service: Service, statement: str) -> list[dict[str, Any]]:
    engine = engine_of(service.settings)
    try:
        with engine.begin() as connection:
            return [dict(row) for row in connection.execute(text(statement)).mappings()]
    finally:
        engine.dispose()


def bounces(service: Service) -> list[dict[str, Any]]:
    return rows(service, "SELECT * FROM email_bounces")


def test_mail_of_a_caller_goes_through_ses(service: Service):
    answer = service.send(ADA, html="<p>Hello</p>", stream="marketing").json()
    assert answer["provider"] == "aws_ses"
    assert answer["recipients"] == [{"address": ADA, "status": "sent", "reason": ""}]
    (mail,) = service.ses.sent
    assert (mail.sender, mail.to) == ("Mail service <no-reply@example.test>", (ADA,))
    assert mail.configuration_set == service.ses.outputs.streams["marketing"].configuration_set
    assert 'mail_sent_total{provider="aws_ses",stream="marketing"} 1.0' in service.counters()


def test_smtp_is_chosen_by_environment(
    cloud: LocalCloud, postgresql: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with service_on(cloud, postgresql, tmp_path, monkeypatch, "smtp") as service:
        assert service.send(ADA).json()["provider"] == "smtp"
        (mail,) = service.ses.sent
        assert (mail.sender, mail.to) == ("Mail service <no-reply@example.test>", (ADA,))
        assert mail.configuration_set == ""  # it went by SMTP, not through the stack
        assert service.metrics("summary").status_code == 200


def test_console_sends_nothing(
    cloud: LocalCloud, postgresql: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with service_on(cloud, postgresql, tmp_path, monkeypatch, "console") as service:
        assert service.send(ADA).json()["provider"] == "console"
        assert service.ses.sent == []
        assert len(list((tmp_path / "mails").glob("*.eml"))) == 1


@pytest.mark.parametrize(("action", "status"), [("ses:SendEmail", "sent"), ("ses:ListTagsForResource", "refused")])
def test_role_of_the_task_sends_without_keys(
    cloud: LocalCloud,
    postgresql: PostgreSQL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    status: str,
):
    nothing = {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no"),
    }
    with (
        task_credentials(cloud, action) as address,
        service_on(
            cloud, postgresql, tmp_path, monkeypatch, AWS_CONTAINER_CREDENTIALS_FULL_URI=address, **nothing
        ) as service,
    ):
        assert service.statuses(ADA) == [status]
        assert len(service.ses.sent) == (status == "sent")


@contextmanager
def task_credentials(cloud: LocalCloud, action: str) -> Generator[str]:
    """What gives a task of ECS the keys of its role.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    """

    class Agent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            taken = session_of_a_role(cloud, action)
            body = json.dumps(taken).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Agent)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/credentials"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def session_of_a_role(cloud: LocalCloud, action: str) -> dict[str, str]:
    iam = cloud.client("iam")
    trusted = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": ["sns:ConfirmSubscription", "ses:GetAccount", action], "Resource": "*"}
    try:
        role = iam.create_role(RoleName="mail", AssumeRolePolicyDocument=document(trusted))["Role"]
    except iam.exceptions.EntityAlreadyExistsException:
        role = iam.get_role(RoleName="mail")["Role"]
    iam.put_role_policy(RoleName="mail", PolicyName="mail", PolicyDocument=document(allowed))
    taken = cloud.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="task")["Credentials"]
    return {
        "AccessKeyId": taken["AccessKeyId"],
        "SecretAccessKey": taken["SecretAccessKey"],
        "Token": taken["SessionToken"],
        "Expiration": taken["Expiration"].isoformat(),
    }


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_bounce_is_a_row_and_a_suppression(service: Service):
    assert service.statuses(BOUNCE) == ["sent"]
    (row,) = eventually(lambda: bounces(service), "the bounce is not recorded")
    assert (row["email"], row["type"], row["sub_type"], row["status"]) == (BOUNCE, "Permanent", "General", "5.1.1")
    assert (row["suppressed"], row["message_id"]) == (True, service.ses.sent[0].message_id)
    assert row["reporting_mta"].startswith("dns; ")
    assert row["diagnostic"].startswith("smtp; 550")
    assert row["feedback_id"]
    assert service.statuses(BOUNCE, ADA) == ["suppressed", "sent"]
    assert 'mail_bounces_total{type="Permanent"} 1.0' in service.counters()
    assert 'mail_suppressions_total{reason="bounce"} 1.0' in service.counters()
    assert service.metrics("bounces").json()["items"][0]["recipient"] == BOUNCE
    (known,) = service.metrics("suppressions").json()["items"]
    assert (known["address"], known["reason"], known["expires_at"]) == (BOUNCE, "bounce", None)


def test_complaint_is_a_row_and_a_suppression(service: Service):
    service.send(COMPLAINT)
    (row,) = eventually(lambda: rows(service, "SELECT * FROM email_complaints"), "the complaint is not recorded")
    assert (row["email"], row["type"], row["suppressed"]) == (COMPLAINT, "abuse", True)
    assert service.statuses(COMPLAINT) == ["suppressed"]
    assert "mail_complaints_total 1.0" in service.counters()
    assert service.metrics("complaints").json()["items"][0]["recipient"] == COMPLAINT


def test_mail_is_sent_after_a_suppression_is_removed(service: Service):
    service.send(BOUNCE)
    eventually(lambda: bounces(service), "the bounce is not recorded")
    remove = f"suppressions/{BOUNCE}?why=The+mailbox+works+again"
    assert service.metrics(remove, "DELETE", key="x" * 43).status_code == 401
    assert service.metrics(remove, "DELETE").status_code == 403
    assert service.statuses(BOUNCE) == ["suppressed"]
    assert service.metrics(remove, "DELETE", admin=True).json()["removed"]
    assert service.statuses(BOUNCE) == ["sent"]


def test_opens_and_clicks_are_counted_by_stream(service: Service):
    service.send("bob@example.com", html='<p><a href="https://example.com/a">a</a></p>', stream="marketing")
    (mail,) = service.ses.sent
    for event in ("open", "click"):
        service.ses.cloud.control("POST", f"messages/{mail.message_id}/events", {"event": event})
    wanted = [f'mail_{name}_total{{stream="marketing"}} 1.0' for name in ("opens", "clicks")]
    eventually(lambda: all(line in service.counters() for line in wanted), "opens and clicks are not counted")


def test_summary_is_read_with_a_key(service: Service):
    assert service.metrics("summary", key="x" * 43).status_code == 401
    assert {"days", "total", "suppressions"} <= service.metrics("summary").json().keys()


def test_caller_needs_a_key(service: Service):
    assert service.send(ADA, key="x" * 43).status_code == 401
    assert httpx.post(f"{service.url}/api/mails", json={}).status_code == 401
    assert service.ses.sent == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "Hello\r\nBcc: eve@example.com"},
        {"to": ["ada@"]},
        {"to": [f"ada{number}@example.com" for number in range(51)]},
        {"stream": "none"},
        {"text": ""},
        {"template": "welcome"},
    ],
    ids=str,
)
def test_wrong_mail_is_refused(service: Service, wrong: dict[str, Any]):
    answer = service.send(ADA, **wrong)
    assert (answer.status_code, service.ses.sent) == (422, [])


def test_repeated_request_sends_once(service: Service):
    first, second = (service.send(ADA, idempotency="order-1").json() for _ in range(2))
    assert (first["replayed"], second["replayed"], first["id"] == second["id"]) == (False, True, True)
    assert service.send(ADA, idempotency="order-1", text="Other").status_code == 409
    assert len(service.ses.sent) == 1
    assert 'mail_sent_total{provider="aws_ses",stream="transactional"} 1.0' in service.counters()


def test_caller_is_asked_to_come_again_later(service: Service):
    with service.ses.fault("error", code="TooManyRequestsException", message="Daily message quota exceeded."):
        answer = service.send(ADA)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert [one["status"] for one in answer.json()["recipients"]] == ["throttled"]


def test_clean_up_deletes_old_rows_and_those_of_a_person(service: Service, capsys: pytest.CaptureFixture[str]):
    service.send(BOUNCE)
    eventually(lambda: bounces(service), "the bounce is not recorded")
    clean_up([])
    assert (capsys.readouterr().out, len(bounces(service))) == ("0 rows deleted\n", 1)
    clean_up(["--erase", BOUNCE.upper()])
    assert bounces(service) == []
    assert service.statuses(BOUNCE) == ["suppressed"]  # as a hash
    service.send(COMPLAINT)
    complaints = "SELECT * FROM email_complaints"
    eventually(lambda: rows(service, complaints), "the complaint is not recorded")
    clean_up(["--days", "0"])
    assert rows(service, complaints) == []


def test_openapi_document_has_the_types(service: Service):
    document = httpx.get(f"{service.url}/openapi.json").json()
    assert {"/api/mails", "/api/webhooks/ses", "/api/metrics/email/summary"} <= document["paths"].keys()
    assert '"schema": {}' not in json.dumps(document)


GIVEN = {
    "EMAIL_PROVIDER": "smtp",
    "DATABASE_URL": "postgresql://mail@db.example.com/mail",
    "API_KEYS": "an-example-key-of-32-characters-or-more",
    "EMAIL_FROM": "no-reply@example.com",
    "SMTP_HOST": "smtp.example.com",
}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"EMAIL_PROVIDER": "ses"}, "EMAIL_PROVIDER is 'ses'. Set it to one of: aws_ses, smtp, console."),
        ({"EMAIL_PROVIDER": "aws_ses"}, "MAILSTACK_STACK is not set"),
        ({"DATABASE_URL": "sqlite:///mail.db"}, "DATABASE_URL is not the URL of a PostgreSQL"),
        ({"API_KEYS": "short"}, "fewer than 32 characters"),
        ({"EMAIL_FROM": ""}, "EMAIL_FROM is not set"),
        ({"EMAIL_FROM": "nobody"}, "EMAIL_FROM or EMAIL_FROM_NAME is wrong"),
        ({"EMAIL_FROM_NAME": "Shop\r\nBcc: x"}, "EMAIL_FROM or EMAIL_FROM_NAME is wrong"),
        ({"SMTP_PORT": "smtp"}, "SMTP_PORT is 'smtp'"),
        ({"SMTP_SECURITY": "none"}, "SMTP_SECURITY is 'none'"),
        ({"SMTP_HOST": " "}, "SMTP_HOST is not set"),
    ],
)
def test_wrong_setting_is_named(changed: dict[str, str], words: str):
    Settings.from_environment(GIVEN)
    with pytest.raises(ConfigurationError) as raised:
        Settings.from_environment({**GIVEN, **changed})
    assert words in str(raised.value)


def test_one_command_runs_it(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-u", "-m", "examples.ses_provider", "--port", str(port)]
    log = tmp_path / "log"
    with log.open("wb") as output, child(subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)) as started:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/api/health/ready"), "it does not start")
        started.send_signal(signal.SIGINT)
        started.wait(PATIENCE)
    assert f"http://127.0.0.1:{port}/api/metrics/email" in log.read_text()
    assert "Traceback" not in log.read_text()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
