"""`mailer outbox`: run a relay; count, list, retry, cancel and delete the mails of an outbox."""

import os
import signal
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from mailer.cli.output import as_json, line, table
from mailer.cli.stack import add_stack_option, named_stack, outputs_of
from mailer.errors import ConfigurationError
from mailer.stores.outbox import OutboxStatus

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Generator

    from mailer.mailer import Mailer
    from mailer.outbox.relay import OutboxRelay
    from mailer.stores.outbox import OutboxMail
    from mailer.stores.sql.outbox import SqlOutbox

HELP = "run a relay of the outbox; count, list, retry, cancel and delete its mails"
EXAMPLES = """\
examples:
  mailer outbox run --stack prod --threads 16
  mailer outbox run --stack prod --once            # what is due now, then end: for cron
  mailer outbox status
  mailer outbox status --list dead
  mailer outbox status --to ada@example.com
  mailer outbox retry                              # every dead letter
  mailer outbox retry --unknown 0192f0c1a2b37c4d8e5f60718293a4b5
  mailer outbox cancel 0192f0c1a2b37c4d8e5f60718293a4b5
  mailer outbox purge --days 7 --dead-days 30

MAILSTACK_OUTBOX names the database where --outbox does not, then MAILSTACK_STORE. MAILSTACK_STORE_KEYS has its keys.
`run` ends at SIGTERM or SIGINT when the mails are sent that it has begun with. docs/guides/outbox.md
"""
VARIABLES = ("MAILSTACK_OUTBOX", "MAILSTACK_STORE")
NOT_ALL = 1
_STATUSES = tuple(str(status) for status in OutboxStatus)


def configure(command: "ArgumentParser") -> None:
    """Give the command its subcommands."""
    parts = command.add_subparsers(title="subcommands", metavar="SUBCOMMAND", required=True)
    _configure_run(parts.add_parser("run", help="send what is in the outbox, until the process is ended"))
    status = parts.add_parser("status", help="how many mails have each status; mails by status, id or recipient")
    status.add_argument("ids", nargs="*", metavar="ID", help="only these mails")
    status.add_argument(
        "--list", choices=_STATUSES, metavar="STATUS", help=f"mails with a status: {', '.join(_STATUSES)}"
    )
    status.add_argument("--to", metavar="ADDRESS", help="mails to an address that were not sent yet")
    status.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (default: %(default)s)")
    retry = parts.add_parser("retry", help="send dead mails again, all of them or some; expired ones by their ids")
    retry.add_argument("ids", nargs="*", metavar="ID", help="all dead mails when left out")
    retry.add_argument("--unknown", action="store_true", help="unknown mails, too; they may then arrive twice")
    cancel = parts.add_parser("cancel", help="cancel mails that are not being sent; exit status 1: not all")
    cancel.add_argument("ids", nargs="+", metavar="ID")
    cancel.add_argument("--why", default="cancelled", metavar="TEXT", help="recorded with the mail; name no person")
    purge = parts.add_parser("purge", help="delete mails that ended; relays do it, too, once an hour")
    purge.add_argument("--days", type=_days, default=7, metavar="N", help="older than this (default: %(default)s)")
    purge.add_argument("--dead-days", type=_days, default=30, metavar="N", help="dead ones (default: %(default)s)")
    for part, act in ((status, _status), (retry, _retry), (cancel, _cancel), (purge, _purge)):
        _add_outbox_option(part)
        part.add_argument("--json", action="store_true", help="as JSON")
        part.set_defaults(act=act)


def _configure_run(command: "ArgumentParser") -> None:
    add_stack_option(command)
    _add_outbox_option(command)
    command.add_argument("--brand", metavar="BRAND", help="for templates rendered later: a JSON file, or module:NAME")
    command.add_argument("--threads", type=int, default=16, metavar="N", help="mails at a time (default: %(default)s)")
    words = "seconds between two looks where no notification arrives (default: 1; SQLite 0.25)"
    command.add_argument("--poll", type=float, metavar="SECONDS", help=words)
    words = "what happens to a mail whose outcome is unknown (default: %(default)s)"
    command.add_argument("--unknown", choices=("evidence", "resend", "dead"), default="evidence", help=words)
    words = "how long a mail is retried that cannot be sent for now (default: %(default)s)"
    command.add_argument("--give-up-after", type=float, default=24.0, metavar="HOURS", help=words)
    words = "share the account's rate with other processes, by the store"
    command.add_argument("--shared-rate", action="store_true", help=words)
    command.add_argument("--metrics-port", type=int, metavar="PORT", help="serve Prometheus metrics on this port")
    words = "the address that metrics are served on (default: %(default)s)"
    command.add_argument("--metrics-address", default="127.0.0.1", metavar="ADDRESS", help=words)
    command.add_argument("--once", action="store_true", help="send what is due now, and end")
    command.set_defaults(act=_run)


def _add_outbox_option(command: "ArgumentParser") -> None:
    words = "the database of the outbox, such as postgresql://…; MAILSTACK_OUTBOX when left out"
    command.add_argument("--outbox", metavar="URL", help=words)


def _days(text: str) -> int:
    days = int(text)
    if days < 0:
        raise ValueError(text)
    return days


def run(given: "Namespace") -> int:
    """Run the subcommand."""
    return cast("Callable[[Namespace], int]", given.act)(given)


