"""The application in INSTALLED_APPS."""

from django.apps import AppConfig


class Subscriptions(AppConfig):
    """Registers what logs the results of mails."""

    name = "examples.django_subscriptions"
    label = "subscriptions"

    def ready(self) -> None:
        """Connect the signal, in the pages' processes and in the relay's."""
        from mailer.django.signals import message_sent

        from .notifying import log_result

        message_sent.connect(log_result)
