"""Amazon SNS. After internal/service/sns/{topic,topic_policy,topic_subscription}.go."""

import json

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import ARN, Arg, Resource, Tagging, as_json, as_policy, form
from mailstack_localcloud.pulumi.provider.resources._names import given, mapping, pairs, written
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props

_TOPIC_NAME = form(
    r"[0-9A-Za-z_-]{1,256}|[0-9A-Za-z_-]{1,251}\.fifo", "has letters, digits, - and _, at most 256, and .fifo if FIFO"
)
_TOPIC = {
    "name": Arg(replaces=True, allowed=_TOPIC_NAME),
    "fifoTopic": Arg("FifoTopic", default=False, replaces=True),
    "contentBasedDeduplication": Arg("ContentBasedDeduplication", default=False),
    "deliveryPolicy": Arg("DeliveryPolicy", same=as_json),
    "displayName": Arg("DisplayName"),
    "kmsMasterKeyId": Arg("KmsMasterKeyId"),
    "policy": Arg("Policy", keeps=True, same=as_policy),
    "signatureVersion": Arg("SignatureVersion", keeps=True, allowed=range(1, 3)),
    "tracingConfig": Arg("TracingConfig", keeps=True, allowed=("PassThrough", "Active")),
}
_FIFO_ONLY = ("FifoTopic", "ContentBasedDeduplication")
_PROTOCOLS = ("application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs")
_SUBSCRIPTION = {
    "topic": Arg("TopicArn", replaces=True, allowed=ARN),
    "protocol": Arg("Protocol", replaces=True, allowed=_PROTOCOLS),
    "endpoint": Arg("Endpoint", replaces=True),
    "confirmationTimeoutInMinutes": Arg(default=1, write_only=True),
    "endpointAutoConfirms": Arg(default=False, write_only=True),
    "deliveryPolicy": Arg("DeliveryPolicy", same=as_json),
    "filterPolicy": Arg("FilterPolicy", same=as_json),
    "filterPolicyScope": Arg("FilterPolicyScope", keeps=True, allowed=("MessageAttributes", "MessageBody")),
    "rawMessageDelivery": Arg("RawMessageDelivery", default=False),
    "redrivePolicy": Arg("RedrivePolicy", same=as_json),
    "subscriptionRoleArn": Arg("SubscriptionRoleArn", allowed=ARN),
}
_SET_LATER = (
    "deliveryPolicy",
    "filterPolicy",
    "filterPolicyScope",
    "rawMessageDelivery",
    "redrivePolicy",
    "subscriptionRoleArn",
)
_FLAGS = {"fifoTopic", "contentBasedDeduplication", "rawMessageDelivery"}
# What SNS itself gives a new topic, https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
_DEFAULT_ACTIONS = (
    "GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe",
    "ListSubscriptionsByTopic", "Publish",
)  # fmt: skip


def _state(args: dict[str, Arg], attributes: dict[str, str]) -> Props:
    state: Props = {}
    for name, arg in args.items():
        text = attributes.get(arg.api)
        if text is not None:
            state[name] = text == "true" if name in _FLAGS else int(text) if name == "signatureVersion" else text
    return state


# --- Topic ---------------------------------------------------------------------------------------------------------


def _create_topic(cloud: Cloud, wanted: Props) -> str:
    attributes = {arg.api: written(wanted[name]) for name, arg in _TOPIC.items() if arg.api and name in given(wanted)}
    if not wanted["fifoTopic"]:
        attributes = {key: value for key, value in attributes.items() if key not in _FIFO_ONLY}
    return cloud.sns.create_topic(Name=wanted["name"], Attributes=attributes, Tags=pairs(wanted["tags"]))["TopicArn"]


def _read_topic(cloud: Cloud, arn: str, _: Props) -> Props:
    attributes = cloud.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    blank = {
        "displayName": "",
        "kmsMasterKeyId": "",
        "deliveryPolicy": "",
        "fifoTopic": False,
        "contentBasedDeduplication": False,
    }
    own = {"name": arn.rsplit(":", 1)[-1], "arn": arn, "owner": attributes.get("Owner", "")}
    return {**blank, **_state(_TOPIC, attributes), **own}


def _update_topic(cloud: Cloud, arn: str, wanted: Props, changed: frozenset[str]) -> None:
    for name in sorted(changed):
        text = written(wanted.get(name))
        cloud.sns.set_topic_attributes(TopicArn=arn, AttributeName=_TOPIC[name].api, AttributeValue=text)


def _topic_rules(inputs: Props) -> list[Problem]:
    name = str(inputs.get("name", ""))
    if bool(inputs.get("fifoTopic")) != name.endswith(".fifo"):
        return [Problem("name", "that of a FIFO topic, and no other, ends in .fifo")]
    if inputs.get("contentBasedDeduplication") and not inputs.get("fifoTopic"):
        return [Problem("contentBasedDeduplication", "only for a FIFO topic")]
    return []


