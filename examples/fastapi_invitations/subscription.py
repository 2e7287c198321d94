"""Connects the webhook to the local cloud, as `pulumi up` and `aws sns subscribe` do on AWS."""

from collections.abc import Generator
from contextlib import contextmanager
from threading import Event, Thread
from urllib.error import URLError
from urllib.request import urlopen

from mailer.testing import Ses

# Seconds between two looks whether the application serves, and how many there are.
_PAUSE, _LOOKS = 0.2, 300


@contextmanager
def subscribed(ses: Ses, url: str) -> Generator[None]:
    """Subscribe the webhook to the stack's events when the application serves."""
    stopped = Event()

    def subscribe() -> None:
        for _ in range(_LOOKS):
            if _serves(url):
                ses.subscribe(f"{url}/mail/webhooks/ses")
                return
            if stopped.wait(_PAUSE):
                return

    thread = Thread(target=subscribe, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _serves(url: str) -> bool:
    try:
        with urlopen(f"{url}/mail/health", timeout=5) as answer:  # noqa: S310 - our own address
            return answer.status == 200  # noqa: PLR2004 - OK
    except (URLError, OSError):
        return False
