"""AWS Key Management Service. After internal/service/kms/{key,alias}.go."""

from typing import Any, cast

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import Arg, Resource, Tagging, as_policy, up_to
from mailstack_localcloud.pulumi.provider.resources._names import given
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props, is_unknown

_POLICY = "default"  # the only name that a key's policy can have
_GONE = ("PendingDeletion", "PendingReplicaDeletion")

# --- Key -----------------------------------------------------------------------------------------------------------

_KEY = {
    "description": Arg(keeps=True, allowed=up_to(8192)),
    "policy": Arg(keeps=True, same=as_policy),
    "enableKeyRotation": Arg(default=False),
    "rotationPeriodInDays": Arg(keeps=True, allowed=range(90, 2561)),
    "isEnabled": Arg(default=True),
    "deletionWindowInDays": Arg(write_only=True, allowed=range(7, 31)),
}


def _create_key(cloud: Cloud, wanted: Props) -> str:
    optional = given({"Description": wanted.get("description"), "Policy": wanted.get("policy")})
    tags: Any = [{"TagKey": name, "TagValue": value} for name, value in wanted["tags"].items()]
    return cloud.kms.create_key(Tags=tags, **optional)["KeyMetadata"]["KeyId"]


def _read_key(cloud: Cloud, key: str, _: Props) -> Props | None:
    found = cast("Any", cloud.kms.describe_key(KeyId=key)["KeyMetadata"])
    if found["KeyState"] in _GONE:
        return None
    rotation = cast("Any", cloud.kms.get_key_rotation_status(KeyId=key))
    return {
        "keyId": found["KeyId"],
        "arn": found["Arn"],
        "description": found.get("Description", ""),
        "policy": cloud.kms.get_key_policy(KeyId=key, PolicyName=_POLICY)["Policy"],
        "enableKeyRotation": rotation["KeyRotationEnabled"],
        "rotationPeriodInDays": rotation.get("RotationPeriodInDays", 0),
        "isEnabled": found["Enabled"],
    }


def _update_key(cloud: Cloud, key: str, wanted: Props, changed: frozenset[str]) -> None:
    if "isEnabled" in changed and wanted["isEnabled"]:
        cloud.kms.enable_key(KeyId=key)  # first: a disabled key cannot be changed
    if changed & {"enableKeyRotation", "rotationPeriodInDays"}:
        if wanted["enableKeyRotation"]:
            period = given({"RotationPeriodInDays": wanted.get("rotationPeriodInDays")})
            cloud.kms.enable_key_rotation(KeyId=key, **period)
        else:
            cloud.kms.disable_key_rotation(KeyId=key)
    if "description" in changed:
        cloud.kms.update_key_description(KeyId=key, Description=wanted.get("description") or "")
    if "policy" in changed and wanted.get("policy"):
        cloud.kms.put_key_policy(KeyId=key, PolicyName=_POLICY, Policy=wanted["policy"])
    if "isEnabled" in changed and not wanted["isEnabled"]:
        cloud.kms.disable_key(KeyId=key)


def _delete_key(cloud: Cloud, key: str, state: Props) -> None:
    window = given({"PendingWindowInDays": state.get("deletionWindowInDays")})
    cloud.kms.schedule_key_deletion(KeyId=key, **window)


def _key_rules(inputs: Props) -> list[Problem]:
    if inputs.get("rotationPeriodInDays") and "enableKeyRotation" not in inputs:
        return [Problem("rotationPeriodInDays", "only together with enableKeyRotation")]
    return []


# --- Alias ---------------------------------------------------------------------------------------------------------


def _same_key(wanted: Any, actual: Any) -> bool:
    """A key may be named by its id or its ARN."""
    return str(wanted or "").rpartition("/")[2] == str(actual or "").rpartition("/")[2]


def _create_alias(cloud: Cloud, wanted: Props) -> str:
    cloud.kms.create_alias(AliasName=wanted["name"], TargetKeyId=wanted["targetKeyId"])
    return str(wanted["name"])


def _read_alias(cloud: Cloud, name: str, _: Props) -> Props | None:
    pages = cloud.kms.get_paginator("list_aliases").paginate()
    found: Any = next((one for page in pages for one in page["Aliases"] if one["AliasName"] == name), None)
    if found is None:
        return None
    key = found["TargetKeyId"]
    return {"name": name, "arn": found["AliasArn"], "targetKeyId": key, "targetKeyArn": cloud.arn("kms", f"key/{key}")}


def _alias_rules(inputs: Props) -> list[Problem]:
    name = str(inputs.get("name", ""))
    if is_unknown(name) or (name.startswith("alias/") and not name.startswith("alias/aws/")):
        return []
    return [Problem("name", "begins with alias/, and not with alias/aws/, which AWS keeps for itself")]


RESOURCES = (
    Resource(
        kind="aws:kms/key:Key",
        args=_KEY,
        create=_create_key,
        read=_read_key,
        update=_update_key,
        delete=_delete_key,
        computed=("arn", "keyId"),
        finish=("enableKeyRotation", "rotationPeriodInDays", "isEnabled"),
        tags=Tagging(
            read=lambda cloud, state: {
                str(tag["TagKey"]): str(tag["TagValue"])
                for tag in cloud.kms.list_resource_tags(KeyId=state["id"]).get("Tags", [])
            },
            add=lambda cloud, state, tags: cloud.kms.tag_resource(
                KeyId=state["id"], Tags=[{"TagKey": name, "TagValue": value} for name, value in tags.items()]
            ),
            remove=lambda cloud, state, keys: cloud.kms.untag_resource(KeyId=state["id"], TagKeys=keys),
        ),
        rules=_key_rules,
    ),
    Resource(
        kind="aws:kms/alias:Alias",
        args={"name": Arg(replaces=True), "targetKeyId": Arg(same=_same_key)},
        create=_create_alias,
        read=_read_alias,
        update=lambda cloud, name, wanted, _: cloud.kms.update_alias(AliasName=name, TargetKeyId=wanted["targetKeyId"]),
        delete=lambda cloud, name, _: cloud.kms.delete_alias(AliasName=name),
        computed=("arn", "targetKeyArn"),
        auto_name="name",
        auto_form=lambda name, _: f"alias/{name.removeprefix('alias/')}",
        rules=_alias_rules,
    ),
)
