"""A life cycle for each resource type: inputs, changes, replacements. Data, not tests."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi import wire

Props = dict[str, Any]
ACCOUNT = "000000000000"


def policy(action: str, *others: str, **more: Any) -> str:
    """A small policy document."""
    actions = [action, *others] if others else action
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


TRUST = policy("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}).replace(', "Resource": "*"', "")
TRUST_ECS = TRUST.replace("lambda", "ecs-tasks")


@dataclass(frozen=True)
class Around:
    """What a resource needs around it."""

    cloud: LocalCloud
    folder: Path
    name: str

    def topic(self) -> str:
        return self.cloud.client("sns").create_topic(Name=self.name)["TopicArn"]

    def queue(self, suffix: str = "") -> str:
        return self.cloud.client("sqs").create_queue(QueueName=self.name + suffix)["QueueUrl"]

    def queue_arn(self, suffix: str = "") -> str:
        url = self.queue(suffix)
        attributes = self.cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return attributes["Attributes"]["QueueArn"]

    def event_rule(self) -> str:
        self.cloud.client("events").put_rule(Name=self.name, EventPattern='{"source": ["aws.ses"]}')
        return self.name

    def role(self) -> str:
        """A role that Lambda may assume, and that may poll queues."""
        iam = self.cloud.client("iam")
        made = iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=TRUST)
        polls = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
        iam.put_role_policy(RoleName=self.name, PolicyName="polls", PolicyDocument=policy(*polls))
        return made["Role"]["Arn"]

    def chat_role(self, suffix: str = "") -> str:
        """A role that AWS Chatbot may assume."""
        trust = TRUST.replace("lambda", "chatbot")
        iam = self.cloud.client("iam")
        return iam.create_role(RoleName=self.name + suffix, AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    def user(self, suffix: str = "") -> str:
        made = self.cloud.client("iam").create_user(UserName=self.name + suffix)
        return made["User"]["UserName"]

    def policy(self, suffix: str = "") -> str:
        """A managed policy, whose name needs no second one."""
        name = f"{self.name}-p{suffix}"
        made = self.cloud.client("iam").create_policy(PolicyName=name, PolicyDocument=policy("ses:SendEmail"))
        return made["Policy"]["Arn"]

    def secret(self, suffix: str = "") -> str:
        return self.cloud.client("secretsmanager").create_secret(Name=self.name + suffix)["ARN"]

    def tenant(self, suffix: str = "") -> str:
        return self.cloud.client("sesv2").create_tenant(TenantName=self.name + suffix)["TenantName"]

    def zone(self) -> str:
        made = self.cloud.client("route53").create_hosted_zone(Name=f"{self.name}.test", CallerReference=self.name)
        return made["HostedZone"]["Id"].rsplit("/", 1)[-1]

    def key(self) -> str:
        return self.cloud.client("kms").create_key()["KeyMetadata"]["KeyId"]

    def identity(self) -> str:
        self.cloud.client("sesv2").create_email_identity(EmailIdentity=f"{self.name}.test")
        return f"{self.name}.test"

    def configuration_set(self) -> str:
        self.cloud.client("sesv2").create_configuration_set(ConfigurationSetName=self.name)
        return self.name

    def publishing_topic(self) -> str:
        """A topic that SES may publish to."""
        arn = self.topic()
        allow = policy("sns:Publish", Principal={"Service": "ses.amazonaws.com"}).replace('"*"', f'"{arn}"')
        self.cloud.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=allow)
        return arn

    def archive(self, answer: str = "one") -> Props:
        """A folder with a handler, as a Pulumi program gives it."""
        folder = self.folder / answer
        folder.mkdir(exist_ok=True)
        (folder / "handler.py").write_text(f"def handle(event, context):\n    return {answer!r}\n")
        return {wire.SIGNATURE: wire.ARCHIVE, "path": str(folder)}

    def function(self) -> str:
        from mailstack_localcloud.pulumi.provider.archive import zip_bytes

        made = self.cloud.client("lambda").create_function(
            FunctionName=self.name,
            Role=self.role(),
            Runtime="python3.13",
            Handler="handler.handle",
            Code={"ZipFile": zip_bytes(self.archive())},
        )
        return made["FunctionArn"]


@dataclass(frozen=True)
class Life:
    """The life of one resource."""

    kind: str
    inputs: Callable[[Around], Props]
    update: Callable[[Around], Props] | None
    """Inputs that change in place; None where nothing does."""
    shown: Props | None = None
    """Outputs after the update, where they are not the inputs themselves."""
    removed: Props = field(default_factory=dict[str, Any])
    """Inputs to take away after the update, and the outputs that must then be there."""
    kept: tuple[str, ...] = ()
    """Inputs to take away after the update, and what they set must stay without a difference."""
    replace: Callable[[Around], Props] | None = None
    """Inputs that need a new resource."""
    unknown: tuple[str, ...] = ()
    """Outputs that only creation makes known."""
    imported: Callable[[Props], str] | None = None
    """What it is imported by, where that is not its id."""

    @property
    def id(self) -> str:
        return self.kind.rsplit(":", 1)[-1]


def _alarm(around: Around) -> Props:
    return {
        "name": around.name,
        "namespace": "AWS/SES",
        "metricName": "Reputation.BounceRate",
        "dimensions": {"ses:configuration-set": "transactional"},
        "statistic": "Average",
        "comparisonOperator": "GreaterThanOrEqualToThreshold",
        "evaluationPeriods": 1,
        "period": 300,
        "threshold": 0.05,
        "treatMissingData": "ignore",
        "alarmActions": [around.topic()],
        "alarmDescription": "too many bounces",
        "tags": {"team": "mail"},
    }


def _composite(around: Around) -> Props:
    alarm = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 1, "Period": 60}
    for name in ("a", "b"):
        metric = {"Namespace": "Test", "MetricName": "Depth", "Statistic": "Maximum"}
        around.cloud.client("cloudwatch").put_metric_alarm(AlarmName=f"{around.name}-{name}", **alarm, **metric)
    return {
        "alarmName": around.name,
        "alarmRule": f'ALARM("{around.name}-a") AND ALARM("{around.name}-b")',
        "alarmDescription": "both",
        "alarmActions": [around.topic()],
        "tags": {"team": "mail"},
    }


def _dashboard(title: str) -> str:
    widget = {"type": "text", "x": 0, "y": 0, "width": 6, "height": 2, "properties": {"markdown": title}}
    return json.dumps({"widgets": [widget]})


def _table(around: Around) -> Props:
    return {
        "name": around.name,
        "attributes": [{"name": "sk", "type": "S"}, {"name": "pk", "type": "S"}],
        "hashKey": "pk",
        "rangeKey": "sk",
        "billingMode": "PAY_PER_REQUEST",
        "ttl": {"attributeName": "expires_at", "enabled": True},
        "pointInTimeRecovery": {"enabled": True},
        "tags": {"team": "mail"},
    }


def _function(around: Around) -> Props:
    return {
        "name": around.name,
        "role": around.role(),
        "runtime": "python3.13",
        "handler": "handler.handle",
        "architectures": ["arm64"],
        "timeout": 30,
        "memorySize": 256,
        "environment": {"variables": {"TABLE": "one", "OTHER": "x"}},
        "code": around.archive(),
        "tags": {"team": "mail"},
    }


LIVES = (
    Life(
        "aws:sqs/queue:Queue",
        lambda a: {"name": a.name, "visibilityTimeoutSeconds": 60, "sqsManagedSseEnabled": True, "tags": {"a": "1"}},
        lambda a: {"visibilityTimeoutSeconds": 90, "messageRetentionSeconds": 1_209_600, "tags": {"b": "2"}},
        removed={"visibilityTimeoutSeconds": 30, "messageRetentionSeconds": 345_600, "tags": {}},
        replace=lambda a: {"name": f"{a.name}-other"},
        unknown=("arn", "url"),
    ),
    Life(
        "aws:sqs/queuePolicy:QueuePolicy",
        lambda a: {"queueUrl": a.queue(), "policy": policy("sqs:SendMessage", Principal="*")},
        lambda a: {"policy": policy("sqs:ReceiveMessage", Principal="*")},
        replace=lambda a: {"queueUrl": a.queue("-other")},
    ),
    Life(
        "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        lambda a: {"queueUrl": a.queue(), "redriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})},
        lambda a: {
            "redriveAllowPolicy": json.dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": [a.queue_arn("-source")]}
            )
        },
        replace=lambda a: {"queueUrl": a.queue("-other")},
    ),
    Life(
        "aws:sns/topic:Topic",
        lambda a: {"name": a.name, "displayName": "one", "tags": {"a": "1"}},
        lambda a: {"displayName": "two", "tags": {"a": "2", "b": "3"}},
        removed={"displayName": "", "tags": {}},
        replace=lambda a: {"name": f"{a.name}-other"},
        unknown=("arn", "owner", "policy"),
    ),
    Life(
        "aws:sns/topicPolicy:TopicPolicy",
        lambda a: {"arn": a.topic(), "policy": policy("sns:Publish", Principal="*")},
        lambda a: {"policy": policy("sns:Subscribe", Principal="*")},
        replace=lambda a: {"arn": a.cloud.client("sns").create_topic(Name=f"{a.name}-other")["TopicArn"]},
    ),
    Life(
        "aws:sns/topicSubscription:TopicSubscription",
        lambda a: {"topic": a.topic(), "protocol": "sqs", "endpoint": a.queue_arn(), "rawMessageDelivery": True},
        lambda a: {"rawMessageDelivery": False, "filterPolicy": json.dumps({"kind": ["Bounce"]})},
        removed={"filterPolicy": ""},
        replace=lambda a: {"endpoint": a.queue_arn("-other")},
        unknown=("arn", "pendingConfirmation"),
    ),
    Life(
        "aws:dynamodb/table:Table",
        _table,
        lambda a: {
            "pointInTimeRecovery": {"enabled": False},
            "tags": {"team": "post"},
        },
        removed={"tags": {}},
        kept=("ttl", "pointInTimeRecovery"),
        replace=lambda a: {"name": f"{a.name}-other"},
        unknown=("arn",),
    ),
    Life(
        "aws:iam/role:Role",
        lambda a: {"name": a.name, "assumeRolePolicy": TRUST, "description": "one", "tags": {"a": "1"}},
        lambda a: {"assumeRolePolicy": TRUST_ECS, "description": "two", "maxSessionDuration": 7200},
        removed={"description": "", "maxSessionDuration": 3600, "tags": {}},
        replace=lambda a: {"path": "/other/"},
        unknown=("arn", "uniqueId"),
    ),
    Life(
        "aws:iam/rolePolicy:RolePolicy",
        lambda a: {"name": "inline", "role": a.role().rsplit("/", 1)[-1], "policy": policy("ses:SendEmail")},
        lambda a: {"policy": policy("ses:SendBulkEmail")},
        replace=lambda a: {"name": "other"},
    ),
    Life(
        "aws:iam/policy:Policy",
        lambda a: {"name": a.name, "policy": policy("ses:SendEmail"), "tags": {"a": "1"}},
        lambda a: {"policy": policy("ses:SendBulkEmail")},
        removed={"tags": {}},
        replace=lambda a: {"description": "another"},
        unknown=("arn", "policyId"),
    ),
    Life(
        "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
        lambda a: {
            "configurationName": a.name,
            "slackTeamId": "T07EA123LEP",
            "slackChannelId": "C07EZ1ABC23",
            "iamRoleArn": a.chat_role(),
            "snsTopicArns": [a.topic()],
            "guardrailPolicyArns": [a.policy()],
            "tags": {"a": "1"},
        },
        lambda a: {
            "slackChannelId": "C2",
            "iamRoleArn": a.chat_role("-other"),
            "loggingLevel": "ERROR",
            "userAuthorizationRequired": True,
            "tags": {"a": "2", "b": "3"},
        },
        removed={"loggingLevel": "NONE", "userAuthorizationRequired": False, "tags": {}},
        replace=lambda a: {"configurationName": f"{a.name}-other", "slackTeamId": "T2"},
        unknown=("chatConfigurationArn", "slackChannelName", "slackTeamName"),
    ),
    Life(
        "aws:iam/user:User",
        lambda a: {"name": a.name, "path": "/mail/", "permissionsBoundary": a.policy(), "tags": {"a": "1"}},
        lambda a: {"path": "/post/", "permissionsBoundary": a.policy("2"), "tags": {"b": "2"}},
        removed={"path": "/", "permissionsBoundary": "", "tags": {}},
        replace=lambda a: {"name": f"{a.name}-other"},
        unknown=("arn", "uniqueId"),
    ),
    Life(
        "aws:iam/accessKey:AccessKey",
        lambda a: {"user": a.user()},
        lambda a: {"status": "Inactive"},
        removed={"status": "Active"},
        replace=lambda a: {"user": a.user("-other")},
        unknown=("secret", "sesSmtpPasswordV4", "createDate"),
    ),
    Life(
        "aws:iam/userPolicy:UserPolicy",
        lambda a: {"name": "inline", "user": a.user(), "policy": policy("ses:SendEmail")},
        lambda a: {"policy": policy("ses:SendBulkEmail")},
        replace=lambda a: {"user": a.user("-other")},
    ),
    Life(
        "aws:iam/userPolicyAttachment:UserPolicyAttachment",
        lambda a: {"user": a.user(), "policyArn": a.policy()},
        None,
        replace=lambda a: {"policyArn": a.policy("2")},
    ),
    Life(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        lambda a: {"role": a.role().rsplit("/", 1)[-1], "policyArn": a.policy()},
        None,
        replace=lambda a: {"policyArn": a.policy("2")},
    ),
    Life(
        "aws:iam/instanceProfile:InstanceProfile",
        lambda a: {"name": a.name, "tags": {"a": "1"}},
        lambda a: {"role": a.role().rsplit("/", 1)[-1], "tags": {"a": "2"}},
        removed={"role": "", "tags": {}},
        replace=lambda a: {"path": "/other/"},
        unknown=("arn", "uniqueId"),
    ),
    Life(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        lambda a: {
            "url": f"https://{a.name}.test",
            "clientIdLists": ["sts.amazonaws.com", "one"],
            "thumbprintLists": ["a" * 40],
            "tags": {"a": "1"},
        },
        lambda a: {"clientIdLists": ["two", "sts.amazonaws.com"], "thumbprintLists": ["b" * 40], "tags": {"b": "2"}},
        removed={"tags": {}},
        replace=lambda a: {"url": f"https://other.{a.name}.test"},
        unknown=("arn",),
    ),
    Life(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda a: {
            "name": f"/aws/lambda/{a.name}",
            "retentionInDays": 14,
            "logGroupClass": "INFREQUENT_ACCESS",
            "tags": {"a": "1"},
        },
        lambda a: {"retentionInDays": 30},
        removed={"retentionInDays": 0, "tags": {}},
        kept=("logGroupClass",),
        replace=lambda a: {"name": f"/aws/lambda/{a.name}-other"},
        unknown=("arn",),
    ),
    Life(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        _alarm,
        lambda a: {"threshold": 0.1, "okActions": [a.topic()], "evaluationPeriods": 2},
        removed={"okActions": [], "alarmDescription": "", "treatMissingData": "missing", "tags": {}},
        replace=lambda a: {"name": f"{a.name}-other"},
        unknown=("arn",),
    ),
    Life(
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        _composite,
        lambda a: {"alarmRule": f'ALARM("{a.name}-a") OR ALARM("{a.name}-b")', "okActions": [a.topic()]},
        removed={"okActions": [], "alarmDescription": "", "tags": {}},
        replace=lambda a: {"alarmName": f"{a.name}-other"},
        unknown=("arn",),
    ),
    Life(
        "aws:cloudwatch/dashboard:Dashboard",
        lambda a: {"dashboardName": a.name, "dashboardBody": _dashboard("one")},
        lambda a: {"dashboardBody": _dashboard("two")},
        replace=lambda a: {"dashboardName": f"{a.name}-other"},
        unknown=("dashboardArn",),
    ),
    Life(
        "aws:cloudwatch/eventRule:EventRule",
        lambda a: {"name": a.name, "eventPattern": '{"source": ["aws.ses"]}', "description": "d", "tags": {"a": "1"}},
        lambda a: {"eventPattern": '{"source": ["aws.sns"]}', "description": "other", "state": "DISABLED"},
        removed={"description": "", "tags": {}},
        kept=("state",),
        replace=lambda a: {"name": f"{a.name}-other"},
        unknown=("arn",),
    ),
    Life(
        "aws:cloudwatch/eventTarget:EventTarget",
        lambda a: {"rule": a.event_rule(), "targetId": "page", "arn": a.topic(), "input": '{"a": 1}'},
        lambda a: {"input": '{"a": 2}'},
        removed={"input": ""},
        replace=lambda a: {"targetId": "other"},
    ),
    Life(
        "aws:lambda/function:Function",
        _function,
        lambda a: {"timeout": 60, "environment": {"variables": {"TABLE": "two"}}, "code": a.archive("two")},
        removed={"timeout": 3, "memorySize": 128, "environment": {}, "tags": {}},
        replace=lambda a: {"name": f"{a.name}-other"},
        unknown=("arn", "invokeArn", "sourceCodeHash", "version"),
    ),
    Life(
        "aws:lambda/permission:Permission",
        lambda a: {
            "function": a.function().rsplit(":", 1)[-1],
            "statementId": "sns",
            "action": "lambda:InvokeFunction",
            "principal": "sns.amazonaws.com",
            "sourceArn": a.topic(),
            "sourceAccount": ACCOUNT,
        },
        None,
        replace=lambda a: {"principal": "events.amazonaws.com"},
        imported=lambda inputs: f"{inputs['function']}/{inputs['statementId']}",
    ),
    Life(
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        lambda a: {
            "functionName": a.function(),
            "eventSourceArn": a.queue_arn(),
            "batchSize": 10,
            "functionResponseTypes": ["ReportBatchItemFailures"],
        },
        lambda a: {"batchSize": 5, "maximumBatchingWindowInSeconds": 1, "scalingConfig": {"maximumConcurrency": 2}},
        removed={
            "maximumBatchingWindowInSeconds": 0,
            "scalingConfig": {},
            "batchSize": 10,
            "functionResponseTypes": [],
        },
        replace=lambda a: {"eventSourceArn": a.queue_arn("-other")},
        unknown=("uuid", "arn"),
    ),
    Life(
        "aws:kms/key:Key",
        lambda a: {
            "description": "one",
            "policy": policy("kms:DescribeKey", Principal="*"),
            "enableKeyRotation": True,
            "tags": {"a": "1"},
        },
        lambda a: {"description": "two", "policy": policy("kms:Decrypt", Principal="*"), "tags": {"a": "2", "b": "3"}},
        removed={"enableKeyRotation": False, "tags": {}},
        kept=("description", "policy"),
        replace=lambda a: {"region": "us-east-2"},
        unknown=("arn", "keyId"),
    ),
    Life(
        "aws:kms/alias:Alias",
        lambda a: {"name": f"alias/{a.name}", "targetKeyId": a.key()},
        lambda a: {"targetKeyId": a.key()},
        replace=lambda a: {"name": f"alias/{a.name}-other"},
        unknown=("arn", "targetKeyArn"),
    ),
    Life(
        "aws:secretsmanager/secret:Secret",
        lambda a: {"name": f"{a.name}/smtp", "description": "one", "kmsKeyId": a.key(), "tags": {"a": "1"}},
        lambda a: {"description": "two", "policy": policy("secretsmanager:GetSecretValue", Principal={"AWS": ACCOUNT})},
        removed={"description": "", "tags": {}},
        replace=lambda a: {"name": f"{a.name}/other"},
        unknown=("arn",),
    ),
    Life(
        "aws:secretsmanager/secretVersion:SecretVersion",
        lambda a: {"secretId": a.secret(), "secretString": json.dumps({"username": "a", "password": "b"})},
        lambda a: {"versionStages": ["AWSCURRENT", "tested"]},
        replace=lambda a: {"secretString": "other"},
        unknown=("arn", "versionId"),
    ),
    Life(
        "aws:ssm/parameter:Parameter",
        lambda a: {
            "name": f"/{a.name}/outputs",
            "type": "String",
            "value": "one",
            "description": "d",
            "tags": {"a": "1"},
        },
        lambda a: {"value": "two", "tier": "Advanced"},
        removed={"description": "", "tags": {}},
        kept=("tier",),
        replace=lambda a: {"name": f"/{a.name}/other"},
        unknown=("arn", "version"),
    ),
    Life(
        "aws:route53/zone:Zone",
        lambda a: {"name": f"{a.name}.example", "forceDestroy": True, "tags": {"a": "1"}},
        lambda a: {"comment": "mail", "tags": {"b": "2"}},
        removed={"comment": "Managed by Pulumi", "tags": {}},
        replace=lambda a: {"name": f"{a.name}.test"},
        unknown=("arn", "nameServers", "zoneId"),
    ),
    Life(
        "aws:route53/record:Record",
        lambda a: {
            "zoneId": a.zone(),
            "name": f"_dmarc.{a.name}.test",
            "type": "TXT",
            "ttl": 300,
            "records": ["v=DMARC1; p=none"],
        },
        lambda a: {"ttl": 600, "records": ["v=DMARC1; p=reject"]},
        replace=lambda a: {"name": f"other.{a.name}.test"},
        unknown=("fqdn",),
    ),
    Life(
        "aws:sesv2/emailIdentity:EmailIdentity",
        lambda a: {"emailIdentity": f"{a.name}.test", "tags": {"a": "1"}},
        lambda a: {"configurationSetName": a.configuration_set()},
        removed={"configurationSetName": "", "tags": {}},
        replace=lambda a: {"emailIdentity": f"other.{a.name}.test"},
        unknown=("arn", "dkimSigningAttributes", "verificationStatus"),
    ),
    Life(
        "aws:sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes",
        lambda a: {"emailIdentity": a.identity(), "mailFromDomain": f"bounce.{a.name}.test"},
        lambda a: {"mailFromDomain": f"return.{a.name}.test", "behaviorOnMxFailure": "REJECT_MESSAGE"},
        removed={"behaviorOnMxFailure": "USE_DEFAULT_VALUE"},
        replace=lambda a: {"emailIdentity": f"{a.name}.example"},
    ),
    Life(
        "aws:sesv2/emailIdentityFeedbackAttributes:EmailIdentityFeedbackAttributes",
        lambda a: {"emailIdentity": a.identity(), "emailForwardingEnabled": True},
        lambda a: {"emailForwardingEnabled": False},
        removed={"emailForwardingEnabled": False},
        replace=lambda a: {"emailIdentity": f"{a.name}.example"},
    ),
    Life(
        "aws:sesv2/accountSuppressionAttributes:AccountSuppressionAttributes",
        lambda a: {"suppressedReasons": ["COMPLAINT", "BOUNCE"]},
        lambda a: {"suppressedReasons": ["BOUNCE"]},
        replace=lambda a: {"region": "eu-west-1"},
    ),
    Life(
        "aws:sesv2/accountVdmAttributes:AccountVdmAttributes",
        lambda a: {"vdmEnabled": "ENABLED", "dashboardAttributes": {"engagementMetrics": "DISABLED"}},
        lambda a: {"guardianAttributes": {"optimizedSharedDelivery": "ENABLED"}},
        replace=lambda a: {"region": "eu-west-1"},
    ),
    Life(
        "aws:sesv2/contactList:ContactList",
        lambda a: {
            "contactListName": a.name,
            "description": "one",
            "topics": [{"topicName": "news", "displayName": "News", "defaultSubscriptionStatus": "OPT_IN"}],
            "tags": {"a": "1"},
        },
        lambda a: {
            "description": "two",
            "topics": [
                {"topicName": "sport", "displayName": "Sport", "defaultSubscriptionStatus": "OPT_OUT"},
                {"topicName": "news", "displayName": "News", "defaultSubscriptionStatus": "OPT_IN"},
            ],
        },
        removed={"description": "", "topics": [], "tags": {}},
        replace=lambda a: {"contactListName": f"{a.name}-other"},
        unknown=("arn", "createdTimestamp"),
    ),
    Life(
        "aws:sesv2/emailIdentityPolicy:EmailIdentityPolicy",
        lambda a: {
            "emailIdentity": a.identity(),
            "policyName": "senders",
            "policy": policy("ses:SendEmail", Principal={"AWS": ACCOUNT}),
        },
        lambda a: {"policy": policy("ses:SendBulkEmail", Principal={"AWS": ACCOUNT})},
        replace=lambda a: {"policyName": "others"},
    ),
    Life(
        "aws:sesv2/tenant:Tenant",
        lambda a: {"tenantName": a.name, "tags": {"a": "1"}},
        lambda a: {"tags": {"a": "2", "b": "3"}},
        removed={"tags": {}},
        replace=lambda a: {"tenantName": f"{a.name}-other"},
        unknown=("tenantArn", "tenantId", "sendingStatus"),
    ),
    Life(
        "aws:sesv2/tenantResourceAssociation:TenantResourceAssociation",
        lambda a: {
            "tenantName": a.tenant(),
            "resourceArn": f"arn:aws:ses:us-east-1:{ACCOUNT}:configuration-set/{a.configuration_set()}",
        },
        None,
        replace=lambda a: {"tenantName": a.tenant("-other")},
    ),
    Life(
        "aws:sesv2/dedicatedIpPool:DedicatedIpPool",
        lambda a: {"poolName": a.name, "scalingMode": "MANAGED", "tags": {"a": "1"}},
        lambda a: {"tags": {"a": "2"}},
        removed={"tags": {}},
        replace=lambda a: {"scalingMode": "STANDARD"},
        unknown=("arn",),
    ),
    Life(
        "aws:sesv2/multiRegionEndpoint:MultiRegionEndpoint",
        lambda a: {
            "endpointName": a.name,
            "details": {"routesDetails": {"region": "eu-west-1"}},
            "tags": {"a": "1"},
        },
        None,
        replace=lambda a: {"details": {"routesDetails": {"region": "us-west-2"}}, "tags": {"a": "2"}},
        unknown=("arn", "endpointId", "routes"),
    ),
    Life(
        "aws:sesv2/configurationSet:ConfigurationSet",
        lambda a: {
            "configurationSetName": a.name,
            "deliveryOptions": {"tlsPolicy": "REQUIRE"},
            "reputationOptions": {"reputationMetricsEnabled": True},
            "sendingOptions": {"sendingEnabled": True},
            "suppressionOptions": {"suppressedReasons": ["COMPLAINT", "BOUNCE"]},
            "tags": {"a": "1"},
        },
        lambda a: {
            "deliveryOptions": {"tlsPolicy": "OPTIONAL", "maxDeliverySeconds": 3600},
            "vdmOptions": {"dashboardOptions": {"engagementMetrics": "ENABLED"}},
            "suppressionOptions": {"suppressedReasons": ["BOUNCE"]},
        },
        removed={"tags": {}},
        kept=("reputationOptions", "sendingOptions"),
        replace=lambda a: {"configurationSetName": f"{a.name}-other"},
        unknown=("arn",),
    ),
    Life(
        "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination",
        lambda a: {
            "configurationSetName": a.configuration_set(),
            "eventDestinationName": "events",
            "eventDestination": {
                "enabled": True,
                "matchingEventTypes": ["COMPLAINT", "BOUNCE"],
                "snsDestination": {"topicArn": a.publishing_topic()},
            },
        },
        lambda a: {
            "eventDestination": {
                "matchingEventTypes": ["BOUNCE"],
                "snsDestination": {"topicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:{a.name}"},
            }
        },
        shown={
            "eventDestination": {
                "enabled": False,
                "matchingEventTypes": ["BOUNCE"],
            }
        },
        replace=lambda a: {"eventDestinationName": "other"},
    ),
)
