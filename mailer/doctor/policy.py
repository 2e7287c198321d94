"""Whether a resource policy lets a service of AWS do something: enough of IAM's rules to find a missing grant.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html. Not a judge of security: an
operator that it does not know counts as met in an Allow and as not met in a Deny, so that it raises no false alarm.
"""

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def lets(document: str, service: str, action: str, context: "Mapping[str, str]") -> bool:
    """Whether the policy allows the service the action, in a request with these condition keys.

    Args:
        document: The policy's JSON.
        service: The service's principal, such as `ses.amazonaws.com`.
        action: Such as `sns:Publish`.
        context: Values by condition key, in lower case.

    Example:
        >>> grant = {"Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "sns:Publish"}
        >>> lets(json.dumps({"Statement": grant}), "ses.amazonaws.com", "sns:Publish", {})
        True
    """
    statements = _listed(cast("dict[str, Any]", json.loads(document or "{}")).get("Statement", []))
    fitting = [one for one in statements if _is_about(one, service, action)]
    allowed = any(one.get("Effect") == "Allow" and _met(one, context, unknown=True) for one in fitting)
    denied = any(one.get("Effect") == "Deny" and _met(one, context, unknown=False) for one in fitting)
    return allowed and not denied


def _is_about(statement: "dict[str, Any]", service: str, action: str) -> bool:
    principal = statement.get("Principal")
    named = _listed(principal.get("Service", [])) if isinstance(principal, dict) else []
    everybody = principal == "*" or (isinstance(principal, dict) and "*" in _listed(principal.get("AWS", [])))
    actions = _listed(statement.get("Action", []))
    return (everybody or service in named) and any(fnmatchcase(action.lower(), one.lower()) for one in actions)


def _met(statement: "dict[str, Any]", context: "Mapping[str, str]", *, unknown: bool) -> bool:
    conditions = cast("dict[str, dict[str, Any]]", statement.get("Condition", {}))
    return all(
        _holds(operator, context.get(key.lower()), _listed(wanted), unknown=unknown)
        for operator, tests in conditions.items()
        for key, wanted in tests.items()
    )


def _holds(operator: str, value: str | None, wanted: "Iterable[object]", *, unknown: bool) -> bool:
    name = operator.rpartition(":")[2].lower()
    optional = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    texts = [str(one) for one in wanted]
    if name not in {"stringequals", "stringlike", "arnequals", "arnlike", "bool"}:
        return unknown
    if value is None:
        return optional
    if name == "stringequals":
        return value in texts
    return any(fnmatchcase(value.lower(), text.lower()) for text in texts)


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]
