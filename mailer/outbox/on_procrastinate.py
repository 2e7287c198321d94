"""The relay as a task of procrastinate, for those who run its workers already: https://procrastinate.readthedocs.io."""

from typing import TYPE_CHECKING

from mailer.outbox.relay import OutboxRelay

if TYPE_CHECKING:
    from collections.abc import Callable

    from procrastinate import App

    from mailer.outbox.policy import OutboxPolicy
    from mailer.outbox.relay import Sender

TASK, EVERY_MINUTE = "mailstack.outbox", "* * * * *"


def procrastinate_relay(
    app: "App",
    mailer: "Callable[[], Sender]",
    *,
    policy: "OutboxPolicy | None" = None,
    threads: int = 16,
    queue: str = "mail",
) -> "Callable[[], None]":
    """Register a task that sends what is in the outbox.

    It runs whenever it is woken, and once a minute: for mails that are to be sent later or again, and for those of a
    worker that died. However it ends, and however often it runs, a mail is sent once: the outbox sees to that.

    Args:
        app: The application's, before its worker runs.
        mailer: Returns the mailer, in the worker's process.
        policy: How mails are sent, retried and kept.
        threads: How many mails are sent at the same time.
        queue: The queue of the task.

    Returns:
        What wakes it. Call it after the commit; while a task waits already, it does nothing.
    """
    from procrastinate.exceptions import AlreadyEnqueued

    def send_outbox() -> None:
        OutboxRelay(mailer(), policy, threads=threads).drain()

    def send_outbox_each_minute(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate passes
        send_outbox()

    task = app.task(name=TASK, queue=queue, queueing_lock=TASK)(send_outbox)
    periodic = app.task(name=f"{TASK}.periodic", queue=queue, queueing_lock=f"{TASK}.periodic")
    app.periodic(cron=EVERY_MINUTE)(periodic(send_outbox_each_minute))

    def wake() -> None:
        try:
            task.defer()
        except AlreadyEnqueued:
            return

    return wake
