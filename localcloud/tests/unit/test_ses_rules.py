"""SES's decisions: DNS records, senders, suppression, addresses, policies, recipients, quota."""

import doctest
import importlib
import json
from datetime import UTC, datetime

import pytest

from mailstack_localcloud.backend.policies import allows
from mailstack_localcloud.ses import quota, rules, simulator
from mailstack_localcloud.ses.rules import Record
from mailstack_localcloud.ses.state import Account, ConfigurationSet, Identity

TOPIC = "arn:aws:sns:us-east-1:000000000000:events"
SET = "arn:aws:ses:us-east-1:000000000000:configuration-set/transactional"
CONTEXT = {"aws:sourceaccount": "000000000000", "aws:sourcearn": SET}


def identity(name: str, *, verified: bool = True) -> Identity:
    return Identity(name, is_domain="@" not in name, created_at=datetime.now(UTC), verified=verified)


def statement(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": TOPIC,
        "Condition": {"StringEquals": {"AWS:SourceAccount": "000000000000", "AWS:SourceArn": SET}},
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"Condition": None}, True),
        ({"Action": ["SNS:Publish", "sns:Subscribe"]}, True),
        ({"Action": "sns:*"}, True),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:ses:*:000000000000:configuration-set/*"}}}, True),
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}, "Condition": {"StringEquals": {"AWS:SourceOwner": "000000000000"}}}, False),
        ({"Principal": {"Service": "cloudwatch.amazonaws.com"}}, False),
        ({"Action": "sns:Subscribe"}, False),
        ({"Resource": f"{TOPIC}-other"}, False),
        ({"Condition": {"StringEquals": {"AWS:SourceAccount": "111122223333"}}}, False),
        ({"Condition": {"StringEquals": {"AWS:SourceArn": f"{SET}-other"}}}, False),
        ({"Condition": {"StringMatches": {"AWS:SourceAccount": "000000000000"}}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, False),
        ({"Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-example"}}}, True),
        ({"Principal": None, "NotPrincipal": {"Service": "ses.amazonaws.com"}}, False),
    ],
)
def test_topic_policy_must_match_every_element(changes: dict[str, object], allowed: bool):
    policy = json.dumps({"Statement": [statement(**changes)]})
    assert allows(policy, action="sns:Publish", resource=TOPIC, context=CONTEXT) is allowed


@pytest.mark.parametrize("policy", ["", "{}", "not json", "[]", '{"Statement": []}'])
def test_a_policy_that_says_nothing_allows_nothing(policy: str):
    assert not allows(policy, action="sns:Publish", resource=TOPIC, context=CONTEXT)


def test_an_explicit_deny_wins():
    policy = json.dumps({"Statement": [statement(), statement(Effect="Deny", Condition=None)]})
    assert not allows(policy, action="sns:Publish", resource=TOPIC, context=CONTEXT)


@pytest.mark.parametrize(
    ("region", "zone"),
    [("us-east-1", "dkim.amazonses.com"), ("eu-south-1", "dkim.eu-south-1.amazonses.com")],
)
def test_dkim_records_point_to_the_zone_of_the_region(region: str, zone: str):
    domain = identity("example.test", verified=False)
    domain.dkim_tokens = ["one", "two", "three"]
    assert rules.dkim_records(domain, region)[0] == Record("one._domainkey.example.test", "CNAME", f"one.{zone}")


@pytest.mark.parametrize(
    ("record_type", "wanted", "found", "published"),
    [
        ("CNAME", "a.dkim.amazonses.com", ["a.dkim.amazonses.com"], True),
        ("CNAME", "a.dkim.amazonses.com", ["A.DKIM.amazonses.com."], True),
        ("CNAME", "a.dkim.amazonses.com", ["a.dkim.eu-south-1.amazonses.com"], False),
        ("CNAME", "a.dkim.amazonses.com", [], False),
        ("MX", "10 feedback-smtp.us-east-1.amazonses.com", ["10 feedback-smtp.us-east-1.amazonses.com."], True),
        ("MX", "10 feedback-smtp.us-east-1.amazonses.com", ["20 feedback-smtp.us-east-1.amazonses.com"], False),
        ("MX", "10 a.test", ["10 a.test", "20 b.test"], False),
        ("TXT", "p=MIGf", ['"p=MIGx"'], False),
        ("TXT", "p=", ['"k=rsa; " "p=MIGf"'], True),
    ],
)
def test_record_is_published_only_with_the_expected_value(
    record_type: str, wanted: str, found: list[str], published: bool
):
    assert rules.is_published(Record("name.test", record_type, wanted), found) is published


@pytest.mark.parametrize(
    ("address", "identities", "may"),
    [
        ("ada@example.test", [identity("example.test")], True),
        ("ada@news.example.test", [identity("example.test")], True),
        ("ada@EXAMPLE.TEST", [identity("example.test")], True),
        ("ada@EXAMPLE.TEST", [identity("ada@example.test")], False),
        ("ada+bounces@example.test", [identity("ada@example.test")], True),
        ("ada@example.test", [identity("ada+bounces@example.test")], False),
        ("ada@example.test", [identity("example.test", verified=False)], False),
        ("ada@example.test", [identity("bob@example.test")], False),
        ("ada@notexample.test", [identity("example.test")], False),
        ("ada@example.test", [identity("news.example.test")], False),
    ],
)
def test_address_may_send_if_it_or_a_parent_is_verified(address: str, identities: list[Identity], may: bool):
    assert rules.may_send(address, {known.name: known for known in identities}) is may


@pytest.mark.parametrize(
    ("options", "reasons"),
    [
        ({}, ["BOUNCE"]),
        ({"SuppressionOptions": {"SuppressedReasons": ["COMPLAINT"]}}, ["COMPLAINT"]),
        ({"SuppressionOptions": {"SuppressedReasons": []}}, []),
    ],
)
def test_set_overrides_account_suppression_reasons(options: dict[str, dict[str, object]], reasons: list[str]):
    account = Account(suppressed_reasons=["BOUNCE"])
    assert rules.suppression(account, None, ConfigurationSet("set", options=options)) == (reasons, False)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("ada@example.com", ""),
        ("ada", "Missing final '@domain'"),
        ("@example.com", "Missing final '@domain'"),
        ("ada@localhost", ""),
        ("a da@example.com", "Local address contains control or whitespace"),
        ("ada@.example.com", "Domain starts with dot"),
        ("ada@exa..mple.com", "Domain contains dot-dot"),
        ("ädä@example.com", "Local address contains non-ASCII characters"),
    ],
)
def test_a_bad_address_is_refused_in_the_words_of_ses(address: str, problem: str):
    assert rules.address_problem(address) == problem


@pytest.mark.parametrize(
    ("address", "kinds"),
    [
        ("success@simulator.amazonses.com", ["Delivery"]),
        ("Bounce+42@Simulator.AmazonSES.com", ["Bounce"]),
        ("complaint@simulator.amazonses.com", ["Delivery", "Complaint"]),
        ("ooto@simulator.amazonses.com", ["Delivery", "Bounce"]),
        ("suppressionlist@simulator.amazonses.com", ["Bounce"]),
        ("ada@gone.test", ["Bounce"]),
        ("vip@gone.test", ["Delivery"]),
        ("ada@angry.test", ["Delivery", "Complaint"]),
        ("ada@example.com", ["Delivery"]),
    ],
)
def test_outcome_by_simulator_or_newest_pattern(address: str, kinds: list[str]):
    patterns = {"*@gone.test": "bounce", "vip@*": "delivery", "*@angry.test": "complaint:fraud"}
    assert [kind for kind, _ in simulator.outcome(address, patterns)] == kinds


def test_rate_counts_recipients_and_a_burst_is_paid_back():
    account, meter = Account(max_send_rate=14.0), quota.Meter()
    assert not meter.take(account, 50, counted=50)
    assert meter.take(account, 1, counted=1) == "Maximum sending rate exceeded."


def test_sends_before_a_limit_do_not_count_against_it():
    account, meter = Account(max_send_rate=-1.0, max_24_hour_send=-1.0), quota.Meter()
    for _ in range(100):
        meter.take(account, 50, counted=50)
    account.max_send_rate = 14.0
    assert not meter.take(account, 1, counted=1)


def test_daily_quota_counts_recipients_without_simulator():
    account, meter = Account(max_24_hour_send=2.0), quota.Meter()
    assert not meter.take(account, 2, counted=1)
    assert meter.sent_last_24_hours() == 1
    assert meter.take(account, 2, counted=2) == "Daily message quota exceeded."
    assert not meter.take(account, 1, counted=1)
    assert meter.sent_last_24_hours() == 2


def test_the_sandbox_has_limits_of_its_own():
    assert quota.limits(Account(production_access=False)) == (200.0, 1.0)


@pytest.mark.parametrize("module", ["ses.context", "ses.rules", "ses.simulator", "ses.events", "watch.cloudwatch"])
def test_the_examples_in_docstrings_hold(module: str):
    ran = doctest.testmod(importlib.import_module(f"mailstack_localcloud.{module}"))
    assert ran.attempted
    assert not ran.failed
