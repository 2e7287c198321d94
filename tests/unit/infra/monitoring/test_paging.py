"""Who is told, and where: addresses, URLs, channels in Slack."""

import json

import pytest

from mailstack_infra.settings.problems import SettingsInvalid
from mailstack_infra.settings.slack import Slack
from tests.unit.infra.program import Deployment, run

WORKSPACE, PAGES, WARNINGS = "T07EA123LEP", "C07EZ1ABC23", "C07EZ1ABC24"


def deployed(page: str = "", warn: str = "", emails: list[str] | None = None) -> Deployment:
    return run("prod", slack={"workspace": WORKSPACE, "page": page, "warn": warn}, warn=emails or [])


def shown(deployment: Deployment) -> dict[str, set[str]]:
    """The topics that each channel shows."""
    topics = {topic.arn: topic.name for topic in deployment.of("Topic")}
    channels = deployment.of("SlackChannelConfiguration")
    assert {channel.inputs["slackTeamId"] for channel in channels} <= {WORKSPACE}
    return {r.inputs["slackChannelId"]: {topics[arn] for arn in r.inputs["snsTopicArns"]} for r in channels}


def subscribed(deployment: Deployment, topic: str) -> set[str]:
    arn = deployment.one("Topic", topic).arn
    return {r.inputs["endpoint"] for r in deployment.of("TopicSubscription") if r.inputs["topic"] == arn}


@pytest.mark.parametrize(
    ("page", "warn", "emails", "expected"),
    [
        (PAGES, "", [], {PAGES: {"paging"}}),
        (PAGES, PAGES, [], {PAGES: {"paging"}}),
        (PAGES, WARNINGS, [], {PAGES: {"paging"}, WARNINGS: {"warnings"}}),
        ("", WARNINGS, [], {WARNINGS: {"warnings"}}),
        (PAGES, "", ["team@example.com"], {PAGES: {"paging", "warnings"}}),
        (PAGES, WARNINGS, ["team@example.com"], {PAGES: {"paging"}, WARNINGS: {"warnings"}}),
    ],
)
def test_a_channel_shows_what_it_is_for(page: str, warn: str, emails: list[str], expected: dict[str, set[str]]):
    deployment = deployed(page, warn, emails)
    assert shown(deployment) == expected
    assert subscribed(deployment, "paging") == {"oncall@example.com", "mail-team@example.com"}
    assert "warnings" not in {topic.name for topic in deployment.of("Topic")} or subscribed(
        deployment, "warnings"
    ) == set(emails)


def test_without_a_workspace_nothing_of_slack_is_made():
    assert not [r for r in run("prod").aws if "slack" in r.name or "chatbot" in r.token]


def test_channel_members_have_read_only_permissions():
    deployment = deployed(PAGES)
    (channel,) = deployment.of("SlackChannelConfiguration")
    role, guardrail = deployment.one("Role", "slack"), deployment.one("Policy", "slack")
    assert channel.inputs["iamRoleArn"] == role.arn
    assert channel.inputs["guardrailPolicyArns"] == [guardrail.arn]  # AdministratorAccess, were it left out
    assert deployment.policy("RolePolicy", "slack") == deployment.policy("Policy", "slack")
    for statement in deployment.policy("RolePolicy", "slack").values():
        assert all(action.startswith(("cloudwatch:Describe", "cloudwatch:Get")) for action in statement["Action"])
    (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "chatbot.amazonaws.com"}


def test_one_more_channel_leaves_the_others_alone():
    one, two = (
        {r.urn: r.inputs for r in deployment.of("SlackChannelConfiguration")}
        for deployment in (deployed(PAGES, emails=["team@example.com"]), deployed(PAGES, WARNINGS))
    )
    assert set(one) < set(two)


@pytest.mark.parametrize(
    "given", [{"workspace": WORKSPACE}, {"page": PAGES}, {"warn": WARNINGS}, {"workspace": "#alerts", "page": PAGES}]
)
def test_half_a_channel_is_refused(given: dict[str, str]):
    with pytest.raises(SettingsInvalid, match=r"set together|found '#alerts'; allowed: "):
        Slack(**given)
