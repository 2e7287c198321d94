"""SQS's move tasks, which ministack lacks: a dead-letter queue's messages go back to their queue. JSON protocol alone.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
"""

import asyncio
import base64
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from mailstack_localcloud.unique_ids import unique

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html: the newest ten.
KEPT_TASKS = 10
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
_MOST_A_SECOND = 500
RUNNING, CANCELLING = "RUNNING", "CANCELLING"
_ACTIVE = frozenset({RUNNING, CANCELLING})
# A message of a topic does not say from which queue it came.
_NO_SOURCE = "CouldNotDetermineMessageSource"
_SOURCE = "DeadLetterQueueSourceArn"


@dataclass(slots=True)
class MoveTask:
    """A task and how far it is; `destination` is empty where messages go to the queues that they came from."""

    source: str
    destination: str
    a_second: int
    to_move: int
    started: int
    handle: str
    status: str = RUNNING
    moved: int = 0
    failure: str = ""

    def shown(self) -> dict[str, Any]:
        """As ListMessageMoveTasks shows it. Only a running task has its handle."""
        given: dict[str, Any] = {
            "TaskHandle": self.handle if self.status == RUNNING else "",
            "DestinationArn": self.destination,
            "MaxNumberOfMessagesPerSecond": self.a_second,
            "FailureReason": self.failure,
        }
        return {
            "SourceArn": self.source,
            "Status": self.status,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "StartedTimestamp": self.started,
            **{name: value for name, value in given.items() if value},
        }


