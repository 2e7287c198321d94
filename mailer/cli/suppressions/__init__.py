"""Internal: `mailer suppressions`: the suppression list, one module a subcommand's concern."""

from typing import TYPE_CHECKING, cast

from mailer.cli.suppressions import changes, files, views

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

HELP = "list, check, add, remove, import and export suppressed addresses"
EXAMPLES = """\
examples:
  mailer suppressions list --stack prod --reason complaint
  mailer suppressions check ada@example.com --stack prod
  mailer suppressions add ada@example.com --why 'asked by telephone' --scope stream:news
  mailer suppressions remove ada@example.com --why 'mailbox works again'
  mailer suppressions import bounces.csv --dry-run
  mailer suppressions export suppressions.csv --store postgresql://mail@db.example.com/mail

Without --store and MAILSTACK_STORE, the list is that of the stack.
"""


def configure(command: "ArgumentParser") -> None:
    """Give the command its subcommands."""
    parts = command.add_subparsers(title="subcommands", metavar="SUBCOMMAND", required=True)

    def add(name: str, words: str) -> "ArgumentParser":
        return parts.add_parser(name, help=words)

    for module in (views, changes, files):
        module.configure(add)


def run(given: "Namespace") -> int:
    """Run the subcommand."""
    return cast("Callable[[Namespace], int]", given.act)(given)
