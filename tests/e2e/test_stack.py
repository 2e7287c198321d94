"""The program in `infra/` under the real CLI, against the local cloud: its whole life, from an empty stack to none."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pulumi import automation

from mailer import Mailer, Status
from mailer.catalog import Welcome
from mailer.stack import StackOutputs
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.cli import CliStack
from mailstack_localcloud.pulumi.stack import Changes, DeploymentError
from tests.e2e.inventory import inventory

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
STACK = "local"
DOMAIN = "example.test"

PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def refuse(args, report):
    if args.resource_type == "aws:sqs/queue:Queue" and args.props.get("messageRetentionSeconds", 0) > 1000000:
        report(f"{args.name} keeps messages for {args.props['messageRetentionSeconds']:.0f} s")

PolicyPack("small", policies=[ResourceValidationPolicy(
    name="short", description="Refuses long retention.", enforcement_level=EnforcementLevel.MANDATORY, validate=refuse,
)])
"""

Deploy = Callable[..., CliStack]


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud.start(port=0) as cloud:
        cloud.client("route53").create_hosted_zone(Name=DOMAIN, CallerReference="e2e")
        yield cloud


@pytest.fixture(scope="module")
def stack_with(cloud: LocalCloud, pulumi: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deploy]:
    """Gives the stack with settings changed; all of them share one state."""
    state = tmp_path_factory.mktemp("state")
    opened: list[CliStack] = []

    def stack_with(**config: str) -> CliStack:
        stack = CliStack(ROOT, STACK, config=config, environment=cloud.environment(), state=state, pulumi=pulumi)
        opened.append(stack)
        return stack

    yield stack_with
    for stack in opened:
        stack.close()


@pytest.fixture(scope="module")
def life(cloud: LocalCloud, stack_with: Deploy) -> "Iterator[Life]":
    """The stack deployed once, for the tests that look at it; each leaves it as it found it."""
    life = Life(cloud, stack_with())
    yield life
    life.stack.destroy()


class Life:
    """A deployed stack, and what was seen on the way there."""

    def __init__(self, cloud: LocalCloud, stack: CliStack) -> None:
        self.stack = stack
        self.before = inventory(cloud.client)
        self.previewed = stack.preview()
        self.after_preview = inventory(cloud.client)
        self.created = stack.up()
        self.deployed = inventory(cloud.client)


def test_a_preview_of_an_empty_stack_creates_and_only_creates(life: Life):
    seen = life.previewed
    assert seen.create > 20
    assert (seen.update, seen.replace, seen.delete, seen.same) == (0, 0, 0, 0)
    assert life.after_preview == life.before, "a preview touches nothing"


def test_up_creates_the_resources_of_the_preview(life: Life):
    assert life.created == life.previewed
    assert life.deployed != life.before


def test_a_second_up_changes_nothing(life: Life, cloud: LocalCloud):
    assert life.stack.up() == Changes(same=life.created.create)
    assert inventory(cloud.client) == life.deployed


def test_refresh_finds_no_drift(life: Life):
    assert life.stack.refresh() == Changes(same=life.created.create)


def test_refresh_recreates_a_deleted_alarm(life: Life, cloud: LocalCloud):
    cloudwatch = cloud.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=f"mailstack-{STACK}-")["MetricAlarms"]
    alarm = next(each for each in alarms if each["AlarmActions"])  # CloudWatch deletes none that is part of another
    cloudwatch.delete_alarms(AlarmNames=[alarm["AlarmName"]])
    is_noticed_and_put_back(life, cloud, "cloudwatch describe_alarms")


def test_refresh_recreates_a_deleted_subscription(life: Life, cloud: LocalCloud):
    sns = cloud.client("sns")
    topic = outputs_of(life).events_topic_arn
    subscription = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    is_noticed_and_put_back(life, cloud, "sns list_subscriptions")


def is_noticed_and_put_back(life: Life, cloud: LocalCloud, where: str) -> None:
    found = inventory(cloud.client)
    assert len(found[where]) == len(life.deployed[where]) - 1
    rest = life.created.create - 1
    noticed = life.stack.refresh()
    assert noticed == Changes(same=rest, delete=1, names={"delete": noticed.names["delete"]})
    put_back = life.stack.up()
    assert put_back == Changes(same=rest, create=1, names={"create": noticed.names["delete"]})
    assert inventory(cloud.client) == life.deployed


def test_changed_setting_updates_only_its_resources(life: Life, stack_with: Deploy, cloud: LocalCloud):
    changed = stack_with(streams='{"transactional": {"minimumSends": 5, "bounceRate": {"warning": 0.03}}}')
    # The dashboard draws the line that the alarm watches.
    names = ("dashboard", "transactional-bounce-rate-warning")
    expected = Changes(same=life.created.create - 2, update=2, names={"update": names})
    assert changed.preview() == expected
    assert threshold(cloud) == 0.04
    assert changed.up() == expected
    assert threshold(cloud) == 0.03
    assert life.stack.up() == expected
    assert threshold(cloud) == 0.04


def threshold(cloud: LocalCloud) -> float:
    name = f"mailstack-{STACK}-transactional-bounce-rate-warning"
    return cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["Threshold"]


def test_invalid_settings_are_all_reported_and_change_nothing(life: Life, stack_with: Deploy, cloud: LocalCloud):
    wrong = stack_with(domain="no domain", logRetentionDays="2")
    with pytest.raises(DeploymentError, match=r"(?s)mailstack:domain.*mailstack:logRetentionDays"):
        wrong.up()
    assert inventory(cloud.client) == life.deployed


