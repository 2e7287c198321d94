"""Roles of other accounts: authorizes AssumeRole, which ministack does only if it checks every signature.

Not for a role of the caller's own account, which tests assume to try what it may do (`access.py`).
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, cast
from urllib.parse import parse_qs

_Answer = tuple[int, dict[str, str], bytes]
_Handler = Callable[[str, str, Mapping[str, str], bytes, Mapping[str, list[str]]], Awaitable[_Answer]]
_Scope = Callable[[str, str], AbstractContextManager[None]]


class OtherAccounts:
    """Refuses sessions of another account's role that is not there, or does not trust the caller.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    """

    def __init__(self, sessions: Any, roles: Any, region: str, scope: _Scope) -> None:
        self._sessions, self._roles, self._region, self._scope = sessions, roles, region, scope
        self._handle = cast("_Handler", sessions.handle_request)
        sessions.handle_request = self._checked

    async def _checked(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> _Answer:
        asked = {name: values[0] for name, values in {**parse_qs(body.decode("utf-8", "replace")), **query}.items()}
        if asked.get("Action") == "AssumeRole":
            caller = cast("dict[str, str]", self._sessions._caller_identity(headers, query))  # noqa: SLF001
            if not self._trusts(caller, asked):
                # AWS does not say whether there is such a role.
                denied = f"User: {caller['userArn']} is not authorized to perform: sts:AssumeRole on resource: "
                return cast("_Answer", self._sessions._error(403, "AccessDenied", denied + asked["RoleArn"], ns="sts"))  # noqa: SLF001
        return await self._handle(method, path, headers, body, query)

    def _trusts(self, caller: Mapping[str, str], asked: Mapping[str, str]) -> bool:
        from ministack.core import iam_evaluator

        iam, arn = cast("Any", iam_evaluator), asked.get("RoleArn", "")
        account = (arn.split(":") + [""] * 5)[4]
        if not account.isdigit() or account == caller["accountId"]:
            return True
        with self._scope(account, self._region):
            role = self._roles._roles.get(arn.rpartition("/")[2])  # noqa: SLF001
        context = iam.EvalContext(
            principal_arn=caller["userArn"],
            principal_type=caller["principalType"],
            principal_account=caller["accountId"],
            action="sts:AssumeRole",
            resource_arn=arn,
            region=self._region,
            service_context={
                "sts:externalid": asked.get("ExternalId"),
                "sts:rolesessionname": asked.get("RoleSessionName"),
            },
        )
        trust = role["AssumeRolePolicyDocument"] if role and role["Arn"] == arn else "{}"
        return bool(iam.evaluate_trust_policy(trust, caller["userArn"], context))
