"""The account in the first API: quota, statistics, sending on and off."""

import time
from collections import defaultdict
from datetime import UTC, datetime

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters
from mailstack_localcloud.ses.metrics import NAMESPACE
from mailstack_localcloud.ses.operations import account

# Statistics are for the last two weeks, in intervals of 15 minutes. Metrics here are kept for a day.
_INTERVAL = 15 * 60
_TWO_WEEKS = 14 * 24 * 3600
# The member of a data point → the metric that it sums.
_COUNTS = {"DeliveryAttempts": "Send", "Bounces": "Bounce", "Complaints": "Complaint", "Rejects": "Reject"}


def quota(context: Context, p: Parameters) -> Output:
    """GetSendQuota."""
    return account.get(context, p)["SendQuota"]


def statistics(context: Context, _: Parameters) -> Output:
    """GetSendStatistics, of the intervals in which something was sent."""
    state, points = context.state, defaultdict[float, dict[str, int]](lambda: dict.fromkeys(_COUNTS, 0))
    with context.backend.scope(state.account_id, state.region):
        for member, metric in _COUNTS.items():
            for point in context.backend.cloudwatch.points(NAMESPACE, metric, {}, time.time() - _TWO_WEEKS):
                points[point.at // _INTERVAL * _INTERVAL][member] += int(point.total)
    return {
        "SendDataPoints": [{"Timestamp": datetime.fromtimestamp(at, UTC), **points[at]} for at in sorted(points)],
    }


def sending_enabled(context: Context, p: Parameters) -> Output:
    """GetAccountSendingEnabled."""
    return {"Enabled": account.get(context, p)["SendingEnabled"]}


def update_sending_enabled(context: Context, p: Parameters) -> Output:
    """UpdateAccountSendingEnabled: left out means paused."""
    context.state.account.sending_enabled = bool(p.get("Enabled", False))
    return {}


HANDLERS: dict[str, Handler] = {
    "GetSendQuota": quota,
    "GetSendStatistics": statistics,
    "GetAccountSendingEnabled": sending_enabled,
    "UpdateAccountSendingEnabled": update_sending_enabled,
}
