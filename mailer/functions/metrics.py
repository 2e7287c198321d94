"""Names of the CloudWatch metrics that the Lambdas publish: the functions and the alarms on them share these.

Standard library only. `mailer.functions.account`, `mailer.functions.batch` and the handlers measure them.
"""

import os
import time

ACCOUNT_NAMESPACE = "Mailstack/Account"
ACCOUNT_DIMENSION = "Stack"

FUNCTIONS_NAMESPACE = "Mailstack/Functions"
# The dimension that AWS/Lambda uses, with the same value: the function's name.
FUNCTIONS_DIMENSION = "FunctionName"
FAILED_RECORDS = "FailedRecords"
# Bounces that are about the sender: policy, authentication, reputation.
SENDER_BOUNCES = "SenderBounces"


def embedded(metric: str) -> dict[str, object]:
    """The fields of a log line that CloudWatch also reads as one occurrence of a metric of this function.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    directive = {
        "Namespace": FUNCTIONS_NAMESPACE,
        "Dimensions": [[FUNCTIONS_DIMENSION]],
        "Metrics": [{"Name": metric, "Unit": "Count"}],
    }
    return {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        FUNCTIONS_DIMENSION: os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
        metric: 1,
    }
