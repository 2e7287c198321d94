"""The picture and the prices in docs/reference/infrastructure.md: of what the program makes, and as it makes it now."""

import re

from mailer.functions.account import measure, pagers
from mailstack_infra import MailStack
from tests.unit.infra.program import ROOT, run_own
from tools.docs.picture import SMALLEST, mermaid, written
from tools.docs.prices import MONITOR_METRICS, table
from tools.docs.recording import Registered, record

TOP, PART, LEAF = "mailstack:index:MailStack", "mailstack:part:Part", "aws:sns/topic:Topic"


def a(kind: str, name: str, parent: str = "", *needs: str) -> Registered:
    return Registered(urn=name, type=kind, name=name, parent=parent, needs=frozenset(needs), inputs={})


def test_the_page_shows_what_the_program_makes_now():
    page = (ROOT / "docs" / "reference" / "infrastructure.md").read_text()
    assert written(page) == page, "run: make docs"


def test_recording_matches_the_registrations():
    def program() -> None:
        MailStack("mailstack", SMALLEST)

    made = run_own(program, stack="prod").resources
    assert {(r.type, r.name) for r in record(SMALLEST)} == {(r.token, r.name) for r in made}


def test_part_needs_what_its_children_need():
    resources = [
        *(a(TOP, "top", "stack"), a(PART, "first", "top"), a(PART, "second", "top"), a(PART, "third", "top")),
        *(a(PART, "inner", "first"), a(LEAF, "one", "inner"), a(LEAF, "two", "inner")),
        *(a(LEAF, "three", "second", "one", "inner"), a(LEAF, "four", "third", "three", "two", "four")),
    ]
    assert mermaid(resources).splitlines() == [
        "flowchart LR",
        '    p0["<b>Part first</b><br/>2 Topics"]',
        '    p1["<b>Part second</b><br/>Topic"]',
        '    p2["<b>Part third</b><br/>Topic"]',
        "    p1 --> p0",
        "    p2 --> p1",
    ]


def test_prices_are_counted_and_summed():
    resources = [a("aws:kms/key:Key", "key"), *(a("aws:cloudwatch/metricAlarm:MetricAlarm", str(n)) for n in range(12))]
    rows = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", row) for row in table(resources).splitlines()[2:]]
    assert rows == [
        "| alarm on a metric | 12 | 0.10 | 1.20 |",
        "| customer key | 1 | 1.00 | 1.00 |",
        "| together | | | **2.20** |",
    ]


def test_the_monitors_metrics_are_counted_right():
    account = {
        "SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 0.0},
        "ProductionAccessEnabled": True,
        "SendingEnabled": True,
        "EnforcementStatus": "HEALTHY",
    }
    measured = measure(account, "prod")  # pyright: ignore[reportArgumentType] - what it reads of it
    counted = pagers({"SubscriptionsConfirmed": "1", "SubscriptionsPending": "0"}, "prod")
    assert len([*measured, *counted]) == MONITOR_METRICS
