"""Tags of whatever has an ARN of its own, by ARN."""

from localcloud.ses.context import Context, Handler, Output, Parameters, tag_dict, tag_list
from localcloud.ses.errors import SesError, bad_request, not_found

# https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html
MAX_TAGS = 50


def tag(context: Context, p: Parameters) -> Output:
    """TagResource."""
    tags = _tags(context, p)
    wanted = {**tags, **tag_dict(p["Tags"])}
    if len(wanted) > MAX_TAGS:
        raise SesError("BadRequestException", f"A resource has at most {MAX_TAGS} tags.")
    tags.update(wanted)
    return {}


def untag(context: Context, p: Parameters) -> Output:
    """UntagResource; keys that are not there are no error."""
    tags = _tags(context, p)
    for key in p["TagKeys"]:
        tags.pop(key, None)
    return {}


def list_(context: Context, p: Parameters) -> Output:
    """ListTagsForResource."""
    return {"Tags": tag_list(_tags(context, p))}


def _tags(context: Context, p: Parameters) -> dict[str, str]:
    arn, state = str(p["ResourceArn"]), context.state
    kind, _, name = arn.rpartition(":")[2].partition("/")
    owners = {
        "identity": state.identities,
        "configuration-set": state.configuration_sets,
        "template": state.templates,
        "custom-verification-email-template": state.verification_templates,
        "contact-list": state.contact_lists,
        "dedicated-ip-pool": state.ip_pools,
        "multi-region-endpoint": state.endpoints,
        "tenant": {tenant.arn.partition("/")[2]: tenant for tenant in state.tenants.values()},
    }
    if kind not in owners or arn != state.arn(kind, name):
        raise bad_request(f"{arn} is not the ARN of a resource of this account and region that has tags.")
    owner = owners[kind].get(name)
    if owner is None:
        raise not_found("Resource", arn)
    return owner.tags


HANDLERS: dict[str, Handler] = {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": list_}
