"""Signals: a message was sent, and what SES reports later.

`message_sent` arguments: `message` (Django's message; None for `send`), `mail` (`mailer.Message`), `result`
(`mailer.SendResult`). What a receiver raises is logged.

The others come from the webhook, once for each recipient of an event: `notice` (`mailer.webhooks.Notice`) with the
address, the event and what it means. If a receiver raises an error, SNS sends the event again, and all receivers of the
signal are called again. `unsubscribed` has `address` and `stream`; what its receivers raise is logged.
"""

from typing import TYPE_CHECKING

from django.dispatch import Signal

if TYPE_CHECKING:
    from mailer.feedback.events import Event
    from mailer.webhooks.hooks import Notice

__all__ = [
    "bounce_received",
    "complaint_received",
    "delivery_received",
    "event_received",
    "message_sent",
    "unsubscribed",
]

message_sent = Signal()
event_received = Signal()
bounce_received = Signal()
complaint_received = Signal()
delivery_received = Signal()
unsubscribed = Signal()

# By `Event.kind`.
_SIGNALS = {"Bounce": bounce_received, "Complaint": complaint_received, "Delivery": delivery_received}


def announce(signal: Signal, sender: type, **arguments: object) -> None:
    """Send a signal. Django logs what a receiver raises, to `django.dispatch`."""
    signal.send_robust(sender, **arguments)


def announce_notice(notice: "Notice[Event]") -> None:
    """Send the signals of one recipient's part of an event: `event_received`, and the one of its kind.

    Raises:
        Exception: The first that a receiver raised, when all were called.
    """
    errors = list[Exception]()
    for signal in (event_received, _SIGNALS.get(notice.event.kind)):
        answers = signal.send_robust(type(notice.event), notice=notice) if signal else []
        errors += [answer for _, answer in answers if isinstance(answer, Exception)]
    if errors:
        raise errors[0]