def _run(given: "Namespace") -> int:
    from mailer.outbox.policy import OutboxPolicy
    from mailer.outbox.relay import OutboxRelay

    with _mailer(given) as mailer:
        policy = OutboxPolicy(unknown=given.unknown, give_up_after=timedelta(hours=given.give_up_after))
        relay = OutboxRelay(mailer, policy, threads=given.threads, poll=given.poll)
        if given.once:
            line(f"{relay.drain()} mails were tried.")
            return 0
        if given.metrics_port is not None:
            _serve_metrics(mailer.outbox, given.metrics_address, given.metrics_port)
        line(f"Relay {relay.name} sends what is in {mailer.outbox.database.shown}.")
        with _ended_by_signals(relay):
            relay.run()
    line("The relay has ended.")
    return 0


@contextmanager
def _mailer(given: "Namespace") -> "Generator[Mailer]":
    """The mailer of the stack. A stack on this machine, `MAILSTACK_OUTPUTS=local:…`, needs no name."""
    from mailer.cli.data import brand_of
    from mailer.mailer import Mailer
    from mailer.observability.prometheus import PrometheusHook
    from mailer.sending.limiter import RateLimit
    from mailer.stack import LOCAL_SCHEME
    from mailer.stack import VARIABLE as OUTPUTS

    is_local = os.environ.get(OUTPUTS, "").strip().startswith(LOCAL_SCHEME)
    name = named_stack(given) or ("local" if is_local else outputs_of(given).stack)
    hooks = [] if given.metrics_port is None else [PrometheusHook()]
    rate = RateLimit(shared=True) if given.shared_rate else None
    with Mailer.from_stack(name, brand=brand_of(given.brand), hooks=hooks, rate=rate, outbox=_url(given)) as mailer:
        yield mailer


@contextmanager
def _ended_by_signals(relay: "OutboxRelay") -> "Generator[None]":
    """SIGTERM and SIGINT end the relay; a second one ends the process at once."""

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        relay.stop()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve_metrics(outbox: "SqlOutbox", address: str, port: int) -> None:
    from prometheus_client import REGISTRY, start_http_server

    from mailer.observability.outbox import OutboxCollector

    REGISTRY.register(OutboxCollector(outbox))
    try:
        start_http_server(port, address)
    except OSError as error:
        words = f"Metrics cannot be served on {address}:{port}: {error.strerror}."
        raise ConfigurationError(words, hint="Name another --metrics-port.") from None


def _status(given: "Namespace") -> int:
    with _opened(given) as outbox:
        if given.ids or given.list or given.to:
            return _show(outbox.find(*given.ids, status=given.list, address=given.to or "", limit=given.limit), given)
        counts = {str(status): count for status, count in sorted(outbox.counts().items())}
    if given.json:
        as_json({name: {**asdict(count), "oldest": _time(count.oldest)} for name, count in counts.items()})
        return 0
    now = datetime.now(UTC)
    rows = [(name, str(one.count), str(one.due), _age(now, one.oldest)) for name, one in counts.items()]
    table([("status", "mails", "due", "oldest due"), *rows])
    return 0


def _show(mails: "list[OutboxMail]", given: "Namespace") -> int:
    if given.json:
        as_json([{name: _plain(value) for name, value in asdict(mail).items()} for mail in mails])
        return 0
    rows = [
        (one.id, str(one.status), f"{one.send_at:%Y-%m-%d %H:%M:%S}", str(one.attempts), one.reason) for one in mails
    ]
    table([("id", "status", "send at (UTC)", "attempts", "reason"), *rows])
    return 0


def _retry(given: "Namespace") -> int:
    if given.unknown and not given.ids:
        raise ConfigurationError(
            "--unknown needs the ids of mails: each may have been sent.",
            hint="List them with `mailer outbox status --list unknown`.",
        )
    with _opened(given) as outbox:
        count = outbox.retry(*given.ids, unknown=given.unknown)
    return _report(given, count, len(given.ids), "will be sent again")


def _cancel(given: "Namespace") -> int:
    with _opened(given) as outbox:
        count = outbox.cancel(*given.ids, reason=given.why)
    return _report(given, count, len(given.ids), "were cancelled")


def _purge(given: "Namespace") -> int:
    with _opened(given) as outbox:
        count = outbox.purge(timedelta(days=given.days), timedelta(days=given.dead_days))
    return _report(given, count, 0, "were deleted")


def _report(given: "Namespace", count: int, wanted: int, what: str) -> int:
    if given.json:
        as_json({"mails": count})
    else:
        line(f"{count}{f' of {wanted}' if wanted else ''} mails {what}.")
    return NOT_ALL if count < wanted else 0


@contextmanager
def _opened(given: "Namespace") -> "Generator[SqlOutbox]":
    from mailer.stores.bundle import sql_stores

    url = _url(given)
    if not url:
        hint = f"Give --outbox postgresql://… or sqlite:///…, or set {VARIABLES[0]}."
        raise ConfigurationError("No outbox is named.", hint=hint)
    with sql_stores(url) as stores:
        yield stores.outbox


def _url(given: "Namespace") -> str | None:
    named = (str(given.outbox or "").strip(), *(os.environ.get(name, "").strip() for name in VARIABLES))
    return next((url for url in named if url), None)


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _age(now: datetime, since: datetime | None) -> str:
    return str(timedelta(seconds=int((now - since).total_seconds()))) if since else ""
