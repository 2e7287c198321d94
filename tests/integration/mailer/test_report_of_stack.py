"""`mailer report` reads the table of a stack."""

import json

import pytest

from mailer.cli import main
from mailer.stores.base import utcnow
from mailer.stores.dynamodb.messages import DynamoDBMessageLog
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailstack_localcloud import LocalCloud
from tests.integration.tables import new_table
from tests.unit.mailer.reports.history import fill
from tests.unit.mailer.stack_outputs import outputs

pytestmark = pytest.mark.integration


@pytest.fixture
def table(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> str:
    client = cloud.client("dynamodb")
    name = new_table(client)
    fill(DynamoDBMessageLog(name, client, days=30), DynamoDBSuppressions(name, client), utcnow())
    for variable, value in cloud.environment().items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("MAILSTACK_STORE", raising=False)
    return name


def test_stack_with_a_log_is_counted(table: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    found = outputs(table).model_copy(update={"message_log_days": 30})
    monkeypatch.setenv("MAILSTACK_OUTPUTS", found.to_json())
    assert main(["report", "--days", "6", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["total"]["sends"], report["total"]["hard_bounces"]) == (70, 3)
    assert set(report["by_stream"]) == {"news", "transactional"}
    assert report["suppressions"]["size"] == 3
    assert report["complete"]


def test_stack_without_a_log_shows_suppressions(
    table: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs(table).to_json())
    assert main(["report"]) == 0
    said = capsys.readouterr().out
    assert "No message log is kept" in said
    assert "suppressed now: 3" in said


def test_count_of_a_large_table_stops_and_says_so(table: str, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailer.stores.dynamodb.messages._MAX_SCANNED", 0)
    log = DynamoDBMessageLog(table, cloud.client("dynamodb"), days=30)
    found = log.counts(since=utcnow().replace(hour=0), until=utcnow())
    assert (list(found.rows), found.complete) == ([], False)
