"""The message log of a deployed stack in the local cloud: from a lost answer to the timeline that support reads."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailer import DynamoDBSuppressions, Mailer, MailState, Message, Status, Suppression
from mailer.cli import main
from mailer.message_id import new_id
from mailer.results import SendResult
from mailer.stack import StackOutputs
from mailer.stores.dynamodb.table import dynamodb_api
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.inprocess import InProcessStack
from tests.waiting import eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]
SUCCESS, BOUNCE = "success@simulator.amazonses.com", "bounce@simulator.amazonses.com"
SUPPRESSED = "ada@example.org"
HELLO = Message(subject="Hello", text="Your code is 424242", to=SUCCESS)


class Deployed:
    """The repository's program with the message log on, and a mailer that knows nothing but its outputs."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self.cloud = cloud
        cloud.client("route53").create_hosted_zone(Name="example.test", CallerReference="log")
        config = {"mailstack:messageLog": json.dumps({"days": 30})}
        stack = InProcessStack(ROOT, "local", config=config, environment=cloud.environment(), state=folder / "state")
        stack.up()
        self.outputs = StackOutputs.model_validate(stack.outputs["outputs"])
        self.mailer = Mailer(self.outputs)

    def send(self, **envelope: Any) -> SendResult:
        result = self.mailer.send(HELLO, **envelope)
        self.cloud.control("POST", "events/drain")
        return result

    def becomes(self, result: SendResult, state: MailState) -> None:
        eventually(
            lambda: self.mailer.outcome(result.id).state is state, f"{self.mailer.outcome(result.id)} is not {state}"
        )


@pytest.fixture(scope="module")
def deployed(shared_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    shared_cloud.reset()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in shared_cloud.environment().items():
            patch.setenv(name, value)
        stack = Deployed(shared_cloud, tmp_path_factory.mktemp("log"))
        patch.setenv("MAILSTACK_OUTPUTS", stack.outputs.to_json())
        yield stack


def test_lost_answer_is_resolved_by_the_events(deployed: Deployed):
    with deployed.cloud.fault("reset-after", operation="SendEmail"):
        result = deployed.mailer.send(HELLO)
        assert [one.status for one in result] == [Status.UNKNOWN]
        deployed.cloud.control("POST", "events/drain")
    deployed.becomes(result, MailState.DELIVERED)
    outcome = deployed.mailer.outcome(result.id)
    assert outcome.message_id in {kept["message_id"] for kept in deployed.cloud.control("GET", "messages")["messages"]}


def test_message_lost_before_acceptance_is_not_accepted(deployed: Deployed, monkeypatch: pytest.MonkeyPatch):
    with deployed.cloud.fault("reset-before", operation="SendEmail"):
        lost = deployed.send()
    assert deployed.mailer.outcome(lost.id).state is MailState.UNKNOWN
    earlier = datetime.now(UTC) - timedelta(minutes=61)
    monkeypatch.setattr(
        "mailer.sending.pipeline.new_id", lambda **_: new_id(int(earlier.timestamp() * 1000), logged=True)
    )
    with deployed.cloud.fault("reset-before", operation="SendEmail"):
        lost_earlier = deployed.send()
    assert deployed.mailer.outcome(lost_earlier.id).state is MailState.NOT_ACCEPTED


def test_bounce_is_traced_by_address(deployed: Deployed, capsys: pytest.CaptureFixture[str]):
    result = deployed.send(to=BOUNCE, tags={"order": "1234"})
    deployed.becomes(result, MailState.BOUNCED)
    for arguments in ([BOUNCE], [result.id], [result.message_id], [result.message_id_header], ["--tag", "order=1234"]):
        assert main(["trace", *arguments, "--json"]) == 0
        (found,) = json.loads(capsys.readouterr().out)
        assert [row["kind"] for row in found["timeline"]] == ["Send", "Bounce"]
        assert found["timeline"][1]["what"].startswith("Bounced: ")
        assert (found["id"], found["state"]) == (result.id, "bounced")


def test_suppressed_recipient_is_in_the_timeline(
    deployed: Deployed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    suppressions = DynamoDBSuppressions(deployed.outputs.table, dynamodb_api(deployed.outputs.region))
    suppressions.put(Suppression(SUPPRESSED, "complaint"))
    result = deployed.send(to=SUPPRESSED)
    assert deployed.mailer.outcome(result.id).state is MailState.SUPPRESSED
    page = tmp_path / "trace.html"
    assert main(["trace", SUPPRESSED, "--html", str(page)]) == 0
    shown = capsys.readouterr().out
    for text in (shown, page.read_text(encoding="utf-8")):
        assert "Not sent: the address is on the suppression list (complaint" in text
        assert SUPPRESSED not in text


def test_log_holds_nothing_of_the_content(deployed: Deployed):
    deployed.becomes(deployed.send(), MailState.DELIVERED)
    items = json.dumps(deployed.cloud.client("dynamodb").scan(TableName=deployed.outputs.table)["Items"])
    assert SUCCESS in items
    assert "424242" not in items
    assert "Hello" not in items
