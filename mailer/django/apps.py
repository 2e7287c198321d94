"""The application: `mailer.django` in INSTALLED_APPS, with the label `mailstack`."""

from django.apps import AppConfig
from django.core.signals import setting_changed

from mailer.django.config import LABEL

# What Django's own signal calls weakly must be kept somewhere.
from mailer.django.process import on_setting_changed


class MailstackConfig(AppConfig):
    """The application of this library."""

    name = "mailer.django"
    label = LABEL
    verbose_name = "E-mail (mailstack)"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks."""
        from mailer.django import checks

        checks.register_all()
        setting_changed.connect(on_setting_changed, dispatch_uid="mailstack.settings")
