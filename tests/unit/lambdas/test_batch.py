import json
import time
from typing import Any

import pytest

from mailer.errors import BatchFailed, MailerError
from mailer.functions.batch import SqsRecord, each_record
from mailer.functions.metrics import FAILED_RECORDS, FUNCTIONS_DIMENSION, FUNCTIONS_NAMESPACE
from tests.unit.lambdas.records import batch


def work(record: SqsRecord) -> None:
    if record["body"] == "expected":
        raise MailerError("The store is away.", hint="Try again.")
    if record["body"] == "defect":
        raise KeyError("ada@example.org")


def test_only_the_records_that_failed_go_back_to_the_queue(capsys: pytest.CaptureFixture[str]):
    answer = each_record(batch("good", "expected", "good", "defect"), work)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "4"}]}
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["error"], first["why"]) == ("MailerError", "The store is away. Try again.")
    assert second["error"] == "KeyError"
    assert second["where"][-1].startswith(__file__)


def test_defect_is_logged_without_its_message(capsys: pytest.CaptureFixture[str]):
    each_record(batch("good", "defect"), work)
    assert "ada" not in capsys.readouterr().out


def test_a_batch_that_went_well_has_no_failures():
    assert each_record(batch("good", "good"), work) == {"batchItemFailures": []}


def test_an_empty_batch_is_no_failure():
    assert each_record(batch(), work) == {"batchItemFailures": []}


@pytest.mark.parametrize("bodies", [("expected",), ("defect", "expected", "defect")])
def test_wholly_failed_batch_raises(bodies: tuple[str, ...]):
    with pytest.raises(BatchFailed, match=f"All {len(bodies)} records"):
        each_record(batch(*bodies), work)


def test_each_failed_record_is_a_metric_of_its_function(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "mailstack-prod-feedback")
    each_record(batch("good", "expected", "defect"), work)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [embedded_metrics(line) for line in lines] == [
        [(FUNCTIONS_NAMESPACE, {FUNCTIONS_DIMENSION: "mailstack-prod-feedback"}, FAILED_RECORDS, 1)]
    ] * 2


def embedded_metrics(line: dict[str, Any]) -> list[tuple[str, dict[str, str], str, float]]:
    """What CloudWatch reads in a log line, by the specification of its embedded metric format."""
    metadata = line["_aws"]
    assert abs(metadata["Timestamp"] / 1000 - time.time()) < 3600
    return [
        (directive["Namespace"], {name: line[name] for name in dimensions}, metric["Name"], line[metric["Name"]])
        for directive in metadata["CloudWatchMetrics"]
        for dimensions in directive["Dimensions"]
        for metric in directive["Metrics"]
    ]
