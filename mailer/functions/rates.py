"""SES's rate of a configuration set as CloudWatch has it now, for the guard and for `mailer resume`."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef

# SES publishes a rate while mail is sent, and not at fixed times.
_LOOKS_BACK, _PERIOD = timedelta(days=1), timedelta(minutes=5)


def newest(cloudwatch: "CloudWatchClient", alarm: "MetricAlarmTypeDef") -> float | None:
    """The newest value of the metric that an alarm watches; None if there is none of the last day.

    Raises:
        botocore.exceptions.ClientError: CloudWatch refused.
    """
    now = datetime.now(UTC)
    points = cloudwatch.get_metric_statistics(
        Namespace=alarm["Namespace"],
        MetricName=alarm["MetricName"],
        Dimensions=alarm["Dimensions"],
        StartTime=now - _LOOKS_BACK,
        EndTime=now + _PERIOD,
        Period=int(_PERIOD.total_seconds()),
        Statistics=["Average"],
    )["Datapoints"]
    return max(points, key=lambda point: point["Timestamp"])["Average"] if points else None
