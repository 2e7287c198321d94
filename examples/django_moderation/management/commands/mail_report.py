"""`manage.py mail_report`: how many mails were sent and how long they took, what waits, how long decisions took."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count, F, QuerySet
from django.utils import timezone

from examples.django_moderation.models import Candidate, SentMail, User

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import datetime

_MOST_HOURS = 24 * 30


class Command(BaseCommand):
    """Print the report."""

    help = "Print counts and times of mails, verifications and decisions. Example: manage.py mail_report --hours 168"

    def add_arguments(self, parser: "ArgumentParser") -> None:
        """Add the options."""
        parser.add_argument("--hours", type=int, default=24, metavar="N", help="how far back (default: %(default)s)")
        parser.add_argument("--json", action="store_true", help="as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print it."""
        if not 1 <= options["hours"] <= _MOST_HOURS:
            raise CommandError(f"--hours is {options['hours']}: give a number from 1 to {_MOST_HOURS}.")
        rows = dict(report(timezone.now() - timedelta(hours=options["hours"])))
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        width = max(map(len, rows))
        self.stdout.write("\n".join(f"{name:{width}}  {value}" for name, value in rows.items()))


def report(since: "datetime") -> Iterator[tuple[str, object]]:
    """The lines of the report: a name and a value. Times are in seconds."""
    log, events = (_library(name).filter(at__gte=since) for name in ("LogEntry", "TokenEvent"))
    yield "accounts that wait for verification", User.objects.filter(is_active=False, last_login=None).count()
    for status in Candidate.Status:
        yield f"candidates: {status.value}", Candidate.objects.filter(status=status).count()
    yield from _counted("links", events, "purpose", "action")
    mails = SentMail.objects.filter(at__gte=since)
    yield from _counted("mails", mails, "template", "status")
    yield from _times("sending a mail", mails.values_list("seconds", flat=True))
    arrived = log.filter(kind="Delivery").values_list("sent_at", "at")
    yield from _counted("events", log, "kind")
    # Two clocks: that of this machine, and that of SES.
    yield from _times("until a mail server accepts it", (max(0.0, (at - sent).total_seconds()) for sent, at in arrived))
    decided = Candidate.objects.filter(decided_at__gte=since, decided_at__gt=F("submitted_at"))
    spans = (end - begin for begin, end in decided.values_list("submitted_at", "decided_at") if begin and end)
    yield from _times("until a decision", (span.total_seconds() for span in spans))


def _library(name: str) -> QuerySet[Any]:
    """The rows of a table of `mailer.django`."""
    model: Any = apps.get_model("mailstack", name)
    return model.objects.all()


def _counted(name: str, found: QuerySet[Any], *fields: str) -> Iterator[tuple[str, object]]:
    for row in found.values_list(*fields).annotate(Count("pk")).order_by(*fields):
        *values, count = row
        yield f"{name}: {' '.join(map(str, values))}", count


def _times(name: str, seconds: Iterable[float]) -> Iterator[tuple[str, object]]:
    """Median and 95th percentile."""
    values = sorted(seconds)
    if values:
        slow = quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
        yield f"seconds {name}: median", round(median(values), 3)
        yield f"seconds {name}: 95 %", round(slow, 3)
