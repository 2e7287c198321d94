"""KMS inside ministack: access to keys by the key policy."""

from collections.abc import Mapping
from typing import Any, cast

from mailstack_localcloud.backend.policies import Source, allows

# What a service asks of KMS to encrypt a message and to read it again.
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
USES = ("kms:GenerateDataKey", "kms:Decrypt")
_AWS_MANAGED = "alias/aws/"


class Keys:
    """The service, in the account and region in scope."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def find(self, key: str) -> dict[str, Any] | None:
        """A key by id, alias or ARN; None where there is none."""
        return cast("dict[str, Any] | None", self._module._resolve_key(key))  # noqa: SLF001

    def problem_for_service(self, key: str, source: Source, encryption_context: Mapping[str, str]) -> str:
        """Why a service cannot use a key; empty if it can, or if no key is set.

        Args:
            key: Id, alias or ARN; empty for none.
            source: The service.
            encryption_context: What the data key is bound to, e.g. `aws:sqs:arn`.
        """
        if not key:
            return ""
        if is_aws_managed(key):
            return f"the policy of the AWS managed key {key} cannot let {source.service} use it"
        found = self.find(key)
        if found is None or found["KeyState"] != "Enabled":
            return f"the key {key} is {'missing' if found is None else found['KeyState']}"
        context = {**source.context(), **encryption_keys(encryption_context)}
        for action in USES:
            arn, policy = str(found["Arn"]), str(found.get("Policy") or "")
            if not allows(policy, action=action, resource=arn, context=context, service=source.service):
                return f"the policy of its key {arn} does not allow {source.service} to {action} for {source.arn}"
        return ""


def is_aws_managed(key: str) -> bool:
    """Whether AWS made the key, such as `alias/aws/sns`, for the account's own principals."""
    return key.startswith(_AWS_MANAGED) or f":{_AWS_MANAGED}" in key


def encryption_keys(encryption_context: Mapping[str, str]) -> dict[str, object]:
    """An encryption context as condition keys.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context
    """
    pairs = {f"kms:encryptioncontext:{name.lower()}": value for name, value in encryption_context.items()}
    return {**pairs, "kms:encryptioncontextkeys": list(encryption_context)}
