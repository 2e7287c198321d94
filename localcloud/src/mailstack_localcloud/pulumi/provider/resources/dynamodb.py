"""Amazon DynamoDB. After internal/service/dynamodb/table.go."""

import time
from typing import Any, cast

from mailstack_localcloud.pulumi.provider.cloud import Cloud, ProviderError
from mailstack_localcloud.pulumi.provider.resource import ARN, Arg, Resource, Tagging, as_set
from mailstack_localcloud.pulumi.provider.resources._names import from_api, given, mapping, pairs
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props, is_unknown, obj

_TABLE = {
    "name": Arg(replaces=True),
    "attributes": Arg(same=as_set, keeps=True, members={"type": ("B", "N", "S")}),
    "hashKey": Arg(replaces=True),
    "rangeKey": Arg(replaces=True),
    "billingMode": Arg(default="PROVISIONED", allowed=("PROVISIONED", "PAY_PER_REQUEST")),
    "readCapacity": Arg(keeps=True),
    "writeCapacity": Arg(keeps=True),
    "deletionProtectionEnabled": Arg(default=False),
    "pointInTimeRecovery": Arg(keeps=True, members={"recoveryPeriodInDays": range(1, 36)}),
    "serverSideEncryption": Arg(keeps=True, members={"kmsKeyArn": ARN}),
    "streamEnabled": Arg(default=False),
    "streamViewType": Arg(keeps=True, allowed=("KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE")),
    "tableClass": Arg(default="STANDARD", allowed=("STANDARD", "STANDARD_INFREQUENT_ACCESS")),
    "ttl": Arg(keeps=True, fill=lambda ttl: {"enabled": False, **ttl}),
}
# Taken away, the blocks that only switch something on leave it on, as in the official provider.
_CAPACITY = {"billingMode", "readCapacity", "writeCapacity"}
_STREAM = {"streamEnabled", "streamViewType"}
_WAIT = 0.1  # seconds between looks
_LOOKS = 1200


def _create(cloud: Cloud, wanted: Props) -> str:
    keys = [(wanted["hashKey"], "HASH"), (wanted.get("rangeKey"), "RANGE")]
    request = given(
        {
            "TableName": wanted["name"],
            "AttributeDefinitions": [
                {"AttributeName": a["name"], "AttributeType": a["type"]} for a in wanted.get("attributes", [])
            ],
            "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys if name],
            "Tags": pairs(wanted["tags"]),
            "TableClass": wanted["tableClass"],
            "DeletionProtectionEnabled": wanted["deletionProtectionEnabled"],
            **_capacity(wanted),
            **(_stream(wanted) if wanted["streamEnabled"] else {}),
            **(_encryption(wanted) if obj(wanted.get("serverSideEncryption")).get("enabled") else {}),
        }
    )
    cloud.dynamodb.create_table(**request)
    _await_active(cloud, wanted["name"])
    return str(wanted["name"])


def _capacity(wanted: Props) -> Props:
    if wanted["billingMode"] == "PAY_PER_REQUEST":
        return {"BillingMode": "PAY_PER_REQUEST"}
    units = {"ReadCapacityUnits": wanted["readCapacity"], "WriteCapacityUnits": wanted["writeCapacity"]}
    return {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units}


def _stream(wanted: Props) -> Props:
    specification = {"StreamEnabled": wanted["streamEnabled"]}
    if wanted["streamEnabled"]:
        specification["StreamViewType"] = wanted.get("streamViewType")
    return {"StreamSpecification": specification}


def _encryption(wanted: Props) -> Props:
    block = wanted["serverSideEncryption"]
    kms = {"SSEType": "KMS", "KMSMasterKeyId": block.get("kmsKeyArn")} if block["enabled"] else {}
    return {"SSESpecification": given({"Enabled": block["enabled"], **kms})}


def _await_active(cloud: Cloud, name: str) -> None:
    for _ in range(_LOOKS):
        if cloud.dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE":
            return
        time.sleep(_WAIT)
    raise ProviderError(
        f"DynamoDB table {name} is not ACTIVE after {_WAIT * _LOOKS:.0f} s. Look at its status, then deploy again."
    )


def _read(cloud: Cloud, name: str, _: Props) -> Props | None:
    table = cast("Any", cloud.dynamodb.describe_table(TableName=name)["Table"])
    if table.get("TableStatus") == "DELETING":
        return None
    keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
    throughput, stream = table.get("ProvisionedThroughput", {}), table.get("StreamSpecification", {})
    return {
        "name": name,
        "arn": table["TableArn"],
        "attributes": [{"name": a["AttributeName"], "type": a["AttributeType"]} for a in table["AttributeDefinitions"]],
        "hashKey": keys["HASH"],
        **({"rangeKey": keys["RANGE"]} if "RANGE" in keys else {}),
        "billingMode": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "readCapacity": throughput.get("ReadCapacityUnits", 0),
        "writeCapacity": throughput.get("WriteCapacityUnits", 0),
        "deletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
        "tableClass": table.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
        "streamEnabled": stream.get("StreamEnabled", False),
        "streamViewType": stream.get("StreamViewType", ""),
        "streamArn": table.get("LatestStreamArn", ""),
        "streamLabel": table.get("LatestStreamLabel", ""),
        **_read_blocks(cloud, name, table),
    }


