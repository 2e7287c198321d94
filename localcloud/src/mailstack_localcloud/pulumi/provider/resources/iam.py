"""AWS IAM. After internal/service/iam/{role,policy}.go; what IAM does eventually happens at once here."""

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import ARN, Arg, Resource, as_policy, form, up_to
from mailstack_localcloud.pulumi.provider.resources._iam import NAME, tagging, text
from mailstack_localcloud.pulumi.provider.resources._names import given, pairs, when
from mailstack_localcloud.pulumi.wire import Props

_ROLE_NAME = form(r"[\w+=,.@-]{1,64}", "has letters, digits and _+=,.@-, at most 64")
_DESCRIPTION = form("[^\u201c\u2018]{0,1000}", "has at most 1000 characters, no typographic quotes")
_MOST_VERSIONS = 5  # of one managed policy, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html


# --- Role ----------------------------------------------------------------------------------------------------------

_ROLE = {
    "name": Arg(replaces=True, allowed=_ROLE_NAME),
    "assumeRolePolicy": Arg(same=as_policy),
    "description": Arg(allowed=_DESCRIPTION),
    "forceDetachPolicies": Arg(default=False, write_only=True),
    "maxSessionDuration": Arg(default=3600, allowed=range(3600, 43_201)),
    "path": Arg(default="/", replaces=True, allowed=up_to(512)),
    "permissionsBoundary": Arg(allowed=ARN),
}


def _create_role(cloud: Cloud, wanted: Props) -> str:
    request = given(
        {
            "RoleName": wanted["name"],
            "AssumeRolePolicyDocument": wanted["assumeRolePolicy"],
            "Path": wanted["path"],
            "Description": wanted.get("description"),
            "MaxSessionDuration": wanted["maxSessionDuration"],
            "PermissionsBoundary": wanted.get("permissionsBoundary"),
            "Tags": pairs(wanted["tags"]),
        }
    )
    return cloud.iam.create_role(**request)["Role"]["RoleName"]


def _read_role(cloud: Cloud, name: str, _: Props) -> Props:
    role = cloud.iam.get_role(RoleName=name)["Role"]
    return {
        "name": name,
        "arn": role["Arn"],
        "assumeRolePolicy": text(role["AssumeRolePolicyDocument"]),
        "createDate": when(role["CreateDate"]),
        "description": role.get("Description", ""),
        "maxSessionDuration": role.get("MaxSessionDuration", 3600),
        "path": role["Path"],
        "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
        "uniqueId": role["RoleId"],
    }


def _update_role(cloud: Cloud, name: str, wanted: Props, changed: frozenset[str]) -> None:
    if "assumeRolePolicy" in changed:
        cloud.iam.update_assume_role_policy(RoleName=name, PolicyDocument=wanted["assumeRolePolicy"])
    if "description" in changed:
        cloud.iam.update_role_description(RoleName=name, Description=wanted.get("description", ""))
    if "maxSessionDuration" in changed:
        cloud.iam.update_role(RoleName=name, MaxSessionDuration=wanted["maxSessionDuration"])
    if "permissionsBoundary" in changed:
        boundary = wanted.get("permissionsBoundary")
        if boundary:
            cloud.iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
        else:
            cloud.iam.delete_role_permissions_boundary(RoleName=name)


def _delete_role(cloud: Cloud, name: str, state: Props) -> None:
    if state.get("forceDetachPolicies"):
        for page in cloud.iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
            for policy in page["AttachedPolicies"]:
                cloud.iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        for page in cloud.iam.get_paginator("list_role_policies").paginate(RoleName=name):
            for policy in page["PolicyNames"]:
                cloud.iam.delete_role_policy(RoleName=name, PolicyName=policy)
    cloud.iam.delete_role(RoleName=name)


# --- Managed policy ------------------------------------------------------------------------------------------------

_POLICY = {
    "name": Arg(replaces=True, allowed=NAME),
    "description": Arg(replaces=True),
    "path": Arg(default="/", replaces=True),
    "policy": Arg(same=as_policy),
}


def _create_policy(cloud: Cloud, wanted: Props) -> str:
    request = given(
        {
            "PolicyName": wanted["name"],
            "Path": wanted["path"],
            "PolicyDocument": wanted["policy"],
            "Description": wanted.get("description"),
            "Tags": pairs(wanted["tags"]),
        }
    )
    return cloud.iam.create_policy(**request)["Policy"]["Arn"]


def _read_policy(cloud: Cloud, arn: str, _: Props) -> Props:
    policy = cloud.iam.get_policy(PolicyArn=arn)["Policy"]
    version = cloud.iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    return {
        "name": policy["PolicyName"],
        "arn": arn,
        "attachmentCount": policy.get("AttachmentCount", 0),
        "description": policy.get("Description", ""),
        "path": policy["Path"],
        "policy": text(version["Document"]),
        "policyId": policy["PolicyId"],
    }


def _update_policy(cloud: Cloud, arn: str, wanted: Props, _: frozenset[str]) -> None:
    versions = cloud.iam.list_policy_versions(PolicyArn=arn)["Versions"]
    if len(versions) >= _MOST_VERSIONS:
        oldest = min((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: v["CreateDate"])
        cloud.iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
    cloud.iam.create_policy_version(PolicyArn=arn, PolicyDocument=wanted["policy"], SetAsDefault=True)


def _delete_policy(cloud: Cloud, arn: str, _: Props) -> None:
    for version in cloud.iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            cloud.iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    cloud.iam.delete_policy(PolicyArn=arn)


RESOURCES = (
    Resource(
        kind="aws:iam/role:Role",
        args=_ROLE,
        create=_create_role,
        read=_read_role,
        update=_update_role,
        delete=_delete_role,
        computed=("arn", "createDate", "uniqueId"),
        auto_name="name",
        tags=tagging("role", "RoleName"),
    ),
    Resource(
        kind="aws:iam/policy:Policy",
        args=_POLICY,
        create=_create_policy,
        read=_read_policy,
        update=_update_policy,
        delete=_delete_policy,
        computed=("arn", "attachmentCount", "policyId"),
        auto_name="name",
        tags=tagging("policy", "PolicyArn"),
    ),
)
