"""A mailer in a Starlette or FastAPI application: opened and closed with it, handed to each endpoint.

Public: the names in `__all__`; each is imported on first use. Tutorial: docs/tutorial/fastapi.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.asgi.dependency import MailerDep
    from mailer.asgi.lifespan import get_mailer, lifespans, mailer_lifespan

__all__ = ["MailerDep", "get_mailer", "lifespans", "mailer_lifespan"]

_HOME = {"MailerDep": "dependency"}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"mailer.asgi.{_HOME.get(name, 'lifespan')}"), name)
    globals()[name] = value
    return value
