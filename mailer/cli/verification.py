"""`mailer verification`: the audit of codes and links, clean-up, keys."""

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from mailer.address import Address, mask
from mailer.cli.output import as_json, line, table
from mailer.cli.places import add_store_options, opened_sql, store_url
from mailer.cli.stack import outputs_of
from mailer.stores.base import utcnow
from mailer.stores.tokens import ACTIONS, AUDIT

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Generator

    from mailer.stores.tokens import TokenEvent, TokenStore

HELP = "list verification codes and links that were issued and used, delete old ones, create keys"
EXAMPLES = """\
examples:
  mailer verification list --stack prod --hours 1
  mailer verification list --address ada@example.com --action failed --json
  mailer verification purge --store postgresql://mail@db.example.com/mail
  mailer verification new-key

Addresses are masked. The codes and links themselves are stored nowhere. In a stack's table, `list` and `purge` read the
whole table; the table's time to live deletes old items without `purge`.
"""
LIMIT = 1000
_NAMES = ("at", "action", "kind", "purpose", "address", "account", "token", "detail")


def configure(command: "ArgumentParser") -> None:
    """Give the command its subcommands."""
    parts = command.add_subparsers(title="subcommands", metavar="SUBCOMMAND", required=True)
    show = parts.add_parser("list", help="list what was issued, used and refused, newest first")
    hours = AUDIT // timedelta(hours=1)
    words = f"only the last N hours, {hours} at most (default: %(default)s)"
    show.add_argument("--hours", type=int, default=24, metavar="N", help=words)
    show.add_argument("--address", default="", help="only those of this address")
    show.add_argument("--purpose", default="", help="only those of this purpose, such as sign-in")
    show.add_argument("--action", choices=ACTIONS, help="only these")
    show.add_argument("--limit", type=int, default=LIMIT, metavar="N", help="at most so many (default: %(default)s)")
    purge = parts.add_parser("purge", help="delete codes, links, limits and events that are not needed any more")
    for part, act in ((show, _list), (purge, _purge)):
        add_store_options(part)
        part.add_argument("--json", action="store_true", help="as JSON")
        part.set_defaults(act=act)
    parts.add_parser("new-key", help="print a new key for MAILSTACK_VERIFICATION_KEYS").set_defaults(act=_new_key)


def run(given: "Namespace") -> int:
    """Run the subcommand."""
    return cast("Callable[[Namespace], int]", given.act)(given)


@contextmanager
def _opened(given: "Namespace") -> "Generator[TokenStore]":
    """The tokens in the store that the command line or the environment names."""
    if store_url(given):
        with opened_sql(given) as sql:
            yield sql.tokens
        return
    from mailer.stores.dynamodb.table import dynamodb_api
    from mailer.stores.dynamodb.tokens import DynamoDBTokens

    outputs = outputs_of(given)
    api = dynamodb_api(outputs.region)
    try:
        yield DynamoDBTokens(outputs.table, api)
    finally:
        api.close()


def _list(given: "Namespace") -> int:
    address = Address.parse(given.address).key if given.address else ""
    since = utcnow() - timedelta(hours=max(1, given.hours))
    rows: list[dict[str, str]] = []
    with _opened(given) as store:
        for event in store.events(since=since, address=address, limit=_EVERYTHING):
            if given.action in (None, event.action) and given.purpose in ("", event.purpose):
                rows.append(_row(event))
            if len(rows) > given.limit:
                break
    shown = rows[: given.limit]
    if given.json:
        as_json(shown)
    elif shown:
        table([_NAMES, *([row[name] for name in _NAMES] for row in shown)])
        line(f"\n{len(shown)} events.{' There are more: raise --limit.' if len(rows) > given.limit else ''}")
    else:
        line("Nothing was issued or used.")
    return 0


# Rows of a store that are looked at.
_EVERYTHING = 100_000_000


def _row(event: "TokenEvent") -> dict[str, str]:
    return {
        "at": f"{event.at:%Y-%m-%dT%H:%M:%SZ}",
        "action": event.action,
        "kind": event.kind,
        "purpose": event.purpose,
        "address": mask(event.address),
        "account": mask(event.account) if "@" in event.account else event.account,
        "token": event.serial[:8],
        "detail": event.detail,
    }


def _purge(given: "Namespace") -> int:
    with _opened(given) as store:
        deleted = store.purge(utcnow())
    if given.json:
        as_json(deleted)
    else:
        table((name, f"{count} deleted") for name, count in deleted.items())
    return 0


def _new_key(_: "Namespace") -> int:
    from mailer.secret_keys import new_key

    line(new_key())
    return 0
