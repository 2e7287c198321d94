"""IAM inside ministack: the owner of an access key, and what policies allow to a user or a role."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, cast

from mailstack_localcloud.backend.credentials import ACCESS_KEY, ACCOUNT_ID, SECRET_KEY

# Who signs with one of these, or with none, is the account itself.
_OWN_KEYS = frozenset({"", ACCESS_KEY, ACCOUNT_ID})


class Access:
    """The service, in the one account."""

    def __init__(self, module: Any, region: str, scope: Callable[[str, str], AbstractContextManager[None]]) -> None:
        self._iam = module
        self.region = region
        self._scope = scope

    def secret_of(self, access_key: str) -> str | None:
        """The secret of an active access key; None if it does not exist."""
        if access_key == ACCESS_KEY:
            return SECRET_KEY
        with self._scope(ACCOUNT_ID, self.region):
            known = cast("dict[str, str] | None", self._iam._access_keys.get(access_key))  # noqa: SLF001
        return known["SecretAccessKey"] if known and known["Status"] == "Active" else None

    def denied(
        self, access_key: str, action: str, resources: Iterable[str], context: Mapping[str, object]
    ) -> tuple[str, str] | None:
        """The signer and the first resource that the signer's policies do not allow; None if they allow all.

        Only IAM users and assumed roles have policies. Any other signer is taken for the account itself.

        Args:
            access_key: The key that a request is signed with.
            action: E.g. `ses:SendEmail`.
            resources: ARNs, each of which must be allowed.
            context: Condition keys in lower case, e.g. `ses:fromaddress`; a list where a key has many values.
        """
        with self._scope(ACCOUNT_ID, self.region):
            signer = self.principal(access_key)
            if signer is None:
                return None
            for resource in resources:
                if self.evaluate(signer, action, resource, context).decision != "Allow":
                    return str(signer.arn), resource
        return None

    def principal(self, access_key: str) -> Any:
        """The IAM user or assumed role that signs with a key; None for the account itself. Call in its scope."""
        if access_key in _OWN_KEYS:
            return None
        from ministack.core import iam_evaluator

        iam = cast("Any", iam_evaluator)
        signer = iam.resolve_principal(access_key, ACCOUNT_ID)
        return None if isinstance(signer, iam.AuthError) or signer.policies is None else signer

    def role(self, arn: str, session: str) -> Any:
        """A role as a principal; None if it does not exist. Call in its scope."""
        from ministack.core import iam_evaluator

        iam, roles = cast("Any", iam_evaluator), self._iam._roles  # noqa: SLF001
        name = _last_of(arn)
        if self.trust_policy(arn) is None:
            return None
        return iam.PrincipalInfo(
            arn=f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}/{session}",
            type="AssumedRole",
            account=ACCOUNT_ID,
            policies=iam._gather_role_policies(name, ACCOUNT_ID),  # noqa: SLF001
            limits=iam._permissions_boundary(roles, name, ACCOUNT_ID),  # noqa: SLF001
        )

    def evaluate(
        self,
        principal: Any,
        action: str,
        resource: str,
        context: Mapping[str, object],
        policy: tuple[str, str | None] | None = None,
        *,
        policy_must_allow: bool = False,
    ) -> Any:
        """The evaluator's decision, from a principal's policies, boundary and session and the resource's policy.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html

        Args:
            principal: A user or role, of `principal` or `role`.
            action: E.g. `sqs:SendMessage`.
            resource: An ARN.
            context: Condition keys in lower case; a list where a key has many values.
            policy: The resource's policy and the account that owns it.
            policy_must_allow: The principal's own policies do not suffice, as with keys.
        """
        from ministack.core import iam_evaluator

        iam = cast("Any", iam_evaluator)
        asked = iam.EvalContext(
            principal_arn=principal.arn,
            principal_type=principal.type,
            principal_account=principal.account,
            action=action,
            resource_arn=resource,
            region=self.region,
            # On AWS every client speaks TLS unless it insists otherwise; here none can.
            secure_transport=True,
            service_context=dict(context),
            principal_keys=principal.keys,
        )
        decided = iam.evaluate(asked, principal.policies, *principal.limits)
        if policy is None:
            return decided
        return iam.combine_resource_policy(
            decided, asked, *policy, required=policy_must_allow, limits=tuple(principal.limits)
        )

    def caller(self, access_key: str) -> str:
        """The signer as SES's events name it: a user, a role, or `root`."""
        if access_key in _OWN_KEYS:
            return "root"
        from ministack.core import iam_evaluator

        iam = cast("Any", iam_evaluator)
        with self._scope(ACCOUNT_ID, self.region):
            signer = iam.resolve_principal(access_key, ACCOUNT_ID)
        arn = "" if isinstance(signer, iam.AuthError) else str(signer.arn)
        kind, *names = arn.rpartition(":")[2].split("/")
        return names[0 if kind == "assumed-role" else -1] if names else "root"

    def trust_policy(self, role_arn: str) -> str | None:
        """A role's trust policy; None if the role does not exist."""
        role = cast("dict[str, Any] | None", self._iam._roles.get(_last_of(role_arn)))  # noqa: SLF001
        return str(role["AssumeRolePolicyDocument"]) if role and role["Arn"] == role_arn else None

    def role_may(self, role_arn: str, action: str, resource: str) -> bool:
        """Whether a role's policies and boundary allow something."""
        role = self.role(role_arn, "service")
        return role is not None and bool(self.evaluate(role, action, resource, {}).decision == "Allow")


def _last_of(arn: str) -> str:
    return arn.rpartition("/")[2]