def _read_blocks(cloud: Cloud, name: str, table: Any) -> Props:
    live = cloud.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = cast("Any", cloud.dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"])
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    encryption = table.get("SSEDescription", {})
    ttl = {"enabled": live["TimeToLiveStatus"] in ("ENABLED", "ENABLING"), "attributeName": live.get("AttributeName")}
    return {
        "ttl": given(ttl),
        "pointInTimeRecovery": given(
            {
                "enabled": recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
                "recoveryPeriodInDays": recovery.get("RecoveryPeriodInDays"),
            }
        ),
        "serverSideEncryption": given(
            {
                "enabled": encryption.get("Status") in ("ENABLED", "ENABLING"),
                "kmsKeyArn": encryption.get("KMSMasterKeyArn"),
            }
        ),
    }


def _update(cloud: Cloud, name: str, wanted: Props, changed: frozenset[str]) -> None:
    # UpdateTable takes one kind of change at a time.
    requests = (
        (_CAPACITY, lambda: _capacity(wanted)),
        (_STREAM, lambda: _stream(wanted)),
        ({"serverSideEncryption"}, lambda: _encryption(wanted)),
        ({"tableClass"}, lambda: {"TableClass": wanted["tableClass"]}),
        ({"deletionProtectionEnabled"}, lambda: {"DeletionProtectionEnabled": wanted["deletionProtectionEnabled"]}),
    )
    for names, request in requests:
        if changed & names:
            cloud.dynamodb.update_table(TableName=name, **request())
            _await_active(cloud, name)
    if "ttl" in changed:
        _put_ttl(cloud, name, wanted["ttl"])
    if "pointInTimeRecovery" in changed:
        block = wanted["pointInTimeRecovery"]
        days = block.get("recoveryPeriodInDays") if block["enabled"] else None
        specification = given({"PointInTimeRecoveryEnabled": block["enabled"], "RecoveryPeriodInDays": days})
        cloud.dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification=cast("Any", specification)
        )


def _put_ttl(cloud: Cloud, name: str, block: Props) -> None:
    live = from_api(cloud.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"])
    enabled = live["timeToLiveStatus"] in ("ENABLED", "ENABLING")
    attribute = live.get("attributeName")
    steps = [(False, attribute)] if enabled and (not block["enabled"] or attribute != block["attributeName"]) else []
    if block["enabled"] and (not enabled or steps):
        steps.append((True, block["attributeName"]))
    for switched_on, of in steps:
        specification: Any = {"Enabled": switched_on, "AttributeName": of}
        cloud.dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)


def _rules(inputs: Props) -> list[Problem]:
    problems: list[Problem] = []
    needed: set[str] = {inputs[name] for name in ("hashKey", "rangeKey") if inputs.get(name)}
    if "hashKey" not in inputs:
        problems.append(Problem("hashKey", "required"))
    if not is_unknown(inputs.get("attributes")) and not is_unknown(list(needed)):
        found = {attribute["name"] for attribute in inputs.get("attributes", [])}
        if found != needed:
            problems.append(Problem("attributes", f"must define exactly the keys: {', '.join(sorted(needed))}"))
    if inputs.get("billingMode", "PROVISIONED") == "PROVISIONED":
        capacities = ("readCapacity", "writeCapacity")
        problems += [
            Problem(name, "required with billingMode PROVISIONED") for name in capacities if not inputs.get(name)
        ]
    ttl = obj(inputs.get("ttl"))
    if not is_unknown(ttl) and ttl.get("enabled") and not ttl.get("attributeName"):
        problems.append(Problem("ttl.attributeName", "required when ttl is enabled"))
    if inputs.get("streamEnabled") and not inputs.get("streamViewType"):
        problems.append(Problem("streamViewType", "required with streamEnabled"))
    return problems


RESOURCES = (
    Resource(
        kind="aws:dynamodb/table:Table",
        args=_TABLE,
        create=_create,
        read=_read,
        update=_update,
        delete=lambda cloud, name, _: cloud.dynamodb.delete_table(TableName=name),
        computed=("arn", "streamArn", "streamLabel"),
        finish=("ttl", "pointInTimeRecovery"),
        auto_name="name",
        tags=Tagging(
            read=lambda cloud, state: mapping(cloud.dynamodb.list_tags_of_resource(ResourceArn=state["arn"])["Tags"]),
            add=lambda cloud, state, tags: cloud.dynamodb.tag_resource(ResourceArn=state["arn"], Tags=pairs(tags)),
            remove=lambda cloud, state, keys: cloud.dynamodb.untag_resource(ResourceArn=state["arn"], TagKeys=keys),
        ),
        rules=_rules,
    ),
)