@dataclass(slots=True)
class MoveTasks:
    """The operations, added to ministack's table of them.

    Args:
        module: ministack's SQS.
        wake_lambda_pollers: Called after messages were moved.
    """

    module: Any
    wake_lambda_pollers: Callable[[], None]
    _tasks: deque[MoveTask] = field(default_factory=deque[MoveTask])
    _running: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def add(self) -> None:
        """Add the operations."""
        handlers = {
            "StartMessageMoveTask": self._start,
            "ListMessageMoveTasks": self._list,
            "CancelMessageMoveTask": self._cancel,
        }
        self.module._HANDLERS.update(handlers)  # noqa: SLF001

    def reset(self) -> None:
        """Forget all tasks; those that run end."""
        for running in self._running:
            running.get_loop().call_soon_threadsafe(running.cancel)
        self._tasks.clear()

    async def _start(self, data: Mapping[str, Any], _: str) -> dict[str, Any]:
        source, destination = str(data.get("SourceArn") or ""), str(data.get("DestinationArn") or "")
        a_second = int(data.get("MaxNumberOfMessagesPerSecond") or 0)
        queue = self._queue(source, "SourceArn")
        if not self._is_dead_letter_queue(source):
            raise self._invalid("Source queue must be configured as a Dead Letter Queue.")
        if destination:
            self._check_destination(source, queue, destination)
        if not 0 <= a_second <= _MOST_A_SECOND:
            raise self._invalid(
                f"Value {a_second} for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 "
                f"and {_MOST_A_SECOND}, if provided."
            )
        if any(task.source == source and task.status in _ACTIVE for task in self._tasks):
            words = "There is already a task running. Only one active task is allowed for a source queue arn at a given"
            raise self._invalid(f"{words} time.")
        name = {"taskId": unique(), "sourceArn": source}
        handle = base64.b64encode(json.dumps(name).encode()).decode()
        task = MoveTask(source, destination, a_second, len(_visible(queue)), int(time.time() * 1000), handle)
        self._remember(task)
        running = asyncio.get_running_loop().create_task(self._run(task))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return {"TaskHandle": handle}

    def _check_destination(self, source: str, queue: Mapping[str, Any], destination: str) -> None:
        if destination == source:
            raise self._invalid("Source queue arn and destination queue arn cannot be the same.")
        target = self._queue(destination, "DestinationArn")
        if bool(target["is_fifo"]) != bool(queue["is_fifo"]):
            raise self._invalid("The source queue and destination queue must be of the same queue type.")

    def _list(self, data: Mapping[str, Any], _: str) -> dict[str, Any]:
        source, most = str(data.get("SourceArn") or ""), int(data.get("MaxResults") or 1)
        self._queue(source, "SourceArn")
        if not 1 <= most <= KEPT_TASKS:
            raise self._invalid(f"Value {most} for parameter MaxResults is invalid. Reason: Must be between 1 and 10.")
        found = [task.shown() for task in reversed(self._tasks) if task.source == source]
        return {"Results": found[:most]}

    def _cancel(self, data: Mapping[str, Any], _: str) -> dict[str, Any]:
        handle = str(data.get("TaskHandle") or "")
        task = next((one for one in self._tasks if one.handle == handle), None)
        if task is None:
            raise self._missing("TaskHandle")
        if task.status != RUNNING:
            raise self._invalid("Only active tasks can be cancelled.")
        task.status = CANCELLING
        return {"ApproximateNumberOfMessagesMoved": task.moved}

    def _remember(self, task: MoveTask) -> None:
        self._tasks.append(task)
        of_queue = [one for one in self._tasks if one.source == task.source]
        if len(of_queue) > KEPT_TASKS:
            self._tasks.remove(of_queue[0])

    async def _run(self, task: MoveTask) -> None:
        """Move what is visible at the start, so that what fails again meanwhile is not moved twice."""
        while task.status == RUNNING and task.moved < task.to_move:  # ends: each turn moves messages, or is the last
            count = min(task.a_second or task.to_move, task.to_move - task.moved)
            before = task.moved
            self._move(task, count)
            if task.moved == before:
                break
            await asyncio.sleep(1.0 if task.a_second else 0.0)
        if task.status == CANCELLING:
            task.status = "CANCELLED"
        elif task.status == RUNNING:
            task.status = "COMPLETED"

    def _move(self, task: MoveTask, count: int) -> None:
        queue = cast("dict[str, Any] | None", self.module._queue_by_arn(task.source))  # noqa: SLF001
        for message in _visible(queue)[:count] if queue else ():
            arn = task.destination or str(message.get("sys", {}).get(_SOURCE, ""))
            target = cast("dict[str, Any] | None", self.module._queue_by_arn(arn)) if arn else None  # noqa: SLF001
            if queue is None or target is None:
                task.status, task.failure = (
                    "FAILED",
                    _NO_SOURCE if not arn else "AWS.SimpleQueueService.NonExistentQueue",
                )
                return
            target["messages"].append(_new(message))
            queue["messages"].remove(message)
            task.moved += 1
        self.wake_lambda_pollers()

    def _queue(self, arn: str, parameter: str) -> dict[str, Any]:
        found = cast("dict[str, Any] | None", self.module._queue_by_arn(arn))  # noqa: SLF001
        if found is None:
            raise self._missing(parameter)
        return found

    def _is_dead_letter_queue(self, arn: str) -> bool:
        """Whether another queue names it; a topic's subscription does not count."""
        policies = (queue["attributes"].get("RedrivePolicy") for queue in self.module._queues._data.values())  # noqa: SLF001
        return any(json.loads(policy).get("deadLetterTargetArn") == arn for policy in policies if policy)

    def _invalid(self, words: str) -> Exception:
        return cast("Exception", self.module._Err("InvalidParameterValue", words))  # noqa: SLF001

    def _missing(self, parameter: str) -> Exception:
        words = f"The resource that you specified for the {parameter} parameter doesn't exist."
        return cast("Exception", self.module._Err("ResourceNotFoundException", words, 404))  # noqa: SLF001


def _visible(queue: Mapping[str, Any]) -> list[dict[str, Any]]:
    now = time.time()
    return [message for message in queue["messages"] if message["visible_at"] <= now]


def _new(message: Mapping[str, Any]) -> dict[str, Any]:
    """A moved message is a new one, with an id and a time of its own. Its body and attributes stay."""
    now = time.time()
    kept = {name: value for name, value in message.items() if not name.startswith("localcloud_moved")}
    system = {name: value for name, value in message.get("sys", {}).items() if name != _SOURCE}
    fresh: dict[str, Any] = {"id": unique(), "sent_at": now, "visible_at": now, "receive_count": 0}
    return {
        **kept,
        **fresh,
        "receipt_handle": None,
        "first_receive_at": None,
        "sys": {**system, "SentTimestamp": str(int(now * 1000))},
    }
