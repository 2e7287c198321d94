"""Receive SES's events in an application: bounces, complaints, deliveries, over HTTP from SNS.

Public: the names in `__all__`. Guide: docs/guides/webhooks.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.feedback.events import (
        Bounce,
        Click,
        Complaint,
        Delivery,
        DeliveryDelay,
        Event,
        Open,
        Reject,
        RenderingFailure,
        Send,
        Subscription,
        Unknown,
    )
    from mailer.feedback.policy import Decision
    from mailer.feedback.recipients import Recipient
    from mailer.webhooks.applications import asgi_app, fastapi_router, wsgi_app
    from mailer.webhooks.hooks import FeedbackHook, Notice
    from mailer.webhooks.metrics import MetricsApi
    from mailer.webhooks.rate import ClientRate
    from mailer.webhooks.webhook import Webhook

__all__ = [
    "Bounce",
    "Click",
    "ClientRate",
    "Complaint",
    "Decision",
    "Delivery",
    "DeliveryDelay",
    "Event",
    "FeedbackHook",
    "MetricsApi",
    "Notice",
    "Open",
    "Recipient",
    "Reject",
    "RenderingFailure",
    "Send",
    "Subscription",
    "Unknown",
    "Webhook",
    "asgi_app",
    "fastapi_router",
    "wsgi_app",
]

_HOME = {
    "ClientRate": "mailer.webhooks.rate",
    "Decision": "mailer.feedback.policy",
    "FeedbackHook": "mailer.webhooks.hooks",
    "MetricsApi": "mailer.webhooks.metrics",
    "Notice": "mailer.webhooks.hooks",
    "Recipient": "mailer.feedback.recipients",
    "Webhook": "mailer.webhooks.webhook",
    "asgi_app": "mailer.webhooks.applications",
    "fastapi_router": "mailer.webhooks.applications",
    "wsgi_app": "mailer.webhooks.applications",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, "mailer.feedback.events")), name)
