"""The state of an SES account as CloudWatch metrics: SES publishes none about quota, sandbox or enforcement.

Pure, standard library only. `lambdas/account_monitor` asks SES and publishes.
"""

from typing import TYPE_CHECKING

from mailer.functions.metrics import ACCOUNT_DIMENSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef
    from mypy_boto3_sesv2.type_defs import GetAccountResponseTypeDef, SendQuotaTypeDef

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html. An unknown status is not healthy.
_STANDING = {"HEALTHY": 0, "PROBATION": 1, "SHUTDOWN": 2}
_UNKNOWN = 2
_UNLIMITED = -1


def measure(account: "GetAccountResponseTypeDef", stack: str) -> "list[MetricDatumTypeDef]":
    """What to publish about an account.

    Args:
        account: GetAccount's answer.
        stack: Whose monitor it is: several in one account must not add to each other's numbers.

    Returns:
        `QuotaUsed`, a fraction of the day's quota; `SentLast24Hours` and `Max24HourSend` in recipients (a mail to three
        counts three times); `MaxSendRate` in recipients a second; `Sandbox` and `SendingDisabled`, 1 or 0;
        `Enforcement`: 0 healthy, 1 under review, 2 shut down.
    """
    quota = account["SendQuota"]
    values = {
        "QuotaUsed": _used(quota),
        "SentLast24Hours": quota["SentLast24Hours"],
        "Max24HourSend": quota["Max24HourSend"],
        "MaxSendRate": quota["MaxSendRate"],
        "Sandbox": float(not account["ProductionAccessEnabled"]),
        "SendingDisabled": float(not account["SendingEnabled"]),
        "Enforcement": float(_STANDING.get(account["EnforcementStatus"], _UNKNOWN)),
    }
    return [_datum(name, value, stack) for name, value in values.items()]


def pagers(topic: "Mapping[str, str]", stack: str) -> "list[MetricDatumTypeDef]":
    """What to publish about who is paged: `ConfirmedPagers` and `UnconfirmedPagers`.

    Args:
        topic: The attributes of the paging topic.
            https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html
        stack: Whose monitor it is.
    """
    values = {"ConfirmedPagers": "SubscriptionsConfirmed", "UnconfirmedPagers": "SubscriptionsPending"}
    return [_datum(name, float(topic[attribute]), stack) for name, attribute in values.items()]


def _datum(name: str, value: float, stack: str) -> "MetricDatumTypeDef":
    return {"MetricName": name, "Dimensions": [{"Name": ACCOUNT_DIMENSION, "Value": stack}], "Value": value}


def _used(quota: "SendQuotaTypeDef") -> float:
    most = quota["Max24HourSend"]
    if most == _UNLIMITED:
        return 0.0
    return quota["SentLast24Hours"] / most if most > 0 else 1.0
