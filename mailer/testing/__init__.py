"""For the tests of applications that send with `mailer`: a pytest plugin, loaded where both are installed.

Its fixtures are `outbox` (no cloud at all) and `ses` (SES on this machine); docs/guides/testing.md shows them. The
names here are for annotations. Not for production.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.testing.outbox import Outbox
    from mailer.testing.ses import Sent, SentAttachment, Ses

__all__ = ["Outbox", "Sent", "SentAttachment", "Ses"]

_HOME = {"Outbox": "outbox", "Sent": "ses", "SentAttachment": "ses", "Ses": "ses"}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: pytest loads the plugin, and so this package, in every run."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"mailer.testing.{_HOME[name]}"), name)
