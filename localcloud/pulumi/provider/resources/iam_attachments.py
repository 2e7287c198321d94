"""What AWS IAM attaches to what. After internal/service/iam/{user,role}_policy_attachment.go, instance_profile.go."""

from localcloud.pulumi.provider.cloud import Cloud
from localcloud.pulumi.provider.resource import ARN, Arg, Resource, Tagging, form
from localcloud.pulumi.provider.resources._names import mapping, pairs, when
from localcloud.pulumi.wire import Props

_PROFILE_NAME = form(r"[\w+=,.@-]{1,128}", "has letters, digits and _+=,.@-, at most 128")

# --- Policies ------------------------------------------------------------------------------------------------------


def _attach_to_user(cloud: Cloud, wanted: Props) -> str:
    cloud.iam.attach_user_policy(UserName=wanted["user"], PolicyArn=wanted["policyArn"])
    return f"{wanted['user']}/{wanted['policyArn']}"


def _read_user_attachment(cloud: Cloud, identifier: str, _: Props) -> Props | None:
    user, policy = identifier.split("/", 1)
    pages = cloud.iam.get_paginator("list_attached_user_policies").paginate(UserName=user)
    attached = {one.get("PolicyArn") for page in pages for one in page["AttachedPolicies"]}
    return {"user": user, "policyArn": policy} if policy in attached else None


def _detach_from_user(cloud: Cloud, identifier: str, _: Props) -> None:
    user, policy = identifier.split("/", 1)
    cloud.iam.detach_user_policy(UserName=user, PolicyArn=policy)


def _attach_to_role(cloud: Cloud, wanted: Props) -> str:
    cloud.iam.attach_role_policy(RoleName=wanted["role"], PolicyArn=wanted["policyArn"])
    return f"{wanted['role']}/{wanted['policyArn']}"


def _read_role_attachment(cloud: Cloud, identifier: str, _: Props) -> Props | None:
    role, policy = identifier.split("/", 1)
    pages = cloud.iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
    attached = {one.get("PolicyArn") for page in pages for one in page["AttachedPolicies"]}
    return {"role": role, "policyArn": policy} if policy in attached else None


def _detach_from_role(cloud: Cloud, identifier: str, _: Props) -> None:
    role, policy = identifier.split("/", 1)
    cloud.iam.detach_role_policy(RoleName=role, PolicyArn=policy)


# --- Instance profile ----------------------------------------------------------------------------------------------

_PROFILE = {
    "name": Arg(replaces=True, allowed=_PROFILE_NAME),
    "path": Arg(default="/", replaces=True),
    "role": Arg(),
}


def _create_profile(cloud: Cloud, wanted: Props) -> str:
    name = wanted["name"]
    cloud.iam.create_instance_profile(InstanceProfileName=name, Path=wanted["path"], Tags=pairs(wanted["tags"]))
    return str(name)


def _read_profile(cloud: Cloud, name: str, _: Props) -> Props:
    found = cloud.iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    return {
        "name": name,
        "arn": found["Arn"],
        "createDate": when(found["CreateDate"]),
        "path": found["Path"],
        "role": next((role["RoleName"] for role in found["Roles"]), ""),
        "uniqueId": found["InstanceProfileId"],
    }


def _set_role(cloud: Cloud, name: str, wanted: Props, _: frozenset[str]) -> None:
    """A profile has one role at most: the old one must go first."""
    _remove_roles(cloud, name)
    if wanted.get("role"):
        cloud.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=wanted["role"])


def _remove_roles(cloud: Cloud, name: str) -> None:
    for role in cloud.iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]:
        cloud.iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])


def _delete_profile(cloud: Cloud, name: str, _: Props) -> None:
    _remove_roles(cloud, name)
    cloud.iam.delete_instance_profile(InstanceProfileName=name)


RESOURCES = (
    Resource(
        kind="aws:iam/userPolicyAttachment:UserPolicyAttachment",
        args={"user": Arg(replaces=True), "policyArn": Arg(replaces=True, allowed=ARN)},
        create=_attach_to_user,
        read=_read_user_attachment,
        delete=_detach_from_user,
        identity=("user", "policyArn"),
    ),
    Resource(
        kind="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        args={"role": Arg(replaces=True), "policyArn": Arg(replaces=True, allowed=ARN)},
        create=_attach_to_role,
        read=_read_role_attachment,
        delete=_detach_from_role,
        identity=("role", "policyArn"),
    ),
    Resource(
        kind="aws:iam/instanceProfile:InstanceProfile",
        args=_PROFILE,
        create=_create_profile,
        read=_read_profile,
        update=_set_role,
        delete=_delete_profile,
        computed=("arn", "createDate", "uniqueId"),
        finish=("role",),
        auto_name="name",
        tags=Tagging(
            read=lambda cloud, state: mapping(
                cloud.iam.list_instance_profile_tags(InstanceProfileName=state["id"])["Tags"]
            ),
            add=lambda cloud, state, tags: cloud.iam.tag_instance_profile(
                InstanceProfileName=state["id"], Tags=pairs(tags)
            ),
            remove=lambda cloud, state, keys: cloud.iam.untag_instance_profile(
                InstanceProfileName=state["id"], TagKeys=keys
            ),
        ),
    ),
)
