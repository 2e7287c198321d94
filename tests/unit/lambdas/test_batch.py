import json

import pytest

from mailer.errors import MailerError
from mailer.feedback.batch import SqsRecord, each_record
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


def test_a_defect_is_logged_without_the_words_that_may_hold_an_address(capsys: pytest.CaptureFixture[str]):
    each_record(batch("defect"), work)
    assert "ada" not in capsys.readouterr().out


def test_a_batch_that_went_well_has_no_failures():
    assert each_record(batch("good", "good"), work) == {"batchItemFailures": []}
