"""`mailer erase`: remove one person's data from a SQL store, and keep a keyed hash that still suppresses."""

from typing import TYPE_CHECKING

from mailer.address import Address
from mailer.cli.output import as_json, is_confirmed, line
from mailer.cli.places import add_sql_option, opened_sql

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

HELP = "remove one person's data; a suppression stays as a keyed hash"
EXAMPLES = """\
examples:
  mailer erase ada@example.com --store postgresql://mail@db.example.com/mail
"""
NOT_ERASED = 1


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("address", metavar="ADDRESS")
    add_sql_option(command)
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.add_argument("--json", action="store_true", help="as JSON")


def run(given: "Namespace") -> int:
    """Ask, then erase."""
    address = Address.parse(given.address).key
    if not (given.yes or is_confirmed(f"Erase what is stored about {address}? It cannot be undone.", "erase")):
        line("Nothing was changed.")
        return NOT_ERASED
    with opened_sql(given) as stores:
        count = stores.erase(address)
        suppressed = bool(stores.suppressions.get_many([address]))
    if given.json:
        as_json({"rows": count, "suppressed": suppressed})
        return 0
    line(f"{count} rows were changed or deleted.")
    line("The address stays suppressed, by its keyed hash." if suppressed else "The address is not suppressed.")
    line("Backups of the database, and SES's list of the account, are not changed.")
    return 0
