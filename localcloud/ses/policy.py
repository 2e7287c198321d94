"""Whether a resource policy lets SES in: the part of IAM's language that topic policies for SES use. Pure.

An operator that is not known here never matches, so that a policy is never taken as wider than it is.
"""

import fnmatch
import json
from collections.abc import Callable, Mapping
from typing import Any, cast

SES = "ses.amazonaws.com"


def allows(policy: str, *, action: str, resource: str, context: Mapping[str, str], service: str = SES) -> bool:
    """Whether a policy document lets an AWS service do something; an explicit Deny wins.

    Args:
        policy: The JSON document; empty means that nothing is allowed.
        action: E.g. `sns:Publish`.
        resource: The ARN acted on.
        context: Condition keys in lower case, e.g. `aws:sourceaccount`.
        service: The principal.
    """
    try:
        statements = _as_list(json.loads(policy or "{}").get("Statement", []))
    except (ValueError, AttributeError):
        return False
    effects = {
        str(statement.get("Effect"))
        for statement in cast("list[dict[str, Any]]", statements)
        if _applies(statement, action, resource, context, service)
    }
    return "Allow" in effects and "Deny" not in effects


def _applies(
    statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str], service: str
) -> bool:
    return (
        _names(statement.get("Principal"), service)
        and any(_like(action.lower(), str(a).lower()) for a in _as_list(statement.get("Action", [])))
        and any(_like(resource, str(r)) for r in _as_list(statement.get("Resource", "*")))
        and _conditions_hold(statement.get("Condition") or {}, context)
    )


def _names(principal: object, service: str) -> bool:
    if not isinstance(principal, dict):
        return principal == "*"
    kinds = cast("dict[str, object]", principal)
    return "*" in _as_list(kinds.get("AWS", [])) or service in _as_list(kinds.get("Service", []))


def _conditions_hold(conditions: Mapping[str, Mapping[str, object]], context: Mapping[str, str]) -> bool:
    return all(
        _condition_holds(operator, context.get(key.lower()), [str(v) for v in _as_list(wanted)])
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _condition_holds(operator: str, value: str | None, wanted: list[str]) -> bool:
    test = _OPERATORS.get(operator.lower())
    return test is not None and value is not None and any(test(value, one) for one in wanted)


def _like(value: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def _as_list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "stringequals": lambda value, wanted: value == wanted,
    "stringequalsignorecase": lambda value, wanted: value.lower() == wanted.lower(),
    "stringlike": _like,
    "arnequals": _like,
    "arnlike": _like,
}
