"""SES's rates as CloudWatch has them now, for the guard and for `mailer resume`."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef, MetricDataQueryTypeDef

# SES publishes a rate while mail is sent, and not at fixed times.
_LOOKS_BACK, _PERIOD = timedelta(days=1), timedelta(minutes=5)
# One answer holds 100,800 points; this many metrics have at most 288 each, so that there is no second page.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
_MOST_METRICS = 300


def newest(cloudwatch: "CloudWatchClient", alarms: "Sequence[MetricAlarmTypeDef]") -> dict[str, float]:
    """The newest value of the metric that each alarm watches, by the alarm's name.

    A metric without a value of the last day is left out. One request reads many metrics, so that fifty streams take no
    longer than one.

    Raises:
        botocore.exceptions.ClientError: CloudWatch refused.
    """
    found: dict[str, float] = {}
    for start in range(0, len(alarms), _MOST_METRICS):
        some = alarms[start : start + _MOST_METRICS]
        now = datetime.now(UTC)
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[_query(number, alarm) for number, alarm in enumerate(some)],
            StartTime=now - _LOOKS_BACK,
            EndTime=now + _PERIOD,
        )
        names = {_id(number): alarm["AlarmName"] for number, alarm in enumerate(some)}
        for result in answer["MetricDataResults"]:
            if result["Values"]:
                _, found[names[result["Id"]]] = max(zip(result["Timestamps"], result["Values"], strict=True))
    return found


def _query(number: int, alarm: "MetricAlarmTypeDef") -> "MetricDataQueryTypeDef":
    return {
        "Id": _id(number),
        "MetricStat": {
            "Metric": {
                "Namespace": alarm["Namespace"],
                "MetricName": alarm["MetricName"],
                "Dimensions": alarm["Dimensions"],
            },
            "Period": int(_PERIOD.total_seconds()),
            "Stat": "Average",
        },
    }


def _id(number: int) -> str:
    return f"rate{number}"
