"""The checks whose faults no local cloud has, by AWS's answers as they are documented; policies; the sender rules."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from mailer.doctor.check import Problem, Result, Verdict
from mailer.doctor.checks import CHECKS
from mailer.doctor.policy import lets
from mailer.doctor.rules import judged
from mailer.doctor.run import examine, result_of
from mailer.doctor.site import Site
from tests.unit.mailer.stack_outputs import outputs

BY_NAME = {check.name: check for check in CHECKS}
SES = "ses.amazonaws.com"


class Canned(Site):
    """A site whose AWS gives these answers, by operation."""

    def __init__(self, **answers: Any) -> None:
        super().__init__(outputs(), None, {})
        object.__setattr__(self, "answers", answers)

    def read(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        answer = vars(self)["answers"][operation]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, service: str) -> Any:
        return type(
            "Client", (), {name: lambda _, a=answer, **__: a for name, answer in vars(self)["answers"].items()}
        )()


def problems(check: str, **answers: Any) -> tuple[Problem, ...]:
    return result_of(BY_NAME[check], Canned(**answers)).problems


def dated(seconds: float) -> dict[str, Any]:
    said = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    return {"Account": outputs().account_id, "ResponseMetadata": {"HTTPHeaders": {"date": said}}}


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, Verdict.OK), (-120, Verdict.WARNING), (120, Verdict.WARNING), (900, Verdict.FAILED), (-900, Verdict.FAILED)],
)
def test_clock_is_compared_with_that_of_aws(seconds: float, verdict: Verdict):
    assert result_of(BY_NAME["clock"], Canned(get_caller_identity=dated(seconds))).verdict is verdict


def rates(rate: float) -> dict[str, Any]:
    now = datetime.now(UTC)
    old = {"Timestamp": now - timedelta(hours=5), "Average": 0.5}
    return {"Datapoints": [old, {"Timestamp": now, "Average": rate}]}


@pytest.mark.parametrize(
    ("rate", "verdicts"),
    [
        (0.0009, []),
        (0.001, ["complaint"]),
        (0.05, ["bounce", "complaint"]),
    ],
)
def test_newest_rates_are_judged_by_the_limits_of_aws(rate: float, verdicts: list[str]):
    found = problems("reputation", get_metric_statistics=rates(rate))
    assert [one.found.split()[2] for one in found] == verdicts


def test_account_without_mail_has_no_rate():
    assert problems("reputation", get_metric_statistics={"Datapoints": []}) == ()


def test_recommendations_that_no_other_check_makes_are_shown():
    mine = outputs().identity_arn
    listed = [
        {"Type": "DKIM", "ResourceArn": mine, "Description": "checked elsewhere"},
        {"Type": "BIMI", "ResourceArn": mine, "Description": "No BIMI record"},
        {"Type": "IP_LISTING", "ResourceArn": "arn:aws:ses:us-east-1:111122223333:identity/example.org"},
    ]
    found = problems("recommendations", list_recommendations={"Recommendations": listed})
    assert [one.found for one in found] == ["SES recommends (BIMI): No BIMI record"]


def test_long_backlog_is_a_warning():
    attributes = {"Attributes": {"ApproximateNumberOfMessages": "1500"}}
    (found,) = problems("backlog", get_queue_attributes=attributes)
    assert found.warning
    assert "1,500 events" in found.found


def test_refused_question_leaves_the_verdict_unknown():
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetAccount")
    result = result_of(BY_NAME["quota"], Canned(get_account=denied))
    assert (result.verdict, result.problems) == (Verdict.UNKNOWN, ())
    assert result.why == "AWS refused GetAccount: AccessDeniedException. Allow it in the IAM policy of the caller."


def test_without_credentials_checks_of_aws_are_skipped(monkeypatch: pytest.MonkeyPatch):
    away = EndpointConnectionError(endpoint_url="https://sts.example.com")
    results = {one.check.name: one for one in examine(Canned(get_caller_identity=away), CHECKS)}
    assert results.pop("credentials").verdict is Verdict.FAILED
    asking = [one for one in results.values() if one.check.needs == "aws"]
    assert {one.verdict for one in asking} == {Verdict.SKIPPED}
    assert results["environment"].verdict is Verdict.OK


def test_every_check_says_why_it_matters_and_where_to_read():
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert check.means.endswith(".")
        assert check.page.startswith("docs/")


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


GRANT = {"Effect": "Allow", "Principal": {"Service": SES}, "Action": "sns:Publish", "Resource": "*"}


@pytest.mark.parametrize(
    ("document", "allowed"),
    [
        (policy(), False),
        ("", False),
        (policy(GRANT), True),
        (json.dumps({"Statement": GRANT}), True),
        (policy({**GRANT, "Principal": "*"}), True),
        (policy({**GRANT, "Principal": {"AWS": ["*"]}}), True),
        (policy({**GRANT, "Principal": {"Service": ["sns.amazonaws.com", SES]}}), True),
        (policy({**GRANT, "Principal": {"Service": "sns.amazonaws.com"}}), False),
        (policy({**GRANT, "Action": ["sns:*"]}), True),
        (policy({**GRANT, "Action": "SNS:publish"}), True),
        (policy({**GRANT, "Action": "sns:Subscribe"}), False),
        (policy({**GRANT, "Condition": {"StringEquals": {"AWS:SourceAccount": "111122223333"}}}), True),
        (policy({**GRANT, "Condition": {"StringEquals": {"aws:SourceAccount": ["000000000000"]}}}), False),
        (policy({**GRANT, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:ses:*:configuration-set/*"}}}), True),
        (policy({**GRANT, "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:ses:x"}}}), False),
        (policy({**GRANT, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}), False),
        (policy({**GRANT, "Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}}), True),
        (policy({**GRANT, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}), True),
        (policy(GRANT, {**GRANT, "Effect": "Deny", "Principal": "*"}), False),
        (policy(GRANT, {**GRANT, "Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}), True),
        (policy(GRANT, {**GRANT, "Effect": "Deny", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}), True),
    ],
)
def test_policy_is_read_as_iam_reads_it(document: str, *, allowed: bool):
    context = {
        "aws:sourceaccount": "111122223333",
        "aws:sourcearn": "arn:aws:ses:us-east-1:111122223333:configuration-set/news",
        "aws:securetransport": "true",
    }
    assert lets(document, SES, "sns:Publish", context) is allowed


def results(**verdicts: Verdict) -> Iterable[Result]:
    given = {name.replace("_", "-"): verdict for name, verdict in verdicts.items()}
    return [Result(check, given.get(check.name, Verdict.OK)) for check in CHECKS]


@pytest.mark.parametrize(
    ("given", "met", "open_"),
    [
        ({}, True, ()),
        ({"dmarc_record": Verdict.FAILED}, False, ("dmarc-record",)),
        ({"reputation": Verdict.WARNING, "dkim": Verdict.FAILED}, False, ("dkim", "reputation")),
        ({"spf_record": Verdict.UNKNOWN}, None, ("spf-record",)),
        ({"sandbox": Verdict.WARNING, "table": Verdict.FAILED}, True, ()),
    ],
)
def test_sender_rules_need_authentication_and_few_complaints(
    given: dict[str, Verdict], met: bool | None, open_: tuple[str, ...]
):
    assert judged(results(**given)) == (met, open_)
