"""AWS IAM's users and their access keys. After internal/service/iam/{user,access_key}.go."""

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import Arg, Made, Resource, form
from mailstack_localcloud.pulumi.provider.resources._iam import tagging
from mailstack_localcloud.pulumi.provider.resources._names import given, pairs, when
from mailstack_localcloud.pulumi.wire import Props
from mailstack_localcloud.smtp.credentials import smtp_password

# --- User ----------------------------------------------------------------------------------------------------------

# The official provider renames in place; in Pulumi no update can change a resource's id, so here it is a replacement.
_USER = {
    "name": Arg(replaces=True, allowed=form(r"[0-9A-Za-z=,.@_+-]+", "has letters, digits and =,.@-_+")),
    "path": Arg(default="/"),
    "permissionsBoundary": Arg(),
    "forceDestroy": Arg(default=False, write_only=True),
}


def _create_user(cloud: Cloud, wanted: Props) -> str:
    boundary = given({"PermissionsBoundary": wanted.get("permissionsBoundary")})
    cloud.iam.create_user(UserName=wanted["name"], Path=wanted["path"], Tags=pairs(wanted["tags"]), **boundary)
    return str(wanted["name"])


def _read_user(cloud: Cloud, name: str, _: Props) -> Props:
    user = cloud.iam.get_user(UserName=name)["User"]
    return {
        "name": name,
        "arn": user["Arn"],
        "path": user["Path"],
        "permissionsBoundary": user.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
        "uniqueId": user["UserId"],
    }


def _update_user(cloud: Cloud, name: str, wanted: Props, changed: frozenset[str]) -> None:
    if "path" in changed:
        cloud.iam.update_user(UserName=name, NewPath=wanted["path"])
    if "permissionsBoundary" in changed:
        boundary = wanted.get("permissionsBoundary")
        if boundary:
            cloud.iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=boundary)
        else:
            cloud.iam.delete_user_permissions_boundary(UserName=name)


def _delete_user(cloud: Cloud, name: str, state: Props) -> None:
    for group in cloud.iam.list_groups_for_user(UserName=name)["Groups"]:
        cloud.iam.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
    if state.get("forceDestroy"):
        for key in cloud.iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            cloud.iam.delete_access_key(UserName=name, AccessKeyId=key.get("AccessKeyId", ""))
    cloud.iam.delete_user(UserName=name)


# --- Access key ----------------------------------------------------------------------------------------------------

_KEY = {
    "user": Arg(replaces=True),
    "status": Arg(default="Active", allowed=("Active", "Inactive")),
}
_SECRETS = ("secret", "sesSmtpPasswordV4")
"""IAM returns it only when the key is created; it is kept in the stack's state, encrypted."""


def _create_key(cloud: Cloud, wanted: Props) -> Made:
    key = cloud.iam.create_access_key(UserName=wanted["user"])["AccessKey"]
    secret = key["SecretAccessKey"]
    return Made(key["AccessKeyId"], {"secret": secret, "sesSmtpPasswordV4": smtp_password(secret, cloud.region)})


def _read_key(cloud: Cloud, key: str, known: Props) -> Props | None:
    user = known.get("user") or cloud.iam.get_access_key_last_used(AccessKeyId=key).get("UserName", "")
    keys = cloud.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    found = next((one for one in keys if one.get("AccessKeyId") == key), None)
    if found is None:
        return None
    created = found.get("CreateDate")
    return {
        "user": user,
        "status": found.get("Status", ""),
        "createDate": when(created) if created else "",
        **{name: known[name] for name in _SECRETS if name in known},
    }


def _set_status(cloud: Cloud, key: str, wanted: Props, _: frozenset[str]) -> None:
    cloud.iam.update_access_key(UserName=wanted["user"], AccessKeyId=key, Status=wanted["status"])


RESOURCES = (
    Resource(
        kind="aws:iam/user:User",
        args=_USER,
        create=_create_user,
        read=_read_user,
        update=_update_user,
        delete=_delete_user,
        computed=("arn", "uniqueId"),
        auto_name="name",
        tags=tagging("user", "UserName"),
    ),
    Resource(
        kind="aws:iam/accessKey:AccessKey",
        args=_KEY,
        create=_create_key,
        read=_read_key,
        update=_set_status,
        delete=lambda cloud, key, state: cloud.iam.delete_access_key(UserName=state["user"], AccessKeyId=key),
        computed=("createDate", *_SECRETS),
        finish=("status",),
        identity=("user",),
    ),
)
