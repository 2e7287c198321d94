"""IAM's policy simulator: each action on each resource, with the condition keys that the caller gives.

ministack's own looks at the first resource and at no condition key. Policies of resources and permissions boundaries in
the request are not simulated. https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast
from xml.sax.saxutils import escape

_Parameters = Mapping[str, list[str]]
_DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny"}
_LOWEST_PRIORITY = "implicitDeny"


def members(p: _Parameters, name: str, member: str = "") -> Iterator[str]:
    """A list's members, which the query protocol numbers from 1."""
    found = (p.get(f"{name}.{number}{member}", [""])[0] for number in itertools.count(1))
    return itertools.takewhile(bool, found)


def of_documents(p: _Parameters) -> str:
    """SimulateCustomPolicy: the policies that the request holds."""
    parse = _evaluator().parse_policy_document
    return _result(p, [parse(document) for document in members(p, "PolicyInputList.member")], "root")


def of_principal(p: _Parameters, account_id: str) -> str:
    """SimulatePrincipalPolicy: those of a user or role, and those that the request adds."""
    iam, arn = _evaluator(), p.get("PolicySourceArn", [""])[0]
    kind, _, name = arn.rpartition(":")[2].partition("/")
    gather: dict[str, Callable[..., list[Any]]] = {
        "user": iam._gather_user_policies,  # noqa: SLF001
        "role": iam._gather_role_policies,  # noqa: SLF001
    }
    theirs = gather[kind](name.rpartition("/")[2], account_id) if kind in gather else []
    added = [iam.parse_policy_document(document) for document in members(p, "PolicyInputList.member")]
    return _result(p, [*theirs, *added], arn)


def _result(p: _Parameters, policies: Sequence[Any], principal: str) -> str:
    context = _context(p)
    missing = sorted(_keys(policies) - context.keys())
    found = "".join(
        _member(action, resource, _decision(policies, principal, action, resource, context), missing)
        for action in members(p, "ActionNames.member")
        for resource in list(members(p, "ResourceArns.member")) or ["*"]
    )
    return f"<EvaluationResults>{found}</EvaluationResults><IsTruncated>false</IsTruncated>"


def _context(p: _Parameters) -> dict[str, object]:
    """Values by condition key, in lower case; a list where the caller gives several."""
    found: dict[str, object] = {}
    for number, key in enumerate(members(p, "ContextEntries.member", ".ContextKeyName"), 1):
        values = list(members(p, f"ContextEntries.member.{number}.ContextKeyValues.member"))
        found[key.lower()] = values[0] if len(values) == 1 else values
    return found


def _decision(
    policies: Sequence[Any], principal: str, action: str, resource: str, context: Mapping[str, object]
) -> str:
    iam = _evaluator()
    asked = iam.EvalContext(
        principal_arn=principal,
        principal_type="User",
        principal_account="",
        action=action,
        resource_arn=resource,
        region="",
        secure_transport=True,
        service_context=dict(context),
    )
    return _DECISIONS.get(iam.evaluate(asked, policies).decision, _LOWEST_PRIORITY) if policies else _LOWEST_PRIORITY


def _keys(policies: Sequence[Any]) -> set[str]:
    """The condition keys that the policies ask for."""
    statements = itertools.chain.from_iterable(policies)
    return {
        str(key).lower()
        for statement in statements
        for tests in cast("dict[str, dict[str, object]]", statement.conditions).values()
        for key in tests
    }


def _member(action: str, resource: str, decision: str, missing: Sequence[str]) -> str:
    keys = "".join(f"<member>{escape(key)}</member>" for key in missing)
    return (
        f"<member><EvalActionName>{escape(action)}</EvalActionName>"
        f"<EvalResourceName>{escape(resource)}</EvalResourceName><EvalDecision>{decision}</EvalDecision>"
        f"<MatchedStatements></MatchedStatements><MissingContextValues>{keys}</MissingContextValues></member>"
    )


def _evaluator() -> Any:
    from ministack.core import iam_evaluator

    return iam_evaluator
