"""AWS Secrets Manager. After internal/service/secretsmanager/{secret,secret_version}.go."""

import base64
import binascii
from typing import Any

from botocore.exceptions import ClientError

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import Arg, Resource, Tagging, as_policy, as_set, form
from mailstack_localcloud.pulumi.provider.resources._names import given, mapping, pairs
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props, is_unknown

_CURRENT = "AWSCURRENT"
_AT_ONCE = 0  # days to get it back: none
_RECOVERY_DAYS = range(7, 31)  # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html


def _pairs(tags: dict[str, str]) -> Any:
    """Tags; the stubs of this client will not have the type that those of all others take."""
    return pairs(tags)


# --- Secret --------------------------------------------------------------------------------------------------------

_SECRET = {
    "name": Arg(
        replaces=True, allowed=form(r"[0-9A-Za-z/_+=.@-]{1,512}", "has letters, digits and /_+=.@-, at most 512")
    ),
    "description": Arg(),
    "kmsKeyId": Arg(),
    "policy": Arg(keeps=True, same=as_policy),
    "recoveryWindowInDays": Arg(default=30, write_only=True),
    "forceOverwriteReplicaSecret": Arg(default=False, write_only=True),
}


def _create_secret(cloud: Cloud, wanted: Props) -> str:
    optional = given({"Description": wanted.get("description"), "KmsKeyId": wanted.get("kmsKeyId")})
    return cloud.secretsmanager.create_secret(Name=wanted["name"], Tags=_pairs(wanted["tags"]), **optional)["ARN"]


def _read_secret(cloud: Cloud, arn: str, _: Props) -> Props | None:
    found = cloud.secretsmanager.describe_secret(SecretId=arn)
    if "DeletedDate" in found:
        return None
    return {
        "name": found["Name"],
        "arn": found["ARN"],
        "description": found.get("Description", ""),
        "kmsKeyId": found.get("KmsKeyId", ""),
        "policy": cloud.secretsmanager.get_resource_policy(SecretId=arn).get("ResourcePolicy", ""),
    }


def _update_secret(cloud: Cloud, arn: str, wanted: Props, changed: frozenset[str]) -> None:
    if changed & {"description", "kmsKeyId"}:
        key = given({"KmsKeyId": wanted.get("kmsKeyId")})
        cloud.secretsmanager.update_secret(SecretId=arn, Description=wanted.get("description") or "", **key)
    if "policy" in changed:
        if wanted.get("policy"):
            cloud.secretsmanager.put_resource_policy(SecretId=arn, ResourcePolicy=wanted["policy"])
        else:
            cloud.secretsmanager.delete_resource_policy(SecretId=arn)


def _delete_secret(cloud: Cloud, arn: str, state: Props) -> None:
    if "DeletedDate" in cloud.secretsmanager.describe_secret(SecretId=arn):
        return
    days = int(state.get("recoveryWindowInDays", 30))
    if days == _AT_ONCE:
        cloud.secretsmanager.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    else:
        cloud.secretsmanager.delete_secret(SecretId=arn, RecoveryWindowInDays=days)


def _secret_rules(inputs: Props) -> list[Problem]:
    days = inputs.get("recoveryWindowInDays")
    if days is None or is_unknown(days) or days == _AT_ONCE or days in _RECOVERY_DAYS:
        return []
    return [Problem("recoveryWindowInDays", f"{days} is not allowed; it is 0, or from 7 to 30")]


# --- Version -------------------------------------------------------------------------------------------------------

_VERSION = {
    "secretId": Arg(replaces=True),
    "secretString": Arg(replaces=True),
    "secretBinary": Arg(replaces=True),
    "versionStages": Arg(keeps=True, same=as_set),
}


def _put_version(cloud: Cloud, wanted: Props) -> str:
    binary = base64.b64decode(wanted["secretBinary"]) if wanted.get("secretBinary") else None
    optional = given(
        {
            "SecretString": wanted.get("secretString"),
            "SecretBinary": binary,
            "VersionStages": wanted.get("versionStages"),
        }
    )
    made = cloud.secretsmanager.put_secret_value(SecretId=wanted["secretId"], **optional)
    return f"{wanted['secretId']}|{made['VersionId']}"


