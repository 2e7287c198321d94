"""AWS Chatbot through boto3: Slack channels, refusals, and deliveries from topics."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud, LocalCloudError
from tests.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_chatbot import ChatbotClient

pytestmark = pytest.mark.integration


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass(frozen=True)
class Setting:
    """A topic and a role, under a name of their own."""

    cloud: LocalCloud
    name: str
    topic: str
    role: str

    @property
    def chatbot(self) -> "ChatbotClient":
        return self.cloud.client("chatbot")

    def inputs(self, **more: Any) -> Any:
        named = {"ConfigurationName": self.name, "SlackTeamId": "T07EA123LEP", "SlackChannelId": "C07EZ1ABC23"}
        return {**named, "IamRoleArn": self.role, "SnsTopicArns": [self.topic], **more}

    def create(self, **more: Any) -> str:
        made = self.chatbot.create_slack_channel_configuration(**self.inputs(**more))
        return made["ChannelConfiguration"]["ChatConfigurationArn"]

    def publish(self, message: object) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        self.cloud.client("sns").publish(TopicArn=self.topic, Message=text)

    def messages(self, count: int) -> list[dict[str, Any]]:
        """What the channel was sent, once it is so many."""

        def sent() -> list[dict[str, Any]]:
            found = self.cloud.control("GET", f"slack/{self.name}")["messages"]
            return found if len(found) >= count else []

        return eventually(sent, f"The channel was not sent {count} messages.")


@pytest.fixture
def setting(shared_cloud: LocalCloud) -> Setting:
    return made_in(shared_cloud)


def made_in(cloud: LocalCloud) -> Setting:
    name = f"t{uuid.uuid4().hex[:10]}"
    topic = cloud.client("sns").create_topic(Name=name)["TopicArn"]
    iam = cloud.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("chatbot.amazonaws.com"))["Role"]["Arn"]
    return Setting(cloud, name, topic, role)


def test_slack_configuration_life_cycle(setting: Setting):
    arn = setting.create(Tags=[{"TagKey": "team", "TagValue": "mail"}], LoggingLevel="ERROR")
    assert arn == f"arn:aws:chatbot::000000000000:chat-configuration/slack-channel/{setting.name}"
    described = setting.chatbot.describe_slack_channel_configurations(ChatConfigurationArn=arn)
    (found,) = described["SlackChannelConfigurations"]
    assert (found["SnsTopicArns"], found.get("LoggingLevel")) == ([setting.topic], "ERROR")
    assert found.get("GuardrailPolicyArns") == ["arn:aws:iam::aws:policy/AdministratorAccess"]
    setting.chatbot.update_slack_channel_configuration(
        ChatConfigurationArn=arn, SlackChannelId="C2", SnsTopicArns=[], UserAuthorizationRequired=True
    )
    changed = setting.chatbot.describe_slack_channel_configurations(ChatConfigurationArn=arn)
    (found,) = changed["SlackChannelConfigurations"]
    assert (found["SlackChannelId"], found["SnsTopicArns"], found.get("LoggingLevel")) == ("C2", [], "ERROR")
    setting.chatbot.tag_resource(ResourceARN=arn, Tags=[{"TagKey": "a", "TagValue": "1"}])
    setting.chatbot.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert setting.chatbot.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"TagKey": "a", "TagValue": "1"}]
    setting.chatbot.delete_slack_channel_configuration(ChatConfigurationArn=arn)
    gone = setting.chatbot.describe_slack_channel_configurations(ChatConfigurationArn=arn)
    assert gone["SlackChannelConfigurations"] == []
    with pytest.raises(setting.chatbot.exceptions.ResourceNotFoundException):
        setting.chatbot.delete_slack_channel_configuration(ChatConfigurationArn=arn)


def test_a_topic_delivers_to_the_channel_until_it_is_taken_away(setting: Setting):
    arn = setting.create()
    setting.publish("The stream rests")
    setting.publish({"version": "1.0", "source": "custom", "content": {"description": "The stream rests"}})
    plain, custom = sorted(setting.messages(2), key=lambda message: message["shown"])
    assert (plain["message"], plain["shown"]) == ("The stream rests", False)
    assert (custom["kind"], custom["text"], custom["topic"]) == ("custom", "The stream rests", setting.topic)
    setting.chatbot.update_slack_channel_configuration(
        ChatConfigurationArn=arn, SlackChannelId="C07EZ1ABC23", SnsTopicArns=[]
    )
    listed = setting.cloud.client("sns").list_subscriptions_by_topic(TopicArn=setting.topic)
    assert listed["Subscriptions"] == []


def test_recreated_topic_delivers_after_channel_update(setting: Setting):
    arn, sns = setting.create(), setting.cloud.client("sns")
    sns.delete_topic(TopicArn=setting.topic)
    sns.create_topic(Name=setting.name)
    setting.publish("to nobody")
    setting.chatbot.update_slack_channel_configuration(
        ChatConfigurationArn=arn, SlackChannelId="C07EZ1ABC23", SnsTopicArns=[setting.topic]
    )
    setting.publish("to the channel")
    assert [seen["message"] for seen in setting.messages(1)] == ["to the channel"]


def test_channel_gets_the_https_message_of_a_structure(setting: Setting):
    setting.create()
    message = json.dumps({"default": "for people", "https": "for Chatbot"})
    setting.cloud.client("sns").publish(TopicArn=setting.topic, Message=message, MessageStructure="json")
    assert [seen["message"] for seen in setting.messages(1)] == ["for Chatbot"]


def test_an_alarm_that_goes_off_is_shown(setting: Setting):
    setting.create()
    cloudwatch = setting.cloud.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=setting.name,
        Namespace="Test",
        MetricName=setting.name,
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
        Period=60,
        EvaluationPeriods=1,
        AlarmActions=[setting.topic],
    )
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[{"MetricName": setting.name, "Value": 1}])
    setting.cloud.control("POST", "alarms/evaluate")
    (seen,) = setting.messages(1)
    assert seen["shown"]
    assert seen["title"] == f"CloudWatch Alarm | {setting.name} | us-east-1 | Account: 000000000000"
    assert "→ ALARM: Threshold Crossed" in seen["text"]


def wrong_role(setting: Setting) -> str:
    made = setting.cloud.client("iam").create_role(
        RoleName=f"{setting.name}-lambda", AssumeRolePolicyDocument=trust("lambda.amazonaws.com")
    )
    return made["Role"]["Arn"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda _: {"SlackTeamId": "t07"}, "SlackTeamId"),
        (lambda _: {"SlackChannelId": "#general"}, "SlackChannelId"),
        (lambda _: {"ConfigurationName": "with space"}, "ConfigurationName"),
        (lambda _: {"LoggingLevel": "TRACE"}, "LoggingLevel"),
        (lambda s: {"IamRoleArn": f"{s.role}-gone"}, "does not exist"),
        (lambda s: {"IamRoleArn": wrong_role(s)}, "does not let chatbot.amazonaws.com assume it"),
        (lambda s: {"SnsTopicArns": [f"{s.topic}-gone"]}, "does not exist"),
        (
            lambda s: {"SnsTopicArns": ["arn:aws:sqs:us-east-1:000000000000:queue"]},
            "not the ARN of a standard",
        ),
        (lambda s: {"GuardrailPolicyArns": ["arn:aws:iam::000000000000:policy/gone"]}, "does not exist"),
    ],
    ids=["workspace", "channel", "name", "level", "no role", "trust", "no topic", "no SNS", "no guardrail"],
)
def test_invalid_slack_configuration_is_refused(
    setting: Setting, changed: Callable[[Setting], dict[str, Any]], said: str
):
    with pytest.raises(ClientError, match=said) as refused:
        setting.create(**changed(setting))
    assert refused.value.response.get("Error", {}).get("Code") == "InvalidParameterException"
    with pytest.raises(LocalCloudError, match="no Slack channel configuration"):
        setting.cloud.control("GET", f"slack/{setting.name}")


def test_a_name_is_given_once_and_other_platforms_are_not_there(setting: Setting):
    setting.create()
    with pytest.raises(setting.chatbot.exceptions.ConflictException):
        setting.create()
    with pytest.raises(ClientError, match="NotEmulated"):
        setting.chatbot.list_microsoft_teams_channel_configurations()


def test_a_bucket_may_be_called_as_an_operation_is(shared_cloud: LocalCloud):
    shared_cloud.client("s3").create_bucket(Bucket="tag-resource")


def test_channels_survive_a_restart_and_reset_deletes_them(tmp_path: Path):
    with LocalCloud.start(state=tmp_path) as cloud:
        setting, port = made_in(cloud), int(cloud.endpoint.rpartition(":")[2])
        setting.create()
        setting.publish("before")
        setting.messages(1)
    with LocalCloud.start(port=port, state=tmp_path) as cloud:
        again = Setting(cloud, setting.name, setting.topic, setting.role)
        again.publish("after")
        assert {message["message"] for message in again.messages(2)} == {"before", "after"}
        cloud.reset()
        assert cloud.control("GET", "slack")["channels"] == []
