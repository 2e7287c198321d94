"""What AWS IAM attaches to users and roles. After internal/service/iam/{user,role}_policy{,_attachment}.go.

And what makes a role a machine's: internal/service/iam/instance_profile.go.
"""

from typing import Any, cast

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import ARN, Arg, Form, Resource, as_policy, form, up_to
from mailstack_localcloud.pulumi.provider.resources._iam import NAME, tagging, text
from mailstack_localcloud.pulumi.provider.resources._names import pairs, when
from mailstack_localcloud.pulumi.wire import Props

_HOLDERS: dict[str, Form] = {
    "role": form(r"[\w+=,.@-]{1,64}", "has letters, digits and _+=,.@-, at most 64"),
    "user": form(".+", "is the name of a user"),
}
_MOST = 10_240  # characters of a role's inline policy


# --- Policies ------------------------------------------------------------------------------------------------------


def _inline(kind: str, holder: str, policy: Arg) -> Resource:
    """An inline policy of a `user` or a `role`."""

    def call(cloud: Cloud, operation: str, named: str, name: str, **more: str) -> Any:
        of: dict[str, str] = {f"{holder.title()}Name": named, "PolicyName": name}
        return getattr(cloud.iam, f"{operation}_{holder}_policy")(**of, **more)

    def put(cloud: Cloud, wanted: Props) -> str:
        call(cloud, "put", wanted[holder], wanted["name"], PolicyDocument=wanted["policy"])
        return f"{wanted[holder]}:{wanted['name']}"

    def read(cloud: Cloud, identifier: str, _: Props) -> Props:
        named, name = identifier.split(":", 1)
        found = call(cloud, "get", named, name)
        return {holder: named, "name": name, "policy": text(found["PolicyDocument"])}

    return Resource(
        kind=kind,
        args={
            "name": Arg(replaces=True, allowed=NAME),
            holder: Arg(replaces=True, allowed=_HOLDERS[holder]),
            "policy": policy,
        },
        create=put,
        read=read,
        update=lambda cloud, _, wanted, __: put(cloud, wanted),
        delete=lambda cloud, identifier, _: call(cloud, "delete", *identifier.split(":", 1)),
        auto_name="name",
        identity=(holder,),
    )


def _attached(kind: str, holder: str) -> Resource:
    """A managed policy on a `user` or a `role`; the old one always goes first, as in the official provider."""

    def call(cloud: Cloud, operation: str, named: str, policy: str) -> None:
        of = {f"{holder.title()}Name": named, "PolicyArn": policy}
        getattr(cloud.iam, f"{operation}_{holder}_policy")(**of)

    def attach(cloud: Cloud, wanted: Props) -> str:
        call(cloud, "attach", wanted[holder], wanted["policyArn"])
        return f"{wanted[holder]}/{wanted['policyArn']}"

    def read(cloud: Cloud, identifier: str, _: Props) -> Props | None:
        named, policy = identifier.split("/", 1)
        listing: Any = cast("Any", cloud.iam).get_paginator(f"list_attached_{holder}_policies")
        pages: list[Any] = [*listing.paginate(**{f"{holder.title()}Name": named})]
        attached = {str(one["PolicyArn"]) for page in pages for one in page["AttachedPolicies"]}
        return {holder: named, "policyArn": policy} if policy in attached else None

    return Resource(
        kind=kind,
        args={holder: Arg(replaces=True), "policyArn": Arg(replaces=True, allowed=ARN)},
        create=attach,
        read=read,
        delete=lambda cloud, identifier, _: call(cloud, "detach", *identifier.split("/", 1)),
    )


# --- Instance profile ----------------------------------------------------------------------------------------------

_PROFILE = {
    "name": Arg(replaces=True, allowed=NAME),
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
    _inline("aws:iam/rolePolicy:RolePolicy", "role", Arg(same=as_policy, allowed=up_to(_MOST))),
    _inline("aws:iam/userPolicy:UserPolicy", "user", Arg(same=as_policy)),
    _attached("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "role"),
    _attached("aws:iam/userPolicyAttachment:UserPolicyAttachment", "user"),
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
        tags=tagging("instance_profile", "InstanceProfileName"),
    ),
)