def _read_version(cloud: Cloud, identifier: str, _: Props) -> Props | None:
    secret, version = identifier.split("|", 1)
    try:
        found = cloud.secretsmanager.get_secret_value(SecretId=secret, VersionId=version)
    except ClientError as error:
        if _is_marked(error):
            return None
        raise
    binary = found.get("SecretBinary")
    return {
        "secretId": secret,
        "arn": found["ARN"],
        "secretArn": found["ARN"],
        "secretString": found.get("SecretString", ""),
        "secretBinary": base64.b64encode(binary).decode() if binary else "",
        "hasSecretStringWo": False,
        "versionId": found["VersionId"],
        "versionStages": found["VersionStages"],
    }


def _is_marked(error: ClientError) -> bool:
    """Whether the secret is marked for deletion, which Secrets Manager does not call gone."""
    answer = error.response.get("Error", {})
    return answer.get("Code") == "InvalidRequestException" and "delet" in answer.get("Message", "")


def _set_stages(cloud: Cloud, identifier: str, wanted: Props, _: frozenset[str]) -> None:
    secret, version = identifier.split("|", 1)
    found = cloud.secretsmanager.list_secret_version_ids(SecretId=secret).get("Versions", [])
    holders = {stage: one.get("VersionId", "") for one in found for stage in one.get("VersionStages", [])}
    after = set(wanted.get("versionStages") or [])
    for stage in sorted(after - {stage for stage, holder in holders.items() if holder == version}):
        before = given({"RemoveFromVersionId": holders.get(stage)})
        cloud.secretsmanager.update_secret_version_stage(
            SecretId=secret, VersionStage=stage, MoveToVersionId=version, **before
        )
    _drop_stages(cloud, identifier, after)


def _drop_stages(cloud: Cloud, identifier: str, kept: set[str]) -> None:
    """Take every label but those from a version; AWSCURRENT can only be moved to another."""
    secret, version = identifier.split("|", 1)
    found = _read_version(cloud, identifier, {})
    for stage in sorted(set(found["versionStages"]) - kept - {_CURRENT}) if found else ():
        cloud.secretsmanager.update_secret_version_stage(
            SecretId=secret, VersionStage=stage, RemoveFromVersionId=version
        )


def _version_rules(inputs: Props) -> list[Problem]:
    if "secretString" in inputs and "secretBinary" in inputs:
        return [Problem("secretBinary", "conflicts with secretString")]
    try:
        if not is_unknown(inputs.get("secretBinary")):
            base64.b64decode(inputs.get("secretBinary") or "", validate=True)
    except binascii.Error:
        return [Problem("secretBinary", "is not base64")]
    return []


RESOURCES = (
    Resource(
        kind="aws:secretsmanager/secret:Secret",
        args=_SECRET,
        create=_create_secret,
        read=_read_secret,
        update=_update_secret,
        delete=_delete_secret,
        computed=("arn",),
        finish=("policy",),
        auto_name="name",
        tags=Tagging(
            read=lambda cloud, state: mapping(
                cloud.secretsmanager.describe_secret(SecretId=state["id"]).get("Tags", [])
            ),
            add=lambda cloud, state, tags: cloud.secretsmanager.tag_resource(SecretId=state["id"], Tags=_pairs(tags)),
            remove=lambda cloud, state, keys: cloud.secretsmanager.untag_resource(SecretId=state["id"], TagKeys=keys),
        ),
        rules=_secret_rules,
    ),
    Resource(
        kind="aws:secretsmanager/secretVersion:SecretVersion",
        args=_VERSION,
        create=_put_version,
        read=_read_version,
        update=_set_stages,
        delete=lambda cloud, identifier, _: _drop_stages(cloud, identifier, set()),
        computed=("arn", "secretArn", "versionId"),
        identity=("secretId", "secretString", "secretBinary"),
        rules=_version_rules,
    ),
)
