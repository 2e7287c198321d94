"""The relay as a task of Django, for those who run workers of `django.tasks` already (Django 6, or `django-tasks`)."""

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from mailer.errors import ConfigurationError
from mailer.outbox.relay import OutboxRelay

if TYPE_CHECKING:
    from mailer.outbox.relay import Sender


def send_outbox(mailer: str) -> int:
    """Send what is in the outbox; return how many mails were tried. It runs in a worker."""
    return OutboxRelay(_mailer(mailer)).drain()


def wake_django_relay(mailer: str, *, using: str | None = None, backend: str = "default") -> None:
    """Have a worker of `django.tasks` send what is in the outbox, after the commit of the transaction under way.

    Django runs no task by itself later: mails that are to be sent later or again wait for the next call. Run `mailer
    outbox run --once` by cron besides.

    Args:
        mailer: Names the mailer, or a function that returns it: `shop.mail:mailer`. The worker imports it.
        using: The database of the transaction, as for `transaction.on_commit`.
        backend: The backend of `TASKS`.

    Raises:
        ConfigurationError: There is neither Django 6 nor the package `django-tasks`, or the name is of another form.
    """
    from django.db import transaction

    if not all(mailer.partition(":")):
        raise ConfigurationError(
            f"{mailer!r} does not name a mailer.", hint="Write module:name, such as shop.mail:mailer."
        )
    task = _task_decorator()(backend=backend)(send_outbox)
    transaction.on_commit(partial(task.enqueue, mailer), using=using)


def _task_decorator() -> Any:
    for package in ("django.tasks", "django_tasks"):
        try:
            return import_module(package).task
        except ModuleNotFoundError:
            continue
    hint = "Use Django 6, or install django-tasks and add it to INSTALLED_APPS."
    raise ConfigurationError("This Django has no tasks.", hint=hint)


def _mailer(name: str) -> "Sender":
    module, _, attribute = name.partition(":")
    found = getattr(import_module(module), attribute)
    return cast("Sender", found() if callable(found) else found)
