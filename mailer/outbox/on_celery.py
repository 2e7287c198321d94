"""The relay as a task of Celery, for those who run its workers already: https://docs.celeryq.dev."""

import logging
from typing import TYPE_CHECKING, Any

from mailer.outbox.relay import OutboxRelay

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.outbox.policy import OutboxPolicy
    from mailer.outbox.relay import Sender

log = logging.getLogger("mailer")
TASK = "mailstack.outbox"
# Seconds between two runs of `celery beat`, after which a task that no worker took is superfluous.
EVERY = 60.0


def celery_relay(
    app: Any,
    mailer: "Callable[[], Sender]",
    *,
    policy: "OutboxPolicy | None" = None,
    threads: int = 16,
    queue: str | None = None,
) -> "Callable[[], None]":
    """Register a task that sends what is in the outbox.

    It runs whenever it is woken, and by `celery beat` once a minute: for mails that are to be sent later or again, and
    for those of a worker that died. However it ends, and however often it runs, a mail is sent once.

    Args:
        app: The `celery.Celery` of the application. Call it in a module that its workers and `celery beat` import.
        mailer: Returns the mailer, in the worker's process. In a Django project: `mailer.django.get_mailer`.
        policy: How mails are sent, retried and kept.
        threads: How many mails are sent at the same time.
        queue: The queue of the task. Default: that of the application.

    Returns:
        What wakes it. Call it after the commit; with Django, by `transaction.on_commit`. It raises nothing if the
        broker cannot be reached: the mails are in the outbox, and the next run sends them. Celery tries to connect for
        about six seconds; `broker_transport_options = {"max_retries": 1, "interval_start": 0}` makes it try once.
    """
    from kombu.exceptions import OperationalError

    def send_outbox() -> None:
        OutboxRelay(mailer(), policy, threads=threads).drain()

    options = {"queue": queue} if queue else {}
    task = app.task(name=TASK, ignore_result=True, shared=False)(send_outbox)
    app.add_periodic_task(EVERY, task.signature(), name=TASK, expires=EVERY, **options)

    def wake() -> None:
        try:
            task.apply_async(expires=EVERY, retry=False, **options)
        except (OperationalError, OSError) as error:
            log.warning("Celery's broker cannot be reached (%s): the mail waits in the outbox.", type(error).__name__)

    return wake
