"""Tags of resources, by ARN."""

from collections.abc import Mapping
from typing import Protocol

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, tag_dict, tag_list
from mailstack_localcloud.ses.errors import bad_request, not_found
from mailstack_localcloud.ses.state import State


class _Tagged(Protocol):
    tags: dict[str, str]


def tag(context: Context, p: Parameters) -> Output:
    """TagResource."""
    tags = _tags(context, p)
    tags.update(tag_dict(p["Tags"], tags))
    return {}


def untag(context: Context, p: Parameters) -> Output:
    """UntagResource; missing keys are not an error."""
    tags = _tags(context, p)
    for key in p["TagKeys"]:
        tags.pop(key, None)
    return {}


def list_(context: Context, p: Parameters) -> Output:
    """ListTagsForResource."""
    return {"Tags": tag_list(_tags(context, p))}


def tags_of(state: State, arn: str) -> dict[str, str] | None:
    """The tags of a resource; None if there is none such, or nothing that has tags."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    owner = _owners(state).get(kind, {}).get(name) if arn == state.arn(kind, name) else None
    return owner.tags if owner else None


def _owners(state: State) -> Mapping[str, Mapping[str, _Tagged]]:
    return {
        "identity": state.identities,
        "configuration-set": state.configuration_sets,
        "template": state.templates,
        "custom-verification-email-template": state.verification_templates,
        "contact-list": state.contact_lists,
        "dedicated-ip-pool": state.ip_pools,
        "multi-region-endpoint": state.endpoints,
        "tenant": {tenant.arn.partition("/")[2]: tenant for tenant in state.tenants.values()},
    }


def _tags(context: Context, p: Parameters) -> dict[str, str]:
    arn, state = str(p["ResourceArn"]), context.state
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if kind not in _owners(state) or arn != state.arn(kind, name):
        raise bad_request(f"{arn} is not the ARN of a resource of this account and region that has tags.")
    tags = tags_of(state, arn)
    if tags is None:
        raise not_found("Resource", arn)
    return tags


HANDLERS: dict[str, Handler] = {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": list_}
