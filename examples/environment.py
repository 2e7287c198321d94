"""The environment variables of an example of Django: what is missing is said with the way to a value."""

import os

from django.core.exceptions import ImproperlyConfigured

NEW_KEY_HINT = "Create one: python -c 'import secrets; print(secrets.token_urlsafe(48))'"


def required(name: str, hint: str) -> str:
    """The value of an environment variable, for settings.

    Args:
        name: Of the variable.
        hint: What to set it to.

    Raises:
        ImproperlyConfigured: It is missing or empty.
    """
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"The environment variable {name} is not set. {hint}")
    return value
