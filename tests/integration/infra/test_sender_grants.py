"""What the library may send as a role of the stack: raw mail, stored templates and bulk requests by setting alone."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from mailer import Mail, Mailer, Message, RawMime, StackOutputs, StoredTemplate
from mailer.errors import AccessDenied
from mailer.sending.engine import PROVEN
from mailstack_localcloud import LocalCloud
from tests.integration.infra.test_options import Program

pytestmark = pytest.mark.integration

OPTIONS: dict[str, Any] = {"watchAccount": False, "access": {"services": ["ecs"]}}
GRANTED: dict[str, Any] = {
    **OPTIONS,
    "access": {**OPTIONS["access"], "raw": True, "bulk": True, "templates": "receipt"},
}
RAW = RawMime(b"From: Example <no-reply@example.test>\r\nTo: ada@example.com\r\nSubject: Hello\r\n\r\nHello\r\n")
NEWS = Message(subject="News", text="News")


@pytest.fixture
def program(cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    program = Program(cloud, tmp_path / "state.json")
    program.stack(**OPTIONS).up()
    cloud.control("POST", "identities/example.test/verify")
    cloud.control("PUT", "account", {"max_send_rate": 10_000.0})
    ses = cloud.client("sesv2")
    ses.create_email_template(TemplateName="receipt", TemplateContent={"Subject": "Hi", "Text": "Hello"})
    yield program
    cloud.reset()


def mailer(program: Program, options: dict[str, Any]) -> Mailer:
    """As the role that an application runs as."""
    outputs = StackOutputs.model_validate(program.stack(**options).outputs["outputs"])
    taken = program.cloud.client("sts").assume_role(RoleArn=outputs.roles["ecs"], RoleSessionName="shop")["Credentials"]
    session = boto3.session.Session(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], "us-east-1")
    return Mailer(outputs, session=session)


def operations(program: Program) -> Counter[str]:
    kept = program.cloud.control("GET", "messages?limit=1000")["messages"]
    return Counter(one["tags"]["ses:operation"][0] for one in kept)


def mails(count: int) -> Iterator[Mail]:
    return (Mail(NEWS, to=f"reader-{number}@example.com") for number in range(count))


@pytest.mark.parametrize(
    ("content", "hint"),
    [(RAW, "access.raw true"), (StoredTemplate("receipt"), "Attach the stack's sender policy")],
)
def test_raw_and_stored_mail_is_refused_without_the_setting(program: Program, content: Any, hint: str):
    (one,) = mailer(program, OPTIONS).send(content, to="ada@example.com")
    assert isinstance(one.error, AccessDenied)
    assert hint in one.error.hint
    assert operations(program) == {}


def test_bulk_requests_are_left_alone_without_the_setting(program: Program):
    mail = mailer(program, OPTIONS)
    assert not mail.outputs.bulk
    assert all(one.ok for one in mail.send_many(mails(60), threads=2))
    assert all(one.ok for one in mail.send_many(mails(60), threads=2, bulk=True))
    assert operations(program) == {"SendEmail": 120}


def test_setting_grants_raw_stored_and_bulk_mail(program: Program):
    program.stack(**GRANTED).up()
    mail = mailer(program, GRANTED)
    assert mail.outputs.bulk
    assert mail.send(RAW).ok
    assert mail.send(StoredTemplate("receipt"), to="ada@example.com").ok
    assert all(one.ok for one in mail.send_many(mails(PROVEN + 100), threads=2))
    assert operations(program)["SendBulkEmail"] >= 50
