"""Amazon CloudWatch Logs; Pulumi counts it to CloudWatch. After internal/service/logs/group.go."""

from typing import Any

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import Arg, Resource, Tagging, form
from mailstack_localcloud.pulumi.provider.resources._names import given
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props, is_unknown

# Days, https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html; 0 is for ever.
_RETENTION = (
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
_GROUP = {
    "name": Arg(replaces=True, allowed=form(r"[\w.\-/#]{1,512}", "has letters, digits and _-/#., at most 512")),
    "kmsKeyId": Arg(),
    "logGroupClass": Arg(keeps=True, replaces=True, allowed=("STANDARD", "INFREQUENT_ACCESS", "DELIVERY")),
    "retentionInDays": Arg(default=0),
    "skipDestroy": Arg(default=False, write_only=True),
}


def _create(cloud: Cloud, wanted: Props) -> str:
    optional = given(
        {"kmsKeyId": wanted.get("kmsKeyId"), "tags": wanted["tags"], "logGroupClass": wanted.get("logGroupClass")}
    )
    cloud.logs.create_log_group(logGroupName=wanted["name"], **optional)
    return str(wanted["name"])


def _read(cloud: Cloud, name: str, _: Props) -> Props | None:
    pages = cloud.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    group: Any = next(
        (group for page in pages for group in page["logGroups"] if group.get("logGroupName") == name), None
    )
    if group is None:
        return None
    return {
        "name": name,
        "arn": group["arn"].removesuffix(":*"),
        "kmsKeyId": group.get("kmsKeyId", ""),
        "logGroupClass": group.get("logGroupClass", "STANDARD"),
        "retentionInDays": group.get("retentionInDays", 0),
    }


def _update(cloud: Cloud, name: str, wanted: Props, changed: frozenset[str]) -> None:
    if "retentionInDays" in changed:
        if wanted["retentionInDays"]:
            cloud.logs.put_retention_policy(logGroupName=name, retentionInDays=wanted["retentionInDays"])
        else:
            cloud.logs.delete_retention_policy(logGroupName=name)
    if "kmsKeyId" in changed:
        if wanted.get("kmsKeyId"):
            cloud.logs.associate_kms_key(logGroupName=name, kmsKeyId=wanted["kmsKeyId"])
        else:
            cloud.logs.disassociate_kms_key(logGroupName=name)


def _delete(cloud: Cloud, name: str, state: Props) -> None:
    if not state.get("skipDestroy"):
        cloud.logs.delete_log_group(logGroupName=name)


def _rules(inputs: Props) -> list[Problem]:
    days = inputs.get("retentionInDays", 0)
    if is_unknown(days) or days in _RETENTION:
        return []
    return [Problem("retentionInDays", f"{days} is none of {', '.join(map(str, _RETENTION))}")]


RESOURCES = (
    Resource(
        kind="aws:cloudwatch/logGroup:LogGroup",
        args=_GROUP,
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        computed=("arn",),
        finish=("retentionInDays",),
        auto_name="name",
        tags=Tagging(
            read=lambda cloud, state: dict(cloud.logs.list_tags_for_resource(resourceArn=state["arn"]).get("tags", {})),
            add=lambda cloud, state, tags: cloud.logs.tag_resource(resourceArn=state["arn"], tags=tags),
            remove=lambda cloud, state, keys: cloud.logs.untag_resource(resourceArn=state["arn"], tagKeys=keys),
        ),
        rules=_rules,
    ),
)
