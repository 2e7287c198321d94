"""What the account monitor makes of the messages in its queue."""

import json
from collections.abc import Callable

import pytest

from mailer.errors import MalformedEvent
from mailer.functions.notices import Mail, Page, Tick, read

from .payloads import Json, changed, in_sns, raw

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
TICK = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
# https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html
SES = {
    "source": "aws.ses",
    "detail-type": "Sending Status Disabled",
    "account": "123456789012",
    "region": "eu-west-1",
    "time": "2026-03-02T09:15:41Z",
    "resources": ["arn:aws:ses:eu-west-1:123456789012:tenant/acme/tn-1"],
    "detail": {"version": "1.0.0", "data": {"cause": "Ünder review"}},
}
PAGERS = "mailstack-prod-account-pagers-missing"


def test_a_tick_measures():
    assert read(json.dumps(TICK), stack="prod") == Tick()


def test_account_event_pages_with_its_text_and_a_remedy():
    page = read(json.dumps(SES), stack="prod")
    assert isinstance(page, Page)
    assert page.subject == "SES: Sending Status Disabled"
    for words in ("tenant/acme/tn-1", "Ünder review", "123456789012", "--region eu-west-1", "2026-03-02"):
        assert words in page.text


def test_a_subject_is_what_sns_takes():
    page = read(json.dumps({**SES, "detail-type": "ü" * 200}), stack="prod")
    assert isinstance(page, Page)
    assert len(page.subject) < 100
    assert page.subject.isascii()


@pytest.mark.parametrize("wrap", [raw, in_sns])
def test_missing_pagers_are_mailed(wrap: Callable[[Json], str]):
    mail = read(wrap(changed("alarm", AlarmName=PAGERS, AlarmDescription="Nobody is subscribed.")), stack="prod")
    assert isinstance(mail, Mail)
    assert mail.subject == "Nobody is paged for mail of prod"
    assert "Nobody is subscribed." in mail.text


def test_pagers_that_are_back_are_left_alone():
    assert read(in_sns(changed("alarm", AlarmName=PAGERS, NewStateValue="OK")), stack="prod") == f"{PAGERS} is OK"


@pytest.mark.parametrize("body", ["?", "[]", "{}", json.dumps({**TICK, "source": "aws.s3"}), '{"source": "aws.ses"}'])
def test_unrequested_event_is_refused(body: str):
    with pytest.raises(MalformedEvent):
        read(body, stack="prod")
