"""The application, for `INSTALLED_APPS`."""

from django.apps import AppConfig


class ModerationConfig(AppConfig):
    """The candidates and the accounts of a site."""

    name = "examples.django_moderation"
    label = "moderation"
    default_auto_field = "django.db.models.BigAutoField"
