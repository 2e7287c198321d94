"""IAM's limits on the length of policies, which ministack lacks. White space does not count.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length. The error
texts are those that public bug reports quote.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

_Parameters = Mapping[str, list[str]]
_Answer = tuple[int, dict[str, str], bytes]
MANAGED, TRUST = 6144, 2048
# A user's, role's or group's inline policies together.
INLINE = {"User": 2048, "Role": 10_240, "Group": 5120}
_SPACE = re.compile(r"\s")


def limit_policies(module: Any) -> None:
    """Refuse policies that are too long."""

    def of_role(name: str) -> dict[str, str]:
        role = cast("dict[str, Any]", module._roles.get(name) or {})  # noqa: SLF001
        return cast("dict[str, str]", role.get("InlinePolicies") or {})

    documents: dict[str, Callable[[str], Mapping[str, str]]] = {
        "User": lambda name: cast("dict[str, str]", module._user_inline_policies.get(name) or {}),  # noqa: SLF001
        "Role": of_role,
        "Group": lambda name: cast("dict[str, str]", module._group_inline_policies.get(name) or {}),  # noqa: SLF001
    }
    checks: dict[str, Callable[[_Parameters], str]] = {
        "CreatePolicy": _managed,
        "CreatePolicyVersion": _managed,
        "CreateRole": functools.partial(_trust, "AssumeRolePolicyDocument"),
        "UpdateAssumeRolePolicy": functools.partial(_trust, "PolicyDocument"),
        **{f"Put{kind}Policy": functools.partial(_inline, kind, inline) for kind, inline in documents.items()},
    }
    handlers: dict[str, Callable[[_Parameters], _Answer]] = module._IAM_HANDLERS  # noqa: SLF001
    for operation, check in checks.items():
        handlers[operation] = functools.partial(_checked, module, check, handlers[operation])


def _checked(
    module: Any, check: Callable[[_Parameters], str], handle: Callable[[_Parameters], _Answer], p: _Parameters
) -> _Answer:
    problem = check(p)
    return module._error(409, "LimitExceeded", problem) if problem else handle(p)  # noqa: SLF001


def _managed(p: _Parameters) -> str:
    is_long = _size([_one(p, "PolicyDocument")]) > MANAGED
    return f"Cannot exceed quota for PolicySize: {MANAGED}" if is_long else ""


def _trust(parameter: str, p: _Parameters) -> str:
    return f"Cannot exceed quota for ACLSizePerRole: {TRUST}" if _size([_one(p, parameter)]) > TRUST else ""


def _inline(kind: str, documents: Callable[[str], Mapping[str, str]], p: _Parameters) -> str:
    owner, most = _one(p, f"{kind}Name"), INLINE[kind]
    whole = {**documents(owner), _one(p, "PolicyName"): _one(p, "PolicyDocument")}
    is_long = _size(whole.values()) > most
    return f"Maximum policy size of {most} bytes exceeded for {kind.lower()} {owner}" if is_long else ""


def _one(p: _Parameters, name: str) -> str:
    return p.get(name, [""])[0]


def _size(documents: Iterable[str]) -> int:
    return sum(len(_SPACE.sub("", document)) for document in documents)
