"""What a run costs at most, in US dollars: an estimate from AWS's list prices, for the caller to confirm.

CloudWatch and KMS charge by the hour, or part of it. https://aws.amazon.com/cloudwatch/pricing/,
https://aws.amazon.com/kms/pricing/, https://aws.amazon.com/ses/pricing/
"""

from typing import TYPE_CHECKING

from tools.docs.prices import PRICES
from tools.live.steps.rates import MOST

if TYPE_CHECKING:
    from tools.docs.recording import Registered

HOURS_OF_A_MONTH = 730
# Of a run, whose DNS records may take an hour to be found.
HOURS = 3
# Dollars for a mail, and for everything that is paid by request: SNS, SQS, Lambda, DynamoDB, KMS.
MAIL, REQUESTS = 0.0001, 0.02
# Of the steps beside `rate`, with a margin.
OTHER_MAILS = 50


def estimate(resources: "list[Registered]") -> float:
    """Dollars for a run with these resources; the second stack that adopts the identity has as many."""
    monthly = sum(price.count(resources) * price.each for price in PRICES)
    return 2 * monthly * HOURS / HOURS_OF_A_MONTH + (MOST + OTHER_MAILS) * MAIL + REQUESTS
