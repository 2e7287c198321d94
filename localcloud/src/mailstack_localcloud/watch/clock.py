"""The clock of the local cloud: runs AWS's periodic work once a second. Memory does not grow."""

import asyncio
import itertools
import logging

from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.ses.context import Context
from mailstack_localcloud.ses.jobs import work
from mailstack_localcloud.ses.metrics import publish_reputation
from mailstack_localcloud.ses.verification import check_all
from mailstack_localcloud.watch.cloudwatch import Alarms

SECONDS = 1.0
_TRIM_EVERY = 60
_SQS = "AWS/SQS"
_LOG = logging.getLogger(__name__)


class Clock:
    """Turns until cancelled; one turn that fails does not stop the next."""

    def __init__(self, backend: Backend, context: Context, alarms: Alarms) -> None:
        self._backend = backend
        self._context = context
        self._alarms = alarms

    async def run(self) -> None:
        """Turn once a second."""
        for turn in itertools.count(1):
            await asyncio.sleep(SECONDS)
            try:
                await self.tick()
                if turn % _TRIM_EVERY == 0:
                    self._backend.trim()
            except Exception:  # noqa: BLE001 - the clock outlives what it watches
                _LOG.exception("A turn of the clock failed")

    async def tick(self) -> dict[str, str]:
        """Do what is due: DNS records, SES's jobs, what expires, metrics, alarms; the alarms' states by name."""
        state = self._context.state
        await work(self._context)
        await check_all(list(state.identities.values()), self._context.dns, state.region)
        self._backend.subscriptions.expire()
        publish_reputation(self._backend, state)
        self._measure_queues()
        return self._alarms.evaluate_all()

    def _measure_queues(self) -> None:
        """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html."""
        for account_id, region, queue in self._backend.queues.all():
            values = {
                "ApproximateNumberOfMessagesVisible": queue.visible,
                "ApproximateNumberOfMessagesNotVisible": queue.in_flight,
                "ApproximateNumberOfMessagesDelayed": queue.delayed,
                "ApproximateAgeOfOldestMessage": queue.age,
            }
            with self._backend.scope(account_id, region):
                for metric, value in values.items():
                    self._backend.cloudwatch.gauge(_SQS, metric, value, {"QueueName": queue.name})
