"""`mailer pause` and `mailer resume` against the local cloud, and who `mailer status` says did it."""

import io
import json
import sys

import pytest

from mailer.cli import main
from mailer.stack import StackOutputs
from mailer.stores.dynamodb.pauses import DynamoDBPauses
from mailstack_localcloud import LocalCloud
from tests.integration.tables import new_table
from tests.unit.mailer.stack_outputs import SET, outputs

pytestmark = pytest.mark.integration
WHY = "Wrong price in the offer"


@pytest.fixture
def stack(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> StackOutputs:
    for name in (SET, "mailstack-dev-news"):
        cloud.client("sesv2").create_configuration_set(ConfigurationSetName=name)
    found = outputs(new_table(cloud.client("dynamodb")))
    for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": found.to_json()}.items():
        monkeypatch.setenv(name, value)
    return found


def sends(cloud: LocalCloud, name: str) -> bool:
    found = cloud.client("sesv2").get_configuration_set(ConfigurationSetName=name)
    return found["SendingOptions"]["SendingEnabled"]


def paused_by(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["status", "--json"]) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    return str(rows["stream news"]["values"].get("by", ""))


def pause(*options: str) -> int:
    return main(["pause", "news", "--why", WHY, "--actor", "ada", *options])


def test_pause_stops_one_stream_and_status_says_who(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    assert pause("--yes") == 0
    assert "mailer resume news --stack dev" in capsys.readouterr().out
    assert (sends(cloud, "mailstack-dev-news"), sends(cloud, SET)) == (False, True)
    by = paused_by(capsys)
    assert by.startswith("ada, ")
    assert by.endswith(f"UTC: {WHY}")


def test_resume_is_recorded_and_ends_the_pause(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    assert pause("--yes") == 0
    assert main(["resume", "news", "--why", "corrected", "--actor", "bob", "--yes"]) == 0
    assert sends(cloud, "mailstack-dev-news")
    last = DynamoDBPauses(stack.table, cloud.client("dynamodb")).newest("news")
    assert last
    assert (last.is_pause, last.actor, last.why) == (False, "bob", "corrected")
    cloud.client("sesv2").put_configuration_set_sending_options(
        ConfigurationSetName="mailstack-dev-news", SendingEnabled=False
    )
    assert paused_by(capsys) == ""


def test_paused_stream_is_left_alone(cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]):
    assert pause("--yes") == 0
    assert main(["pause", "news", "--why", "again", "--actor", "bob", "--yes"]) == 0
    assert "Nothing to do." in capsys.readouterr().out
    assert paused_by(capsys).startswith("ada, ")


@pytest.mark.parametrize(("answer", "status"), [("n\n", 1), ("\n", 1), ("y\n", 0)])
def test_only_yes_pauses(
    answer: str, status: int, cloud: LocalCloud, stack: StackOutputs, monkeypatch: pytest.MonkeyPatch
):
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert pause() == status
    assert sends(cloud, "mailstack-dev-news") is bool(status)


def test_pause_without_a_terminal_needs_yes(cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]):
    assert pause() == 2
    assert "--yes" in capsys.readouterr().err
    assert sends(cloud, "mailstack-dev-news")


def test_unknown_stream_is_refused_with_the_known(stack: StackOutputs, capsys: pytest.CaptureFixture[str]):
    assert main(["pause", "offers", "--why", WHY, "--yes"]) == 2
    assert "news, transactional" in capsys.readouterr().err


def test_refusal_of_aws_says_that_nothing_changed(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    cloud.client("sesv2").delete_configuration_set(ConfigurationSetName="mailstack-dev-news")
    assert pause("--yes") == 2
    assert "Nothing was changed." in capsys.readouterr().err


def test_stream_is_paused_though_the_table_refuses(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    cloud.client("dynamodb").delete_table(TableName=stack.table)
    assert pause("--yes") == 0
    assert "Not recorded" in capsys.readouterr().err
    assert not sends(cloud, "mailstack-dev-news")
