"""Retries of idempotent operations: reads, and writes of the same values."""

import random
import time
from typing import TYPE_CHECKING

from mailer.wire.errors import CannotAsk, ServiceError, WireError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.wire.client import Api

ATTEMPTS, FIRST_DELAY, MAX_DELAY = 4, 0.05, 1.0
# Seconds from the start after which no further attempt begins.
BUDGET = 8.0
# Codes that may pass, whatever their status: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/
# Programming.Errors.html.
PASSING = frozenset(
    (
        *(
            "ProvisionedThroughputExceededException",
            "ThrottlingException",
            "RequestLimitExceeded",
            "LimitExceededException",
        ),
        *("InternalServerError", "TransactionInProgressException", "TransactionConflictException"),
    )
)
_REQUEST_TIMEOUT, _TOO_MANY, _SERVER_ERROR = 408, 429, 500


def may_pass(error: WireError) -> bool:
    """Whether a retry may succeed."""
    if isinstance(error, ServiceError):
        return error.code in PASSING or error.status in {_REQUEST_TIMEOUT, _TOO_MANY} or error.status >= _SERVER_ERROR
    return not isinstance(error, CannotAsk)


def ask(api: "Api", operation: str, request: "Mapping[str, object]") -> dict[str, object]:
    """Call an idempotent operation up to four times, with exponential backoff and full jitter.

    Raises:
        WireError: How the last attempt ended.
    """
    started = time.monotonic()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return api.call(operation, request)
        except WireError as error:
            delay = random.uniform(0, min(MAX_DELAY, FIRST_DELAY * 2**attempt))  # noqa: S311 - spreads load only
            if attempt == ATTEMPTS or not may_pass(error) or time.monotonic() - started + delay > BUDGET:
                raise
        time.sleep(delay)
    raise AssertionError("unreachable: the last attempt returns or raises")