_TOPIC_TAGS = Tagging(
    read=lambda cloud, state: mapping(cloud.sns.list_tags_for_resource(ResourceArn=state["id"]).get("Tags", [])),
    add=lambda cloud, state, tags: cloud.sns.tag_resource(ResourceArn=state["id"], Tags=pairs(tags)),
    remove=lambda cloud, state, keys: cloud.sns.untag_resource(ResourceArn=state["id"], TagKeys=keys),
)


# --- Topic policy --------------------------------------------------------------------------------------------------


def _put_policy(cloud: Cloud, arn: str, policy: str) -> str:
    cloud.sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return arn


def _read_policy(cloud: Cloud, arn: str, _: Props) -> Props | None:
    attributes = cloud.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    if not attributes.get("Policy"):
        return None
    return {"arn": arn, "policy": attributes["Policy"], "owner": attributes.get("Owner", "")}


def _default_policy(cloud: Cloud, arn: str) -> str:
    """A topic is never without a policy: deleting ours gives it the first one back."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in _DEFAULT_ACTIONS],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": cloud.account_id}},
    }
    return json.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})


# --- Subscription --------------------------------------------------------------------------------------------------


def _subscribe(cloud: Cloud, wanted: Props) -> str:
    values = given(wanted)
    attributes = {_SUBSCRIPTION[name].api: written(values[name]) for name in _SET_LATER if name in values}
    made = cloud.sns.subscribe(
        TopicArn=wanted["topic"],
        Protocol=wanted["protocol"],
        Endpoint=wanted["endpoint"],
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )
    return made["SubscriptionArn"]


def _read_subscription(cloud: Cloud, arn: str, _: Props) -> Props:
    attributes = cloud.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    if attributes.get("FilterPolicy") == "{}":
        attributes["FilterPolicy"] = ""  # how SNS writes that there is none
    return {
        "rawMessageDelivery": False,
        "filterPolicy": "",
        "redrivePolicy": "",
        "deliveryPolicy": "",
        **_state(_SUBSCRIPTION, attributes),
        "arn": arn,
        "ownerId": attributes.get("Owner", ""),
        "pendingConfirmation": attributes.get("PendingConfirmation") == "true",
        "confirmationWasAuthenticated": attributes.get("ConfirmationWasAuthenticated") == "true",
    }


def _update_subscription(cloud: Cloud, arn: str, wanted: Props, changed: frozenset[str]) -> None:
    # A policy on the message's body must find its scope set; one on attributes must be gone from the body first.
    body_first = wanted.get("filterPolicyScope") == "MessageBody"
    later = [name for name in _SET_LATER if name in changed]
    for name in sorted(later, key=lambda name: (name == "filterPolicyScope") != body_first):
        text = written(wanted.get(name)) or ("{}" if name == "filterPolicy" else "")
        cloud.sns.set_subscription_attributes(
            SubscriptionArn=arn, AttributeName=_SUBSCRIPTION[name].api, AttributeValue=text
        )


def _unsubscribe(cloud: Cloud, arn: str) -> None:
    """An unconfirmed subscription cannot be deleted: SNS deletes it itself after 48 hours."""
    try:
        cloud.sns.unsubscribe(SubscriptionArn=arn)
    except cloud.sns.exceptions.InvalidParameterException as error:
        if "pending confirmation" not in str(error):
            raise


def _subscription_rules(inputs: Props) -> list[Problem]:
    if inputs.get("filterPolicyScope") and not inputs.get("filterPolicy"):
        return [Problem("filterPolicyScope", "only together with filterPolicy")]
    return []


RESOURCES = (
    Resource(
        kind="aws:sns/topic:Topic",
        args=_TOPIC,
        create=_create_topic,
        read=_read_topic,
        update=_update_topic,
        delete=lambda cloud, arn, _: cloud.sns.delete_topic(TopicArn=arn),
        computed=("arn", "owner"),
        auto_name="name",
        auto_form=lambda name, inputs: f"{name}.fifo" if inputs.get("fifoTopic") else name,
        tags=_TOPIC_TAGS,
        rules=_topic_rules,
    ),
    Resource(
        kind="aws:sns/topicPolicy:TopicPolicy",
        args={"arn": Arg(replaces=True, allowed=ARN), "policy": Arg(same=as_policy)},
        create=lambda cloud, wanted: _put_policy(cloud, wanted["arn"], wanted["policy"]),
        read=_read_policy,
        update=lambda cloud, arn, wanted, _: _put_policy(cloud, arn, wanted["policy"]),
        delete=lambda cloud, arn, _: _put_policy(cloud, arn, _default_policy(cloud, arn)),
        computed=("owner",),
        identity=("arn",),
    ),
    Resource(
        kind="aws:sns/topicSubscription:TopicSubscription",
        args=_SUBSCRIPTION,
        create=_subscribe,
        read=_read_subscription,
        update=_update_subscription,
        delete=lambda cloud, arn, _: _unsubscribe(cloud, arn),
        computed=("arn", "ownerId", "pendingConfirmation", "confirmationWasAuthenticated"),
        identity=("topic", "protocol", "endpoint"),
        rules=_subscription_rules,
    ),
)
