"""Finds the policies of resources in ministack, and the keys that encrypt them."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from mailstack_localcloud.backend.signed import Policy, Resources

_Key = tuple[str, Mapping[str, str]]


def resources() -> Resources:
    """Look into ministack's services; in the account and region in scope."""
    return Resources(policy=_policy, key=_key)


def _key(service: str, arn: str) -> _Key | None:
    return _KEYS[service](arn) if service in _KEYS else None


def _policy(service: str, arn: str) -> Policy | None:
    """The resource's policy and owner; None where it has none."""
    from ministack.core import iam_evaluator

    return cast("Policy | None", cast("Any", iam_evaluator)._resource_policy(service, arn))  # noqa: SLF001


def _of_queue(arn: str) -> _Key | None:
    from ministack.services import sqs

    queue = cast("dict[str, Any] | None", cast("Any", sqs)._queue_by_arn(arn))  # noqa: SLF001
    return (queue["attributes"].get("KmsMasterKeyId", ""), {"aws:sqs:arn": arn}) if queue else None


def _of_topic(arn: str) -> _Key | None:
    from ministack.services import sns

    topic = cast("dict[str, Any] | None", cast("Any", sns)._topics.get(arn))  # noqa: SLF001
    return (topic["attributes"].get("KmsMasterKeyId", ""), {"aws:sns:topicArn": arn}) if topic else None


def _of_table(arn: str) -> _Key | None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html: its context."""
    from ministack.services import dynamodb

    name = arn.rpartition(":")[2].split("/")[1]
    table = cast("dict[str, Any] | None", cast("Any", dynamodb)._tables.get(name))  # noqa: SLF001
    encryption = cast("dict[str, str]", (table or {}).get("SSEDescription") or {})
    return encryption.get("KMSMasterKeyArn", ""), {
        "aws:dynamodb:tableName": name,
        "aws:dynamodb:subscriberId": arn.split(":")[4],
    }


def _of_secret(arn: str) -> _Key | None:
    from ministack.services import secretsmanager

    _, secret = cast("Any", secretsmanager)._resolve(arn)  # noqa: SLF001
    return (secret.get("KmsKeyId") or "", {"SecretARN": arn}) if secret else None


_KEYS: dict[str, Callable[[str], _Key | None]] = {
    "sqs": _of_queue,
    "sns": _of_topic,
    "dynamodb": _of_table,
    "secretsmanager": _of_secret,
}
