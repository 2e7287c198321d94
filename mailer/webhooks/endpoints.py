"""Which endpoints the webhook has: paths, limits, and what answers them.

Not for what a message of SNS means: `webhook.py`.
"""

import logging
import time
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from mailer.errors import HookFailed, MalformedEvent, SnsMessageRefused, StoreError
from mailer.webhooks.http import (
    OK,
    SERVER_ERROR,
    TOO_MANY,
    UNAVAILABLE,
    UNPROCESSABLE,
    Answer,
    Endpoint,
    Handler,
    Request,
    json_answer,
    problem,
    where,
)
from mailer.webhooks.rate import ClientRate
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.webhooks.metrics import MetricsApi
    from mailer.webhooks.webhook import Webhook

log = logging.getLogger("mailer")
SES_PATH, UNSUBSCRIBE_PATH = "/webhooks/ses", "/unsubscribe/{token}"
HEALTH_PATH, READY_PATH = "/health", "/health/ready"
# Bytes. SNS publishes 256 KB at most (API_Publish.html), and JSON may write a character in six.
MAX_MESSAGE = 2 * 1024 * 1024
# Bytes: the form of an unsubscription has one short field.
MAX_FORM = 4096
# Seconds for which the answer of the readiness check is kept, so that asking for it does not load the store.
_READY_FOR = 5.0


def endpoints_of(
    webhook: "Webhook", rate: ClientRate | None = None, metrics: "MetricsApi | None" = None
) -> tuple[Endpoint, ...]:
    """The endpoints of a webhook.

    Args:
        webhook: What receives the messages.
        rate: How many requests one client may make. Default: 200 a second, 1,000 at once.
        metrics: What serves reports; None: nothing does.
    """
    rate = rate or ClientRate()
    get = ("GET", "HEAD")
    unsubscription = (
        (Endpoint(UNSUBSCRIBE_PATH, (*get, "POST"), MAX_FORM, _limited(rate, webhook.unsubscription)),)
        if webhook.unsubscription
        else ()
    )
    reports = metrics.endpoints() if metrics else ()
    return (
        *unsubscription,
        *(replace(one, handle=_limited(rate, one.handle)) for one in reports),
        Endpoint(SES_PATH, ("POST",), MAX_MESSAGE, _limited(rate, Receiver(webhook))),
        Endpoint(HEALTH_PATH, get, 0, _limited(rate, _alive)),
        Endpoint(READY_PATH, get, 0, _limited(rate, Readiness(webhook))),
    )


class Receiver:
    """Answers SNS. SNS repeats a message after 429 and 5xx, and moves it to a DLQ after others."""

    def __init__(self, webhook: "Webhook") -> None:
        self._webhook = webhook

    def __call__(self, request: Request) -> Answer:
        """See `Handler`."""
        try:
            return json_answer(OK, {"status": self._webhook.receive(request.body)})
        except SnsMessageRefused as error:
            log.warning("Refused a request to the webhook from %s: %s", request.client or "-", error)
            return problem(error.status, error.message)
        except MalformedEvent as error:
            log.error("SNS delivered what is not an event of SES: %s", error)  # noqa: TRY400 - the words suffice
            return problem(UNPROCESSABLE, error.message)
        except StoreError as error:
            log.error("An event could not be stored; SNS sends it again: %s", error)  # noqa: TRY400
            return problem(UNAVAILABLE, "The store is not available.")
        except HookFailed as error:
            log.error("%s", error)  # noqa: TRY400
            return problem(UNAVAILABLE, "A hook failed.")
        except Exception as error:  # noqa: BLE001 - an answer, whatever happens
            # Where, but not the exception's own words: they may hold an address.
            log.error("Defect in the webhook: %s at %s", type(error).__name__, where(error))  # noqa: TRY400
            return problem(SERVER_ERROR, "Internal error.")


class Readiness:
    """Says whether the store answers. The answer is kept for a few seconds."""

    def __init__(self, webhook: "Webhook", *, clock: "Callable[[], float]" = time.monotonic) -> None:
        self._webhook, self._clock = webhook, clock
        self._until, self._is_ready = float("-inf"), False
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """A thread of the parent process may have held the lock."""
        self._lock = Lock()

    def __call__(self, request: Request) -> Answer:  # noqa: ARG002 - a handler
        """See `Handler`."""
        with self._lock:
            if self._clock() >= self._until:
                self._is_ready = self._asks()
                self._until = self._clock() + _READY_FOR
        return json_answer(OK, {"status": "ready"}) if self._is_ready else problem(UNAVAILABLE, "The store is away.")

    def _asks(self) -> bool:
        try:
            self._webhook.stores.events.get("0" * 64)
        except Exception as error:  # noqa: BLE001 - not ready, whatever it is
            log.warning(
                "The webhook is not ready: %s", error if isinstance(error, StoreError) else type(error).__name__
            )
            return False
        return True


def _limited(rate: ClientRate, handle: Handler) -> Handler:
    def limited(request: Request) -> Answer:
        if not rate.allows(request.client):
            return problem(TOO_MANY, "Too many requests.")
        return handle(request)

    return limited


def _alive(request: Request) -> Answer:  # noqa: ARG001 - a handler
    return json_answer(OK, {"status": "ok"})
