"""Policies of identities in the first API."""

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters
from mailstack_localcloud.ses.operations import identities as v2
from mailstack_localcloud.ses_v1.errors import recoded


def put(context: Context, p: Parameters) -> Output:
    """PutIdentityPolicy: makes one, or takes the place of one of the same name."""
    given = _named(p)
    known = context.identity(given).policies
    with recoded({"BadRequestException": "InvalidPolicy"}):
        return (v2.update_policy if p["PolicyName"] in known else v2.create_policy)(context, given)


def get(context: Context, p: Parameters) -> Output:
    """GetIdentityPolicies: those of the names asked for that there are."""
    policies = context.identity(_named(p)).policies
    return {"Policies": {name: policies[name] for name in p["PolicyNames"] if name in policies}}


def list_(context: Context, p: Parameters) -> Output:
    """ListIdentityPolicies."""
    return {"PolicyNames": sorted(context.identity(_named(p)).policies)}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteIdentityPolicy: none is as good as gone."""
    context.identity(_named(p)).policies.pop(str(p["PolicyName"]), None)
    return {}


def _named(p: Parameters) -> Parameters:
    """With the identity under the second API's name; it may be given by its ARN."""
    return {**p, "EmailIdentity": str(p["Identity"]).rpartition(":identity/")[2]}


HANDLERS: dict[str, Handler] = {
    "PutIdentityPolicy": put,
    "GetIdentityPolicies": get,
    "ListIdentityPolicies": list_,
    "DeleteIdentityPolicy": delete,
}
