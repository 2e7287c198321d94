"""Who receives alarms, and which alarms may publish to which topic."""

from fnmatch import fnmatchcase
from typing import Any

from tests.unit.infra.options import all_alarms, everywhere, listed, policy_documents
from tests.unit.infra.program import run


@everywhere
def test_exactly_the_alarms_that_publish_to_a_topic_may(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    for policy in deployment.of("TopicPolicy"):
        topic = deployment.one("Topic", policy.name)
        statement = deployment.policy("TopicPolicy", policy.name).get("CloudWatchPublishesAlarms", {})
        let_in = set(listed(statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn", [])))
        publishing = [alarm for alarm in all_alarms(deployment) if topic.arn in alarm.inputs.get("alarmActions", [])]
        assert let_in == {alarm.arn for alarm in publishing}, policy.name
        assert statement.get("Resource", topic.arn) == topic.arn


@everywhere
def test_no_policy_admits_a_stack_with_the_same_name_prefix(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    renamed = [(r.arn, r.arn.replace(f"-{stack}-", f"-{stack}-eu-")) for r in deployment.aws]
    theirs = {new for old, new in renamed if new != old}
    for urn, statement in policy_documents(deployment):
        if "SlackChannels" in urn:  # people in Slack may look at alarms, and do nothing else
            continue
        values = [value for test in statement.get("Condition", {}).values() for value in test.values()]
        named = {str(one) for value in (statement.get("Resource", []), *values) for one in listed(value)} - {"*"}
        assert not {arn for arn in theirs if any(fnmatchcase(arn, pattern) for pattern in named)}, urn


def test_missing_recipients_are_reported_to_the_others():
    apart = run("prod", warn=["team@example.com"])
    missing = apart.one("MetricAlarm", "account-pagers-missing").inputs
    heard = {topic.name for topic in apart.of("Topic") if topic.arn in missing["alarmActions"]}
    assert heard == {"paging", "warnings", "pagers"}
    assert (missing["metricName"], missing["threshold"], missing["comparisonOperator"]) == (
        "ConfirmedPagers",
        1,
        "LessThanThreshold",
    )
    nobody_asked = run("local").of("MetricAlarm")
    assert not [alarm for alarm in nobody_asked if alarm.name == "account-pagers-missing"]


def test_warnings_can_go_elsewhere_and_critical_alarms_do_not():
    deployment = run("prod", page=["oncall@example.com"], warn=["team@example.com", "https://chat.example.org/x"])
    paging, warnings = (deployment.one("Topic", name).arn for name in ("paging", "warnings"))
    told = {r.inputs["endpoint"]: r.inputs["topic"] for r in deployment.of("TopicSubscription")}
    assert {told["team@example.com"], told["https://chat.example.org/x"]} == {warnings}
    assert told["oncall@example.com"] == paging
    levels = {alarm.name: alarm.inputs.get("okActions") for alarm in all_alarms(deployment)}
    assert levels["transactional-bounce-rate-warning"] == levels["feedback-errors"] == [warnings]
    assert levels["transactional-bounce-rate-critical"] == levels["feedback-dlq-depth"] == [paging]


def test_people_are_paged_by_mail_and_services_by_https():
    deployment = run("prod", page=["oncall@example.com", "https://events.example.org/x"])
    pages = [r.inputs for r in deployment.of("TopicSubscription") if r.name.startswith("page-")]
    assert {(page["protocol"], page["endpoint"]) for page in pages} == {
        ("email", "oncall@example.com"),
        ("https", "https://events.example.org/x"),
    }


def test_one_more_pager_leaves_the_others_subscriptions_alone():
    one, two = run("prod", page=["a@example.com"]), run("prod", page=["b@example.com", "a@example.com"])
    names = [{r.name for r in each.of("TopicSubscription")} for each in (one, two)]
    assert names[0] < names[1]


def test_deployment_lists_unconfirmed_recipients():
    page = ["oncall@example.com", "https://events.example.org/x"]
    (warning,) = run("prod", page=page).warnings
    assert warning.startswith("oncall@example.com has not confirmed the subscription to pages")
    assert "`mailer status --stack prod`" in warning
    assert run("prod", page=page, preview=True).warnings == []


def test_an_encrypted_page_address_stays_encrypted():
    plain, encrypted = run("prod"), run("prod", secret=("page",))
    assert [r.secret for r in plain.of("TopicSubscription") if r.name.startswith("page-")] == [frozenset()] * 2
    pages = [r for r in encrypted.of("TopicSubscription") if r.name.startswith("page-")]
    assert [page.secret for page in pages] == [frozenset({"endpoint"})] * 2
    assert not [said for said in encrypted.warnings if "oncall" in said]
