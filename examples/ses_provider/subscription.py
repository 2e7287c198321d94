"""Connects the webhook to the local cloud, as `pulumi up` and `aws sns subscribe` do on AWS."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Event, Thread

from mailer.testing import Ses

# Seconds between two looks whether the service has started.
_PAUSE = 0.1


@contextmanager
def subscribed(ses: Ses, url: str, has_started: Callable[[], bool]) -> Generator[None]:
    """Subscribe the webhook to the stack's events as soon as the service has started."""
    stopped = Event()

    def subscribe() -> None:
        while not has_started():
            if stopped.wait(_PAUSE):
                return
        ses.subscribe(f"{url}/api/webhooks/ses")

    thread = Thread(target=subscribe, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
