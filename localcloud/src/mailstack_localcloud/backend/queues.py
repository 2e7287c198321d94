"""SQS inside ministack: queue depths, and messages that AWS services send."""

import functools
import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mailstack_localcloud.unique_ids import unique

# The most messages of a queue without a consumer: some 300 MB of SES's events.
KEPT = 100_000
# A message that was received so often no longer counts as the oldest of its queue.
_POISONED = 3
# Since when a message is in a dead-letter queue, and how often it had been received before.
_MOVED = "localcloud_moved"
# An envelope that still lacks its signature.
_UNSIGNED = "localcloud_unsigned"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Queue:
    """How full a queue is; the age of its oldest message in seconds."""

    name: str
    visible: int
    in_flight: int
    delayed: int
    age: float


class Queues:
    """The service. Queues are found by ARN, or are those of every account and region."""

    def __init__(self, module: Any, wake_lambda_pollers: Callable[[], None], sign: Callable[[str], str]) -> None:
        self._module = module
        self._wake_lambda_pollers = wake_lambda_pollers
        collect = cast("Callable[..., list[dict[str, Any]]]", module._collect_msgs)  # noqa: SLF001

        def collected(*arguments: Any) -> list[dict[str, Any]]:
            return [_signed(message, sign) for message in collect(*arguments)]

        module._collect_msgs = collected  # noqa: SLF001

    def put(self, queue_arn: str, bodies: Sequence[str], *, are_envelopes: bool = False) -> None:
        """Equals ministack's delivery without filters, attributes and groups.

        Other fields, such as the MD5, are added when the message is received; an SNS envelope is signed then, too.
        """
        queue = cast("dict[str, Any] | None", self._module._queue_by_arn(queue_arn))  # noqa: SLF001
        if queue is None:
            return
        now = time.time()
        visible_at = now + cast("int", self._module.queue_delay(queue))
        common = {"sent_at": now, "visible_at": visible_at, "receive_count": 0, "receipt_handle": None}
        common |= {_UNSIGNED: True} if are_envelopes else {}
        # One call, which no thread that empties the queue can come between.
        queue["messages"].extend([{"id": unique(), "body": body, **common} for body in bodies])
        bound(queue)
        self._wake_lambda_pollers()

    def all(self) -> Iterator[tuple[str, str, Queue]]:
        """Every queue with its account and region."""
        for (account_id, region, _), queue in list(self._module._queues._data.items()):  # noqa: SLF001
            self._module._refresh_counts(queue)  # noqa: SLF001
            attributes, messages, now = queue["attributes"], list(queue["messages"]), time.time()
            yield (
                account_id,
                region,
                Queue(
                    name=str(queue["name"]),
                    visible=int(attributes["ApproximateNumberOfMessages"]),
                    in_flight=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
                    delayed=int(attributes["ApproximateNumberOfMessagesDelayed"]),
                    age=max((_age(message, now) for message in messages), default=0.0),
                ),
            )

    def trim(self) -> None:
        """Drop the oldest messages beyond the limit."""
        for queue in list(self._module._queues._data.values()):  # noqa: SLF001
            bound(queue)


def _signed(message: dict[str, Any], sign: Callable[[str], str]) -> dict[str, Any]:
    if message.pop(_UNSIGNED, False):
        message["body"] = sign(message["body"])
        message["md5_body"] = hashlib.md5(message["body"].encode(), usedforsecurity=False).hexdigest()
    return message


def _age(message: dict[str, Any], now: float) -> float:
    """A message's age for the oldest-message metric; none after it was received three times.

    In a dead-letter queue its time there counts, which begins for us when it is first seen there.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    moved = "DeadLetterQueueSourceArn" in message.get("sys", {})
    since, received = message.setdefault(_MOVED, (now, message["receive_count"])) if moved else (message["sent_at"], 0)
    return max(0.0, now - since) if message["receive_count"] - received < _POISONED else 0.0


def bound(queue: dict[str, Any]) -> None:
    """SQS has no such limit, but this machine's memory has one. The oldest go."""
    over = len(queue["messages"]) - KEPT
    if over > 0:
        del queue["messages"][:over]
        warn_of_full_queue(str(queue["name"]))


@functools.lru_cache(maxsize=100)
def warn_of_full_queue(name: str) -> None:
    """Once for each queue."""
    _LOG.error("Queue %s holds %d messages. From here on its oldest are dropped.", name, KEPT)
