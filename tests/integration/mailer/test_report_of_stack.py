"""`mailer report` reads the table of a stack."""

import json
from datetime import timedelta

import pytest

from mailer.cli import main
from mailer.stores.base import utcnow
from mailer.stores.dynamodb.counters import DynamoDBDayCounters
from mailer.stores.dynamodb.messages import DynamoDBMessageLog
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailstack_localcloud import LocalCloud
from tests.contract.message_log import entry
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


def test_days_of_a_stack_are_closed_and_outlive_its_log(
    table: str, cloud: LocalCloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    client = cloud.client("dynamodb")
    fill(DynamoDBMessageLog(table, client, days=30), DynamoDBSuppressions(table, client), utcnow() - timedelta(days=10))
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs(table).model_copy(update={"message_log_days": 30}).to_json())
    assert main(["report", "--days", "1"]) == 0
    capsys.readouterr()
    # A log of one day counts nothing of those days.
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs(table).model_copy(update={"message_log_days": 1}).to_json())
    assert main(["report", "--days", "90", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["days"][f"{utcnow().date() - timedelta(days=10)}"]["sends"] == 40


CLOSED = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["COUNTERS#*"]}}
SCAN = {"Action": "dynamodb:Scan"}
READ = {"Action": "dynamodb:Query", "Condition": CLOSED}
WRITE = {"Action": "dynamodb:PutItem", "Condition": CLOSED}


@pytest.mark.parametrize(
    ("statements", "closes", "warning"),
    [
        ((SCAN, READ, WRITE), True, ""),
        ((SCAN, READ), False, "days that are over could not be closed"),
        ((SCAN,), False, "the numbers of closed days could not be read"),
    ],
    ids=["closes", "reads", "scans"],
)
def test_role_that_may_only_read_gets_the_report_and_a_warning(
    table: str,
    cloud: LocalCloud,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    *,
    statements: tuple[dict[str, object], ...],
    closes: bool,
    warning: str,
):
    client, iam, day = cloud.client("dynamodb"), cloud.client("iam"), utcnow() - timedelta(days=10)
    DynamoDBMessageLog(table, client, days=30).add([entry(key="old", id_="", message_id="old", at=day, sent_at=day)])
    arn = client.describe_table(TableName=table)["Table"]["TableArn"]
    whole = [{"Effect": "Allow", "Resource": arn, **statement} for statement in statements]
    iam.create_user(UserName=table)
    document = json.dumps({"Version": "2012-10-17", "Statement": whole})
    iam.put_user_policy(UserName=table, PolicyName="report", PolicyDocument=document)
    key = iam.create_access_key(UserName=table)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs(table).model_copy(update={"message_log_days": 30}).to_json())
    assert main(["report", "--days", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["sends"] == 71
    assert len(caplog.messages) == bool(warning)
    assert warning in caplog.text
    kept = DynamoDBDayCounters(table, client).between(day.date(), day.date())
    assert bool(kept) == closes


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