def test_the_library_sends_with_what_the_stack_wrote(life: Life, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MAILSTACK_OUTPUTS", raising=False)
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    mail = Mailer.from_stack(STACK)
    assert mail.outputs == outputs_of(life)
    welcome = Welcome(name="Ada", dashboard_url="https://app.example.test")
    result = mail.send(welcome, to="success@simulator.amazonses.com")
    assert [recipient.status for recipient in result] == [Status.SENT]
    sent = cloud.control("GET", f"messages/{result.message_id}")
    assert sent["to"] == ["success@simulator.amazonses.com"]
    assert sent["source"] == mail.outputs.sender
    assert sent["subject"].startswith("Welcome to ")


def test_a_policy_pack_judges_the_real_program(cloud: LocalCloud, pulumi: Path, tmp_path: Path):
    (tmp_path / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.1\n")
    (tmp_path / "__main__.py").write_text(PACK)
    with (
        CliStack(
            ROOT, STACK, config={}, environment=cloud.environment(), pulumi=pulumi, policy_packs=[tmp_path]
        ) as stack,
        pytest.raises(DeploymentError, match=r"(?s)Queue feedback-dlq: .*feedback-dlq keeps messages for 1209600 s"),
    ):
        stack.preview()


def test_stack_passes_its_own_policy_pack(pulumi: Path, tmp_path: Path):
    with LocalCloud.start(port=0) as cloud:
        cloud.client("route53").create_hosted_zone(Name=DOMAIN, CallerReference="e2e")

        def stack_with(**config: str) -> CliStack:
            packs, environment = [ROOT / "infra" / "policy"], cloud.environment()
            return CliStack(
                ROOT, STACK, config=config, environment=environment, pulumi=pulumi, state=tmp_path, policy_packs=packs
            )

        with stack_with() as stack:
            assert stack.up().create > 20
        leaking = {"mailstack:sender": f"AKIAIOSFODNN7EXAMPLE <no-reply@{DOMAIN}>"}
        with stack_with(**leaking) as stack, pytest.raises(DeploymentError, match="looks like a secret in plain text"):
            stack.up()


def outputs_of(life: Life) -> StackOutputs:
    return StackOutputs.model_validate(life.stack.outputs["outputs"])


def test_the_automation_api_drives_the_same_binary(life: Life, pulumi: Path):
    driven = life.stack._stack
    assert isinstance(driven, automation.Stack)
    assert isinstance(driven.workspace, automation.LocalWorkspace)
    assert driven.workspace.pulumi_command.command == str(pulumi)
    assert driven.history()[-1].kind == "update"
    assert driven.outputs()["domain"].value == DOMAIN


def test_destroy_leaves_nothing(pulumi: Path):
    with LocalCloud.start(port=0) as cloud:
        cloud.client("route53").create_hosted_zone(Name=DOMAIN, CallerReference="e2e")
        before = inventory(cloud.client)
        with CliStack(ROOT, STACK, config={}, environment=cloud.environment(), pulumi=pulumi) as stack:
            created = stack.up().create
            assert inventory(cloud.client) != before
            destroyed = stack.destroy()
            assert destroyed == Changes(delete=created, names={"delete": destroyed.names["delete"]})
        assert inventory(cloud.client) == before


def test_destroy_of_a_protected_stack_deletes_nothing(pulumi: Path, tmp_path: Path):
    """The Automation API runs `pulumi destroy --yes --skip-preview`."""
    with LocalCloud.start(port=0) as cloud:
        cloud.client("route53").create_hosted_zone(Name=DOMAIN, CallerReference="e2e")
        before = inventory(cloud.client)

        def stack_with(protect: str) -> CliStack:
            config, environment = {"mailstack:protect": protect}, cloud.environment()
            return CliStack(ROOT, STACK, config=config, environment=environment, state=tmp_path, pulumi=pulumi)

        with stack_with("true") as stack:
            stack.up()
            whole = inventory(cloud.client)
            with pytest.raises(DeploymentError, match="protected"):
                stack.destroy()
            assert inventory(cloud.client) == whole
            unprotect(stack, "outputs", "aws:ssm/parameter:Parameter")
            with pytest.raises(DeploymentError, match="protected"):
                stack.destroy()
            assert_mail_still_passes(whole, inventory(cloud.client))
            stack.up()
            assert inventory(cloud.client) == whole
        with stack_with("false") as stack:
            stack.up()
            stack.destroy()
        assert inventory(cloud.client) == before


def unprotect(stack: CliStack, name: str, kind: str) -> None:
    """What a person does who wants one resource gone."""
    driven = stack._stack
    deployment = driven.export_stack().deployment
    assert deployment
    urns = [each["urn"] for each in deployment["resources"]]
    (urn,) = (each for each in urns if each.endswith(f"{kind}::{name}"))
    driven._run_pulumi_cmd_sync(["state", "unprotect", urn, "--yes"])


def assert_mail_still_passes(whole: dict[str, list[str]], left: dict[str, list[str]]) -> None:
    """What a protected identity needs is there: itself, DKIM, MAIL FROM, its streams, the table and its key."""
    for kept in ("sesv2 list_email_identities", "sesv2 list_configuration_sets", "dynamodb list_tables"):
        assert left[kept] == whole[kept], kept
    needed = [record for record in whole["route53 records"] if "_domainkey" in record or "bounce." in record]
    assert len(needed) == 5
    assert [record for record in needed if record not in left["route53 records"]] == []
