"""The webhook of a process: SES's events arrive from SNS, are stored as `MAILSTACK` says, and become signals."""

from functools import cache
from typing import TYPE_CHECKING, cast

from django.utils.module_loading import import_string

from mailer.django.config import config
from mailer.django.process import forget_with_mailer, get_mailer, stores_of
from mailer.django.signals import announce, announce_notice, unsubscribed
from mailer.webhooks.endpoints import endpoints_of
from mailer.webhooks.hooks import METHODS, FeedbackHook
from mailer.webhooks.metrics import MetricsApi
from mailer.webhooks.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.feedback.events import Event
    from mailer.unsubscribe import Unsubscription
    from mailer.webhooks.hooks import Notice
    from mailer.webhooks.http import Endpoint


class SignalHook(FeedbackHook):
    """Sends the signals of `mailer.django.signals`."""

    name = "mailer.django.signals"

    def on_unsubscribe(self, wish: "Unsubscription") -> None:
        """See `FeedbackHook`."""
        announce(unsubscribed, type(self), address=wish.address, stream=wish.stream)


def _announce(self: SignalHook, notice: "Notice[Event]") -> None:  # noqa: ARG001 - a method
    announce_notice(notice)


# Every kind of event, also those that later versions know.
for _method in METHODS.values():
    setattr(SignalHook, _method, _announce)


@cache
def endpoints() -> "dict[str, Endpoint]":
    """The endpoints of the webhook, by their paths.

    Raises:
        ConfigurationError: The setting is wrong, the stack has no events topic, or the extra `web` is missing.
    """
    found, mailer = config(), get_mailer()
    hooks = [cast("Callable[[], FeedbackHook]", import_string(path))() for path in found.feedback_hooks]
    webhook = Webhook(
        mailer.outputs,
        store=stores_of(found) if found.uses_django_store else found.store or None,
        hooks=[SignalHook(), *hooks],
        topics=found.topics,
        confirms=found.confirm_subscriptions,
        unsubscribe=found.unsubscribe_links,
    )
    # Django says who asks: see `mailer.django.metrics`.
    metrics = MetricsApi(webhook, sessions=True)
    return {endpoint.path: endpoint for endpoint in endpoints_of(webhook, metrics=metrics)}


forget_with_mailer(endpoints.cache_clear)
