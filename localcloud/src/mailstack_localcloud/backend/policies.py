"""Whether a resource's policy lets an AWS service use it, by the evaluator for IAM's policies.

Not for what IAM users and roles may do (`access.py`).
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

SES = "ses.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Source:
    """An AWS service that acts, and the resource that it acts for.

    Attributes:
        service: The service's principal, such as `ses.amazonaws.com`.
        arn: The resource, such as a configuration set.
        account: Whose it is, where the ARN does not say so.
        names_itself: Whether the service says on whose behalf it acts, so that conditions can ask.
    """

    service: str
    arn: str
    account: str = ""
    names_itself: bool = True

    def context(self) -> dict[str, object]:
        """The condition keys that describe it.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html. `aws:SourceOwner` is in
        the policy that every new topic has: services of the topic's own account may publish.
        """
        if not self.names_itself:
            return {}
        account_id = self.account or self.arn.split(":")[4]
        return {"aws:sourceaccount": account_id, "aws:sourceowner": account_id, "aws:sourcearn": self.arn}


def allows(policy: str, *, action: str, resource: str, context: Mapping[str, object], service: str = SES) -> bool:
    """Whether a policy lets an AWS service do something; an explicit Deny wins.

    Args:
        policy: The JSON document; empty means that nothing is allowed.
        action: E.g. `sns:Publish`.
        resource: The ARN acted on.
        context: Condition keys in lower case, e.g. `aws:sourceaccount`.
        service: The principal.
    """
    from ministack.core import iam_evaluator

    iam = cast("Any", iam_evaluator)
    asked = iam.EvalContext(
        # The service itself: a policy that names an account does not let it in, one that names everybody does.
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=(resource.split(":") + [""] * 4)[3],
        source_ip="",
        secure_transport=True,
        service_context={"aws:principalisawsservice": "true", "aws:principalservicename": service, **context},
    )
    decided = iam.evaluate_resource_policy(_document(policy, service), asked, service=service)
    return bool(decided.decision == "Allow")


@functools.lru_cache(maxsize=1000)
def _document(policy: str, service: str) -> dict[str, Any]:
    """A policy as the evaluator reads it for a service: `NotPrincipal`, which it leaves out, becomes `Principal`."""
    try:
        statements = json.loads(policy or "{}").get("Statement", [])
    except (ValueError, AttributeError):
        return {}
    known = [cast("dict[str, Any]", one) for one in _as_list(statements) if isinstance(one, dict)]
    return {"Statement": [_for_service(statement, service) for statement in known]}


def _for_service(statement: dict[str, Any], service: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html."""
    excluded = statement.get("NotPrincipal")
    if excluded is None:
        return statement
    named = cast("dict[str, object]", excluded) if isinstance(excluded, dict) else {"AWS": excluded}
    is_excluded = named.get("AWS") == "*" or service in _as_list(named.get("Service"))
    return {**statement, "Principal": {} if is_excluded else "*"}


def _as_list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]
