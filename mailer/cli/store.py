"""`mailer store`: maintenance of a SQL store: migration, clean-up, keys."""

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from mailer.cli.output import as_json, line, table
from mailer.cli.places import add_sql_option, opened_sql

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

HELP = "migrate and clean up a SQL store, create and rotate its keys"
EXAMPLES = """\
examples:
  mailer store migrate --store postgresql://owner@db.example.com/mail
  mailer store clean-up --history-days 365
  mailer store new-key
  mailer store rotate

MAILSTACK_STORE names the store where --store does not. MAILSTACK_STORE_KEYS has its keys, with commas between them, the
current one first.
"""


def configure(command: "ArgumentParser") -> None:
    """Give the command its subcommands."""
    parts = command.add_subparsers(title="subcommands", metavar="SUBCOMMAND", required=True)
    migrate = parts.add_parser("migrate", help="create the tables, or update them to this version")
    clean_up = parts.add_parser(
        "clean-up", help="count the days that are over, and delete what has expired; once a day"
    )
    words = "how long the history of suppressions is kept (default: %(default)s)"
    clean_up.add_argument("--history-days", type=int, default=730, metavar="N", help=words)
    rotate = parts.add_parser("rotate", help="encrypt every row with the current key")
    for part in (clean_up, rotate):
        part.add_argument("--json", action="store_true", help="as JSON")
    for part, act in ((migrate, _migrate), (clean_up, _clean_up), (rotate, _rotate)):
        add_sql_option(part)
        part.set_defaults(act=act)
    parts.add_parser("new-key", help="print a new key").set_defaults(act=_new_key)


def run(given: "Namespace") -> int:
    """Run the subcommand."""
    return cast("Callable[[Namespace], int]", given.act)(given)


def _migrate(given: "Namespace") -> int:
    with opened_sql(given, creates=True) as stores:
        stores.migrate()
    line("The tables have the newest version.")
    return 0


def _clean_up(given: "Namespace") -> int:
    from mailer.reports.counters import close_days
    from mailer.stores.base import utcnow

    with opened_sql(given) as stores:
        # Before the message log forgets them.
        close_days(stores.messages, stores.counters, utcnow())
        deleted = stores.clean_up(timedelta(days=given.history_days))
    if given.json:
        as_json(deleted)
    else:
        table((name, f"{count} rows deleted") for name, count in deleted.items())
    return 0


def _rotate(given: "Namespace") -> int:
    with opened_sql(given) as stores:
        done = stores.rotate()
    if given.json:
        as_json({"rewritten": done.rewritten, "hashes": done.hashes, "keys": done.keys})
        return 0
    line(f"{done.rewritten} rows were encrypted with the current key.")
    line(f"The store needs these keys: {', '.join(done.keys) or 'none'}.")
    if done.hashes:
        line(f"{done.hashes} erased addresses are hashed with an old key only: keep that key.")
    return 0


def _new_key(_: "Namespace") -> int:
    from mailer.secret_keys import new_key

    line(new_key())
    return 0
