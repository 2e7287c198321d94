"""Which store a command works on: a SQL database by `--store` or MAILSTACK_STORE, else a stack's table."""

import getpass
import os
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mailer.cli.stack import add_stack_option, named_stack, outputs_of
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Generator

    from mailer.stack import StackOutputs
    from mailer.stores.base import SuppressionStore
    from mailer.stores.sql.stores import SqlStores

VARIABLE = "MAILSTACK_STORE"


class Opened(NamedTuple):
    """A store that is open.

    Attributes:
        suppressions: The suppression list.
        sql: The database; None for a stack's table.
        outputs: The stack; None where none is named.
    """

    suppressions: "SuppressionStore"
    sql: "SqlStores | None"
    outputs: "StackOutputs | None"


def add_store_options(command: "ArgumentParser") -> None:
    """Add `--store` and `--stack` to a command."""
    add_sql_option(command)
    add_stack_option(command)


def add_sql_option(command: "ArgumentParser") -> None:
    """Add `--store` to a command."""
    words = f"a SQL database, such as postgresql://…; {VARIABLE} when left out, then the stack's table"
    command.add_argument("--store", metavar="URL", help=words)


@contextmanager
def opened(given: "Namespace", *, creates: bool = False) -> "Generator[Opened]":
    """The store that the command line or the environment names. It is closed at the end.

    Args:
        given: The command line.
        creates: Whether a file of SQLite is created where there is none.

    Raises:
        ConfigurationError: Neither names one, or the file does not exist.
    """
    from mailer.stack import VARIABLE as OUTPUTS
    from mailer.stores.bundle import dynamodb_stores, sql_stores
    from mailer.wire.access import Access

    url = store_url(given)
    is_named = bool(named_stack(given) or os.environ.get(OUTPUTS, "").strip())
    outputs = outputs_of(given) if is_named or not url else None
    if url:
        _check_file(url, creates=creates)
        with sql_stores(url) as sql:
            yield Opened(sql.suppressions, sql, outputs)
        return
    assert outputs  # noqa: S101 - outputs_of raises where there are none
    stores = dynamodb_stores(outputs.table, outputs.region, Access(), log_days=0)
    try:
        yield Opened(stores.suppressions, None, outputs)
    finally:
        stores.close()


@contextmanager
def opened_sql(given: "Namespace", *, creates: bool = False) -> "Generator[SqlStores]":
    """The SQL store that the command line or the environment names. See `opened`."""
    from mailer.stores.bundle import sql_stores

    url = store_url(given)
    if not url:
        hint = f"Give --store postgresql://… or sqlite:///…, or set {VARIABLE}."
        raise ConfigurationError("This command needs a SQL store.", hint=hint)
    _check_file(url, creates=creates)
    with sql_stores(url) as sql:
        yield sql


def _check_file(url: str, *, creates: bool) -> None:
    """Refuse a file of SQLite that does not exist: a misspelt name would be an empty list that looks like an answer."""
    from mailer.stores.sql.url import Location

    location = Location.parse(url)
    name = location.url.database or ""
    is_file = location.is_sqlite and name not in {"", ":memory:"} and not name.startswith("file:")
    if is_file and not creates and not Path(name).exists():
        hint = f"Check --store and {VARIABLE}. The application, or `mailer store migrate`, creates it."
        raise ConfigurationError(f"There is no SQLite database {name}.", hint=hint)


def actor_of(given: "Namespace") -> str:
    """Who runs the command: `--actor`, else the user and the machine."""
    if given.actor:
        return str(given.actor)
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        user = f"uid {os.getuid()}"
    return f"{user} on {socket.gethostname()}"


def store_url(given: "Namespace") -> str:
    """The URL of the SQL store that the command line or the environment names; empty where neither does."""
    return str(given.store or os.environ.get(VARIABLE, "")).strip()
