"""For Django projects: the application `mailer.django` and the setting `MAILSTACK`, as docs/guides/django.md describes.

The names here and in `mailer.django.signals` are the public ones. Importing this package does not import Django.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.django.backend import EmailBackend
    from mailer.django.log import AdminEmailHandler
    from mailer.django.process import get_mailer
    from mailer.django.sending import asend, send
    from mailer.django.throttle import SignUpThrottle
    from mailer.django.verification import get_verification, send_verification

__all__ = [
    "AdminEmailHandler",
    "EmailBackend",
    "SignUpThrottle",
    "asend",
    "get_mailer",
    "get_verification",
    "send",
    "send_verification",
]

_HOME = {
    "AdminEmailHandler": "log",
    "EmailBackend": "backend",
    "SignUpThrottle": "throttle",
    "asend": "sending",
    "get_mailer": "process",
    "get_verification": "verification",
    "send": "sending",
    "send_verification": "verification",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: most of them need configured settings."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"mailer.django.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
