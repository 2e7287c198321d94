"""Steps about IAM: whether the deployment ran with the documented policies alone."""

import boto3

from tools.live.finding import Finding, Step, confirmed, unsettled
from tools.live.site import Site

POLICIES = {"deploy-mailstack-1", "deploy-mailstack-2"}
_HOW = (
    "Give --deploy-profile the profile of a role that has deploy-mailstack-1 and -2 and no other policy: "
    "docs/reference/deploy-policies.md."
)


def _deploy_policies(site: Site) -> Finding:
    """Confirmed where the role that deployed has the two policies and no other."""
    profile = site.options.deploy_profile
    if not profile:
        return unsettled(f"The deployment had the caller's own credentials. {_HOW}")
    session = boto3.Session(profile_name=profile, region_name=site.options.region)
    arn = str(session.client("sts").get_caller_identity()["Arn"])
    if ":assumed-role/" not in arn:
        return unsettled(f"The profile {profile} is no role. {_HOW}")
    role = arn.split("/")[1]
    iam = site.client("iam", recorded=False)
    attached = {
        str(one["PolicyName"])
        for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
        for one in page["AttachedPolicies"]
    }
    inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
    if attached != POLICIES or inline:
        return unsettled(f"The role of the profile {profile} has other policies. {_HOW}")
    return confirmed("The stack was deployed by a role that has the two policies and no other.")


STEPS = (Step("deploy-policies", "The documented policies suffice to deploy.", _deploy_policies),)
