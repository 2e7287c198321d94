"""To whom Amazon SES sends, and for whom. After internal/service/sesv2/{contact_list,email_identity_policy}.go."""

from typing import Any

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import Allowed, Arg, Resource, as_policy, as_set, up_to
from mailstack_localcloud.pulumi.provider.resources._names import from_api, given, pairs, to_api, when
from mailstack_localcloud.pulumi.provider.resources.ses import TAGS
from mailstack_localcloud.pulumi.wire import Props

# --- Contact list --------------------------------------------------------------------------------------------------

_TOPIC: dict[str, Allowed] = {"defaultSubscriptionStatus": ("OPT_IN", "OPT_OUT")}
_LIST = {
    "contactListName": Arg(replaces=True),
    "description": Arg(),
    "topics": Arg(same=as_set, default=[], members=_TOPIC),
}


def _create_list(cloud: Cloud, wanted: Props) -> str:
    name = wanted["contactListName"]
    optional = given({"Description": wanted.get("description"), "Topics": to_api(wanted["topics"])})
    cloud.ses.create_contact_list(ContactListName=name, Tags=pairs(wanted["tags"]), **optional)
    return str(name)


def _read_list(cloud: Cloud, name: str, _: Props) -> Props:
    found: Any = cloud.ses.get_contact_list(ContactListName=name)
    return {
        "contactListName": name,
        "arn": cloud.arn("ses", f"contact-list/{name}"),
        "createdTimestamp": when(found["CreatedTimestamp"]),
        "description": found.get("Description", ""),
        "lastUpdatedTimestamp": when(found["LastUpdatedTimestamp"]),
        "topics": from_api(found.get("Topics", [])),
    }


def _update_list(cloud: Cloud, name: str, wanted: Props, _: frozenset[str]) -> None:
    topics = to_api(wanted["topics"])
    cloud.ses.update_contact_list(ContactListName=name, Description=wanted.get("description") or "", Topics=topics)


# --- Who may send as an identity -----------------------------------------------------------------------------------


def _read_policy(cloud: Cloud, identifier: str, _: Props) -> Props | None:
    identity, name = identifier.split("|", 1)
    policies = cloud.ses.get_email_identity_policies(EmailIdentity=identity).get("Policies", {})
    return {"emailIdentity": identity, "policyName": name, "policy": policies[name]} if name in policies else None


def _policy(wanted: Props) -> Any:
    return to_api({name: wanted[name] for name in ("emailIdentity", "policyName", "policy")})


def _create_policy(cloud: Cloud, wanted: Props) -> str:
    cloud.ses.create_email_identity_policy(**_policy(wanted))
    return f"{wanted['emailIdentity']}|{wanted['policyName']}"


def _delete_policy(cloud: Cloud, identifier: str, _: Props) -> None:
    identity, name = identifier.split("|", 1)
    cloud.ses.delete_email_identity_policy(EmailIdentity=identity, PolicyName=name)


RESOURCES = (
    Resource(
        kind="aws:sesv2/contactList:ContactList",
        args=_LIST,
        create=_create_list,
        read=_read_list,
        update=_update_list,
        delete=lambda cloud, name, _: cloud.ses.delete_contact_list(ContactListName=name),
        computed=("arn", "createdTimestamp", "lastUpdatedTimestamp"),
        volatile=("lastUpdatedTimestamp",),
        identity=("contactListName",),
        tags=TAGS,
    ),
    Resource(
        kind="aws:sesv2/emailIdentityPolicy:EmailIdentityPolicy",
        args={
            "emailIdentity": Arg(replaces=True),
            "policyName": Arg(replaces=True, allowed=up_to(64, 1)),
            "policy": Arg(same=as_policy),
        },
        create=_create_policy,
        read=_read_policy,
        update=lambda cloud, _, wanted, __: cloud.ses.update_email_identity_policy(**_policy(wanted)),
        delete=_delete_policy,
        identity=("emailIdentity", "policyName"),
    ),
)
