"""IAM policies for deployment, generated from the calls to AWS that each resource type takes.

Not for what the deployed parts may do (`mailstack_infra.iam`). The calls were read in the official provider's source,
hashicorp/terraform-provider-aws, `internal/service/`: the file is named beside each type. Which resource an action may
be limited to is in AWS's Service Authorization Reference. The policies were not tried against live AWS.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mailstack_infra.iam.statements import Condition, Statement, document

# What IAM takes in a managed policy, in characters without white space.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST = 6_144
EVERYTHING = "*"
_NAME = "mailstack-*"
_CONFIGURATION_SET = f"arn:aws:ses:*:*:configuration-set/{_NAME}"
_IDENTITY = "arn:aws:ses:*:*:identity/*"
_TENANT = f"arn:aws:ses:*:*:tenant/{_NAME}"
_POOL = f"arn:aws:ses:*:*:dedicated-ip-pool/{_NAME}"
_ENDPOINT = "arn:aws:ses:*:*:multi-region-endpoint/*"
_TOPIC = f"arn:aws:sns:*:*:{_NAME}"
_QUEUE = f"arn:aws:sqs:*:*:{_NAME}"
_TABLE = f"arn:aws:dynamodb:*:*:table/{_NAME}"
_FUNCTION = f"arn:aws:lambda:*:*:function:{_NAME}"
_MAPPING = "arn:aws:lambda:*:*:event-source-mapping:*"
_LOG_GROUP = f"arn:aws:logs:*:*:log-group:/aws/lambda/{_NAME}"
_ALARM = f"arn:aws:cloudwatch:*:*:alarm:{_NAME}"
_DASHBOARD = f"arn:aws:cloudwatch::*:dashboard/{_NAME}"
_RULE = f"arn:aws:events:*:*:rule/{_NAME}"
_PARAMETER = "arn:aws:ssm:*:*:parameter/mailstack/*"
_SECRET = f"arn:aws:secretsmanager:*:*:secret:{_NAME}"
_KEY = "arn:aws:kms:*:*:key/*"
_ALIAS = f"arn:aws:kms:*:*:alias/{_NAME}"
_ROLE = f"arn:aws:iam::*:role/{_NAME}"
_ANY_ROLE = "arn:aws:iam::*:role/*"
_POLICY = f"arn:aws:iam::*:policy/{_NAME}"
_USER = f"arn:aws:iam::*:user/{_NAME}"
_PROFILE = f"arn:aws:iam::*:instance-profile/{_NAME}"
_PROVIDER = "arn:aws:iam::*:oidc-provider/*"
_ZONE = "arn:aws:route53:::hostedzone/*"


@dataclass(frozen=True)
class Grant:
    """Actions of one service on the same resources, on the same condition."""

    service: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Condition = field(default_factory=dict[str, Mapping[str, str | Sequence[str]]])


def on(resource: str | tuple[str, ...], actions: str, condition: Condition | None = None) -> Grant:
    """Actions, named `service: Action Action`, on a resource, or on several that one call needs."""
    service, _, names = actions.partition(": ")
    resources = (resource,) if isinstance(resource, str) else resource
    return Grant(service, tuple(names.split()), resources, condition or {})


# An action on what services encrypt for the caller, not on the key itself.
# https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
_BY_SERVICES: Condition = {
    "StringLike": {"kms:ViaService": [f"{name}.*.amazonaws.*" for name in ("dynamodb", "lambda", "secretsmanager")]}
}
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
_TO_SERVICES: Condition = {
    "StringEquals": {
        "iam:PassedToService": [f"{name}.amazonaws.com" for name in ("chatbot", "ec2", "lambda", "ses")],
    }
}
# A role of the application's own, `access.attachTo`, gets a policy of the stack's and no other.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
_OUR_POLICIES: Condition = {"ArnLike": {"iam:PolicyARN": _POLICY}}
_TAGS = "TagResource UntagResource ListTagsForResource"

CALLS: Mapping[str, tuple[Grant, ...]] = {
    # sesv2/account_suppression_attributes.go, account_vdm_attributes.go
    "aws:sesv2/accountSuppressionAttributes:AccountSuppressionAttributes": (
        on(EVERYTHING, "ses: GetAccount PutAccountSuppressionAttributes"),
    ),
    "aws:sesv2/accountVdmAttributes:AccountVdmAttributes": (on(EVERYTHING, "ses: GetAccount PutAccountVdmAttributes"),),
    # sesv2/configuration_set.go
    "aws:sesv2/configurationSet:ConfigurationSet": (
        on(
            _CONFIGURATION_SET,
            "ses: CreateConfigurationSet GetConfigurationSet DeleteConfigurationSet PutConfigurationSetDeliveryOptions "
            "PutConfigurationSetReputationOptions PutConfigurationSetSendingOptions "
            "PutConfigurationSetSuppressionOptions PutConfigurationSetTrackingOptions PutConfigurationSetVdmOptions "
            f"{_TAGS}",
        ),
    ),
    # sesv2/configuration_set_event_destination.go; SES takes the role that writes to Firehose
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": (
        on(
            _CONFIGURATION_SET,
            "ses: CreateConfigurationSetEventDestination GetConfigurationSetEventDestinations "
            "UpdateConfigurationSetEventDestination DeleteConfigurationSetEventDestination",
        ),
        on(_ROLE, "iam: PassRole", _TO_SERVICES),
    ),
    # sesv2/dedicated_ip_pool.go
    "aws:sesv2/dedicatedIpPool:DedicatedIpPool": (
        on(
            _POOL,
            "ses: CreateDedicatedIpPool GetDedicatedIpPool PutDedicatedIpPoolScalingAttributes DeleteDedicatedIpPool "
            f"{_TAGS}",
        ),
    ),
    # sesv2/email_identity.go; a default configuration set is permitted on both
    "aws:sesv2/emailIdentity:EmailIdentity": (
        on(
            _IDENTITY,
            "ses: CreateEmailIdentity GetEmailIdentity DeleteEmailIdentity PutEmailIdentityDkimSigningAttributes "
            f"PutEmailIdentityConfigurationSetAttributes {_TAGS}",
        ),
        on(_CONFIGURATION_SET, "ses: PutEmailIdentityConfigurationSetAttributes"),
    ),
    # sesv2/email_identity_feedback_attributes.go, email_identity_mail_from_attributes.go
    "aws:sesv2/emailIdentityFeedbackAttributes:EmailIdentityFeedbackAttributes": (
        on(_IDENTITY, "ses: GetEmailIdentity PutEmailIdentityFeedbackAttributes"),
    ),
    "aws:sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes": (
        on(_IDENTITY, "ses: GetEmailIdentity PutEmailIdentityMailFromAttributes"),
    ),
    # sesv2/multi_region_endpoint.go; its ARN ends in an id of SES's
    "aws:sesv2/multiRegionEndpoint:MultiRegionEndpoint": (
        on(EVERYTHING, "ses: CreateMultiRegionEndpoint"),
        on(_ENDPOINT, f"ses: GetMultiRegionEndpoint DeleteMultiRegionEndpoint {_TAGS}"),
    ),
    # sesv2/tenant.go, tenant_resource_association.go
    "aws:sesv2/tenant:Tenant": (on(_TENANT, f"ses: CreateTenant GetTenant DeleteTenant {_TAGS}"),),
    "aws:sesv2/tenantResourceAssociation:TenantResourceAssociation": (
        on(
            (_TENANT, _IDENTITY, _CONFIGURATION_SET),
            "ses: CreateTenantResourceAssociation DeleteTenantResourceAssociation ListTenantResources "
            "ListResourceTenants",
        ),
    ),
    # sns/topic.go, topic_policy.go, topic_subscription.go; a subscription has no resource of its own in IAM
    "aws:sns/topic:Topic": (on(_TOPIC, f"sns: CreateTopic GetTopicAttributes SetTopicAttributes DeleteTopic {_TAGS}"),),
    "aws:sns/topicPolicy:TopicPolicy": (on(_TOPIC, "sns: GetTopicAttributes SetTopicAttributes"),),
    "aws:sns/topicSubscription:TopicSubscription": (
        on(_TOPIC, "sns: Subscribe ListSubscriptionsByTopic"),
        on(EVERYTHING, "sns: GetSubscriptionAttributes SetSubscriptionAttributes Unsubscribe"),
    ),
    # sqs/queue.go, queue_policy.go, queue_redrive_allow_policy.go
    "aws:sqs/queue:Queue": (
        on(
            _QUEUE,
            "sqs: CreateQueue GetQueueUrl GetQueueAttributes SetQueueAttributes DeleteQueue ListQueueTags TagQueue "
            "UntagQueue",
        ),
    ),
    "aws:sqs/queuePolicy:QueuePolicy": (on(_QUEUE, "sqs: GetQueueAttributes SetQueueAttributes"),),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": (on(_QUEUE, "sqs: GetQueueAttributes SetQueueAttributes"),),
    # dynamodb/table.go; point-in-time recovery, TTL and tags have calls of their own
    "aws:dynamodb/table:Table": (
        on(
            _TABLE,
            "dynamodb: CreateTable DescribeTable UpdateTable DeleteTable DescribeContinuousBackups "
            "UpdateContinuousBackups DescribeTimeToLive UpdateTimeToLive ListTagsOfResource TagResource UntagResource",
        ),
    ),
    # lambda/function.go, event_source_mapping.go
    "aws:lambda/function:Function": (
        on(
            _FUNCTION,
            "lambda: CreateFunction GetFunction GetFunctionConfiguration GetFunctionCodeSigningConfig "
            "ListVersionsByFunction UpdateFunctionCode UpdateFunctionConfiguration PutFunctionConcurrency "
            "DeleteFunctionConcurrency DeleteFunction TagResource UntagResource ListTags",
        ),
        on(_ROLE, "iam: PassRole", _TO_SERVICES),
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": (
        on(EVERYTHING, "lambda: CreateEventSourceMapping"),
        on(
            _MAPPING,
            "lambda: GetEventSourceMapping UpdateEventSourceMapping DeleteEventSourceMapping TagResource UntagResource "
            "ListTags",
        ),
    ),
    # logs/group.go
    "aws:cloudwatch/logGroup:LogGroup": (
        on(
            _LOG_GROUP,
            "logs: CreateLogGroup PutRetentionPolicy DeleteRetentionPolicy AssociateKmsKey DisassociateKmsKey "
            f"DeleteLogGroup {_TAGS}",
        ),
        on(EVERYTHING, "logs: DescribeLogGroups"),
    ),
    # cloudwatch/metric_alarm.go, composite_alarm.go, dashboard.go. DescribeAlarms shows composite alarms only to a
    # caller that may see every alarm: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        on(_ALARM, f"cloudwatch: PutMetricAlarm DeleteAlarms {_TAGS}"),
        on(EVERYTHING, "cloudwatch: DescribeAlarms"),
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": (
        on(_ALARM, f"cloudwatch: PutCompositeAlarm DeleteAlarms {_TAGS}"),
        on(EVERYTHING, "cloudwatch: DescribeAlarms"),
    ),
    "aws:cloudwatch/dashboard:Dashboard": (on(_DASHBOARD, "cloudwatch: PutDashboard GetDashboard DeleteDashboards"),),
    # events/rule.go, target.go
    "aws:cloudwatch/eventRule:EventRule": (on(_RULE, f"events: PutRule DescribeRule DeleteRule {_TAGS}"),),
    "aws:cloudwatch/eventTarget:EventTarget": (on(_RULE, "events: PutTargets ListTargetsByRule RemoveTargets"),),
    # ssm/parameter.go
    "aws:ssm/parameter:Parameter": (
        on(
            _PARAMETER,
            "ssm: PutParameter GetParameter GetParameters DeleteParameter AddTagsToResource RemoveTagsFromResource "
            "ListTagsForResource",
        ),
        on(EVERYTHING, "ssm: DescribeParameters"),
    ),
    # secretsmanager/secret.go, secret_version.go
    "aws:secretsmanager/secret:Secret": (
        on(
            _SECRET,
            "secretsmanager: CreateSecret DescribeSecret GetResourcePolicy UpdateSecret DeleteSecret TagResource "
            "UntagResource",
        ),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": (
        on(
            _SECRET,
            "secretsmanager: DescribeSecret GetSecretValue ListSecretVersionIds PutSecretValue "
            "UpdateSecretVersionStage",
        ),
    ),
    # kms/key.go, alias.go. A key's ARN is AWS's own; until the alias is there nothing tells ours from others.
    "aws:kms/key:Key": (
        on(EVERYTHING, "kms: CreateKey"),
        on(
            _KEY,
            "kms: DescribeKey GetKeyPolicy PutKeyPolicy GetKeyRotationStatus EnableKeyRotation DisableKeyRotation "
            "EnableKey DisableKey UpdateKeyDescription ScheduleKeyDeletion ListResourceTags TagResource UntagResource",
        ),
        on(_KEY, "kms: CreateGrant Decrypt Encrypt GenerateDataKey", _BY_SERVICES),
    ),
    "aws:kms/alias:Alias": (
        on((_ALIAS, _KEY), "kms: CreateAlias UpdateAlias DeleteAlias"),
        on(EVERYTHING, "kms: ListAliases"),
    ),
    # iam/role.go, role_policy.go, role_policy_attachment.go, policy.go
    "aws:iam/role:Role": (
        on(
            _ROLE,
            "iam: CreateRole GetRole UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy DeleteRole "
            "ListRolePolicies ListAttachedRolePolicies ListInstanceProfilesForRole TagRole UntagRole",
        ),
    ),
    "aws:iam/rolePolicy:RolePolicy": (on(_ROLE, "iam: GetRolePolicy PutRolePolicy DeleteRolePolicy"),),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (
        on(_ANY_ROLE, "iam: ListAttachedRolePolicies"),
        on(_ANY_ROLE, "iam: AttachRolePolicy DetachRolePolicy", _OUR_POLICIES),
    ),
    "aws:iam/policy:Policy": (
        on(
            _POLICY,
            "iam: CreatePolicy GetPolicy GetPolicyVersion ListPolicyVersions CreatePolicyVersion DeletePolicyVersion "
            "DeletePolicy TagPolicy UntagPolicy",
        ),
    ),
    # iam/user.go, user_policy_attachment.go, access_key.go
    "aws:iam/user:User": (
        on(_USER, "iam: CreateUser GetUser UpdateUser DeleteUser ListGroupsForUser TagUser UntagUser"),
    ),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": (
        on(_USER, "iam: ListAttachedUserPolicies"),
        on(_USER, "iam: AttachUserPolicy DetachUserPolicy", _OUR_POLICIES),
    ),
    "aws:iam/accessKey:AccessKey": (
        on(_USER, "iam: CreateAccessKey ListAccessKeys GetAccessKeyLastUsed UpdateAccessKey DeleteAccessKey"),
    ),
    # iam/instance_profile.go; EC2 gets the role
    "aws:iam/instanceProfile:InstanceProfile": (
        on(
            _PROFILE,
            "iam: CreateInstanceProfile GetInstanceProfile DeleteInstanceProfile AddRoleToInstanceProfile "
            "RemoveRoleFromInstanceProfile TagInstanceProfile UntagInstanceProfile",
        ),
        on(_ROLE, "iam: PassRole", _TO_SERVICES),
    ),
    # iam/openid_connect_provider.go; named by the URL of another
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": (
        on(
            _PROVIDER,
            "iam: CreateOpenIDConnectProvider GetOpenIDConnectProvider DeleteOpenIDConnectProvider "
            "AddClientIDToOpenIDConnectProvider RemoveClientIDFromOpenIDConnectProvider "
            "UpdateOpenIDConnectProviderThumbprint TagOpenIDConnectProvider UntagOpenIDConnectProvider",
        ),
    ),
    # chatbot/slack_channel_configuration.go
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": (
        on(
            EVERYTHING,
            f"chatbot: CreateSlackChannelConfiguration DescribeSlackChannelConfigurations {_TAGS}",
        ),
        on(
            f"arn:aws:chatbot::*:chat-configuration/slack-channel/{_NAME}",
            "chatbot: UpdateSlackChannelConfiguration DeleteSlackChannelConfiguration",
        ),
        on(_ROLE, "iam: PassRole", _TO_SERVICES),
    ),
    # route53/record.go waits for a change to be everywhere
    "aws:route53/record:Record": (
        on(_ZONE, "route53: ChangeResourceRecordSets ListResourceRecordSets GetHostedZone"),
        on("arn:aws:route53:::change/*", "route53: GetChange"),
    ),
    # What the program asks before it creates anything: route53/zone_data_source.go. The caller's identity, region and
    # partition need no permission: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    "aws:route53/getZone:getZone": (
        on(EVERYTHING, "route53: ListHostedZones ListHostedZonesByName"),
        on(_ZONE, "route53: GetHostedZone ListTagsForResource"),
    ),
    "aws:index/getCallerIdentity:getCallerIdentity": (),
    "aws:index/getRegion:getRegion": (),
    "aws:index/getPartition:getPartition": (),
    "aws:route53/getRecords:getRecords": (on(_ZONE, "route53: GetHostedZone ListResourceRecordSets"),),
    "aws:sesv2/getEmailIdentity:getEmailIdentity": (on(_IDENTITY, "ses: GetEmailIdentity"),),
}


# What the records' own provider does where the zone is in another account.
IN_THE_ZONES_ACCOUNT = ("aws:route53/record:Record", "aws:route53/getZone:getZone", "aws:route53/getRecords:getRecords")


def policies(types: Iterable[str] = CALLS) -> list[str]:
    """The policies that allow the deployment of resources of these types, each of a size that IAM takes.

    Raises:
        KeyError: The actions of a type are not listed.
    """
    documents: list[list[Statement]] = [[]]
    for statement in _statements(grant for name in types for grant in CALLS[name]):
        if size(document(*documents[-1], statement)) > LONGEST:
            documents.append([])
        documents[-1].append(statement)
    return [document(*statements) for statements in documents]


def size(policy: str) -> int:
    """As IAM counts it, without white space."""
    return len("".join(policy.split()))


def _statements(grants: Iterable[Grant]) -> Iterator[Statement]:
    """One statement for each service, resources and condition: resources with the same actions share one."""
    actions: dict[tuple[str, tuple[str, ...], str], set[str]] = defaultdict(set)
    for grant in grants:
        key = (grant.service, grant.resources, json.dumps(grant.condition))
        actions[key] |= {f"{grant.service}:{action}" for action in grant.actions}
    numbers: dict[str, int] = defaultdict(int)
    for (service, resources, condition), names in sorted(actions.items()):
        numbers[service] += 1
        statement: Statement = {
            "Sid": f"{service.capitalize()}{numbers[service]}",
            "Effect": "Allow",
            "Action": sorted(names),
            "Resource": resources[0] if len(resources) == 1 else resources,
        }
        if asked := json.loads(condition):
            statement["Condition"] = asked
        yield statement


def write(folder: Path) -> Sequence[Path]:
    """Write the policies for every type that the program can register, and that of a role for DNS: `make docs`."""
    (dns,) = policies(IN_THE_ZONES_ACCOUNT)
    named = {f"deploy-policy-{number}.json": policy for number, policy in enumerate(policies(), start=1)}
    written: list[Path] = []
    for name, policy in {**named, "dns-policy.json": dns}.items():
        file = folder / name
        file.write_text(json.dumps(json.loads(policy), indent=2) + "\n", encoding="utf-8")
        written.append(file)
    return written


if __name__ == "__main__":
    write(Path(sys.argv[1]))
