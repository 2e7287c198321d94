"""`mailer stack` against the local cloud: how a stack stands in AWS, and what is left to do."""

import pytest

from mailer.cli import main
from mailer.stack import StackOutputs
from mailstack_localcloud import LocalCloud
from tests.unit.mailer.stack_outputs import SET, outputs

pytestmark = pytest.mark.integration
IDENTITY, MAIL_FROM = "example.test", "bounce.example.test"


@pytest.fixture
def stack(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> StackOutputs:
    """A stack in a new account, on its first day."""
    cloud.control("PUT", "account", {"production_access": False, "verify_at_once": False})
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity=IDENTITY)
    ses.put_email_identity_mail_from_attributes(
        EmailIdentity=IDENTITY, MailFromDomain=MAIL_FROM, BehaviorOnMxFailure="REJECT_MESSAGE"
    )
    for name in (SET, "mailstack-dev-news"):
        ses.create_configuration_set(ConfigurationSetName=name)
    topic = cloud.client("sns").create_topic(Name="mailstack-dev-paging")["TopicArn"]
    found = outputs().model_copy(update={"paging_topic_arn": topic})
    for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": found.to_json()}.items():
        monkeypatch.setenv(name, value)
    return found


def said(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["stack", "--stack", "dev", *options]) == 0
    return capsys.readouterr().out


def test_a_new_account_is_told_everything_that_is_left_to_do(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    cloud.client("sns").subscribe(
        TopicArn=stack.paging_topic_arn, Protocol="email", Endpoint="oncall@example.com", ReturnSubscriptionArn=True
    )
    shown = said(capsys)
    for words in (
        f"MAIL FROM {MAIL_FROM}",
        "PENDING (REJECT_MESSAGE)",
        "until then SES refuses mail",
        "sandbox",
        "aws sesv2 create-email-identity --email-identity RECIPIENT --region us-east-1",
        "publish the records that `mailer dns` shows",
    ):
        assert words in shown


def test_a_paused_stream_and_missing_pagers_are_told(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    ses = cloud.client("sesv2")
    ses.put_configuration_set_sending_options(ConfigurationSetName="mailstack-dev-news", SendingEnabled=False)
    shown = said(capsys)
    assert "mailer resume news --stack dev" in shown
    assert "mailer resume transactional" not in shown
    assert "nobody is paged" in shown
    assert "pulumi up --refresh" in shown


def test_when_all_is_well_nothing_is_left_to_do(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    cloud.control("PUT", "account", {"production_access": True})
    cloud.control("POST", f"identities/{IDENTITY}/verify")
    queue = "arn:aws:sqs:us-east-1:000000000000:pager"
    cloud.client("sqs").create_queue(QueueName="pager")
    cloud.client("sns").subscribe(TopicArn=stack.paging_topic_arn, Protocol="sqs", Endpoint=queue)
    _, _, now = said(capsys).partition("in AWS now\n")
    assert f"pager {queue}" in now
    assert "\n\n" not in now
    assert "aws " not in now


def test_what_is_not_there_is_unknown_and_the_rest_is_shown(
    cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]
):
    cloud.client("sesv2").delete_email_identity(EmailIdentity=IDENTITY)
    shown = said(capsys)
    assert "unknown (NotFoundException)" in shown
    assert "stream transactional" in shown


def test_offline_aws_is_not_asked(cloud: LocalCloud, stack: StackOutputs, capsys: pytest.CaptureFixture[str]):
    assert "in AWS now" not in said(capsys, "--offline")
