"""`manage.py mailer_cleanup`: deletes what has expired in a SQL store, and counts days that are over for reports.

The stack's table forgets by itself; `mailer report` counts its days.
"""

from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mailer.cli.output import as_json, line, table
from mailer.django.config import Config, config
from mailer.django.management.base import MailerCommand
from mailer.django.process import stores_of
from mailer.errors import ConfigurationError
from mailer.reports.counters import close_days
from mailer.stores.base import utcnow

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from contextlib import AbstractContextManager

    from mailer.stores.sql.stores import SqlStores


class Command(MailerCommand):
    """Delete what has expired, after the days that are over were counted."""

    help = (
        "Delete what has expired in the store of MAILSTACK: suppressions, events, idempotency keys, the message log. "
        "Before that, count the days that are over, so that reports reach further back than the message log. "
        "Run it once a day. Examples: manage.py mailer_cleanup; manage.py mailer_cleanup --history-days 365 --json"
    )

    def add_arguments(self, parser: "ArgumentParser") -> None:
        """Add the options."""
        words = "how long the history of suppressions is kept (default: %(default)s)"
        parser.add_argument("--history-days", type=int, default=730, metavar="N", help=words)
        parser.add_argument("--json", action="store_true", help="as JSON")

    def run(self, given: dict[str, Any]) -> int:
        """Delete it."""
        found = config()
        if given["history_days"] < 0:
            raise ConfigurationError("--history-days is negative.", hint="Give a number of days, such as 730.")
        if not found.store:
            line("The store is the stack's DynamoDB table, which deletes what has expired by itself.")
            return 0
        with _opened(found) as stores:
            close_days(stores.messages, stores.counters, utcnow())
            deleted = stores.clean_up(timedelta(days=given["history_days"]))
        if given["json"]:
            as_json(deleted)
        else:
            table((name, f"{count} rows deleted") for name, count in deleted.items())
        return 0


def _opened(found: Config) -> "AbstractContextManager[SqlStores]":
    """The store. Django's own connections stay open."""
    from mailer.stores.bundle import sql_stores

    return nullcontext(stores_of(found)) if found.uses_django_store else sql_stores(found.store)
