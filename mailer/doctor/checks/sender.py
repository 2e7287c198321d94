"""Whether the application may send: the sender policy, simulated, and the roles that have it."""

import json
from typing import TYPE_CHECKING, Any

from mailer.address import Address
from mailer.doctor.check import Check, Problem
from mailer.doctor.inconclusive import Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.doctor.site import Site

_PAGE = "docs/guides/access.md"


def _policy(site: "Site") -> str:
    arn = site.outputs.sender_policy_arn
    version = site.owned("sender-policy", f"The policy {arn}", "iam", "get_policy", PolicyArn=arn)["Policy"]
    found = site.read("iam", "get_policy_version", PolicyArn=arn, VersionId=version["DefaultVersionId"])
    return json.dumps(found["PolicyVersion"]["Document"])


def _sender_policy(site: "Site") -> "Iterator[Problem]":
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html."""
    policy, outputs = _policy(site), site.outputs
    sender = Address.parse(outputs.sender).email
    sets = [stream.configuration_set_arn for stream in outputs.streams.values()]
    questions: tuple[tuple[str, list[str], dict[str, str]], ...] = (
        ("ses:SendEmail", [outputs.identity_arn, *sets], {"ses:FromAddress": sender}),
        ("dynamodb:BatchGetItem", [outputs.table_arn], {"dynamodb:LeadingKeys": "SUPPRESSION#ada@example.com"}),
    )
    for action, resources, context in questions:
        refused = [
            one for one in _simulated(site, policy, action, resources, context) if one["EvalDecision"] != "allowed"
        ]
        if refused:
            yield Problem(
                f"The sender policy does not allow {action} on {refused[0]['EvalResourceName']}.",
                f"pulumi up --stack {outputs.stack} --refresh",
            )


def _simulated(site: "Site", policy: str, action: str, resources: list[str], context: dict[str, str]) -> list[Any]:
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in context.items()
    ]
    return site.client("iam").simulate_custom_policy(
        PolicyInputList=[policy], ActionNames=[action], ResourceArns=resources, ContextEntries=entries
    )["EvaluationResults"]


def _roles(site: "Site") -> "Iterator[Problem]":
    for purpose, arn in site.outputs.roles.items():
        role = arn.rpartition("/")[2]
        try:
            site.owned("roles", f"The role {role} for {purpose}", "iam", "get_role", RoleName=role)
        except Missing as missing:
            yield Problem(f"{missing}.", f"pulumi up --stack {site.outputs.stack} --refresh")
            continue
        attached = site.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=role)
        if not any(one["PolicyArn"] == site.outputs.sender_policy_arn for one in attached):
            yield Problem(
                f"The role {role} does not have the sender policy: it cannot send.",
                f"aws iam attach-role-policy --role-name {role} --policy-arn {site.outputs.sender_policy_arn}",
            )


CHECKS = (
    Check("sender-policy", "It lets an application send, and look suppressions up.", _PAGE, _sender_policy),
    Check("roles", "The roles of your applications need the sender policy.", _PAGE, _roles),
)
