"""`mailer suppressions list`, `check` and `history`: what is on the list, and how it got there."""

from typing import TYPE_CHECKING, cast

from mailer.address import address_key
from mailer.cli.output import as_json, line, table
from mailer.cli.places import add_store_options, opened, opened_sql
from mailer.stores.base import REASONS, scopes_of
from mailer.stores.transfer.writing import cells

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable

    from mailer.stores.base import Suppression

SUPPRESSED = 1
LIMIT = 1000


def configure(add: "Callable[[str, str], ArgumentParser]") -> None:
    """Add the subcommands."""
    command = add("list", "list suppressed addresses")
    add_store_options(command)
    command.add_argument("--reason", choices=REASONS, help="only those with this reason")
    command.add_argument("--scope", help="only those of stream:NAME or tenant:NAME; '' for all mail")
    command.add_argument("--limit", type=int, default=LIMIT, metavar="N", help="at most so many (default: %(default)s)")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(act=_list)

    command = add("check", "say whether mail may be sent to addresses; exit status 1: not to all")
    command.add_argument("addresses", nargs="+", metavar="ADDRESS")
    add_store_options(command)
    command.add_argument("--stream", default="", metavar="NAME", help="include suppressions of this stream")
    command.add_argument("--tenant", default="", metavar="NAME", help="include suppressions of this tenant")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(act=_check)

    command = add("history", "show what was done to an address's suppressions (SQL stores)")
    command.add_argument("address", metavar="ADDRESS")
    add_store_options(command)
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(act=_history)


def _list(given: "Namespace") -> int:
    with opened(given) as store:
        found: list[Suppression] = []
        for row in store.suppressions.iterate(limit=_EVERYTHING):
            if given.reason in (None, row.reason) and given.scope in (None, row.scope):
                found.append(row)
            if len(found) > given.limit:
                break
    _show(found[: given.limit], json=given.json)
    if not given.json:
        more = " There are more: raise --limit, or use `export`." if len(found) > given.limit else ""
        line(f"\n{min(len(found), given.limit)} suppressed.{more}" if found else "Nobody is suppressed.")
    return 0


# Rows of a store that are looked at.
_EVERYTHING = 100_000_000


def _check(given: "Namespace") -> int:
    addresses = cast("list[str]", given.addresses)
    with opened(given) as store:
        found = store.suppressions.get_many(addresses, scopes_of(given.stream, given.tenant))
    if given.json:
        as_json({key: cells(found[key]) if key in found else None for key in map(address_key, addresses)})
    else:
        table((key, _in_words(found.get(key))) for key in map(address_key, addresses))
    return SUPPRESSED if found else 0


def _history(given: "Namespace") -> int:
    with opened_sql(given) as stores:
        changes = stores.suppressions.history(given.address)
    names = ("at", "action", "reason", "scope", "actor", "detail", "message_id", "feedback_id")
    rows = [{name: str(getattr(change, name)) for name in names} for change in changes]
    if given.json:
        as_json(rows)
    elif rows:
        table([names[:6], *([row[name] for name in names[:6]] for row in rows)])
    else:
        line("There is no history of this address.")
    return 0


def _show(rows: "Iterable[Suppression]", *, json: bool) -> None:
    if json:
        as_json([cells(row) for row in rows])
        return
    table(
        (row.address, row.reason, row.scope or "all mail", f"{row.created_at:%Y-%m-%d}", _until(row), row.detail)
        for row in rows
    )


def _in_words(row: "Suppression | None") -> str:
    if row is None:
        return "not suppressed"
    detail = f" ({row.detail})" if row.detail else ""
    return (
        f"suppressed for {row.scope or 'all mail'} since {row.created_at:%Y-%m-%d}{_until(row)}: {row.reason}{detail}"
    )


def _until(row: "Suppression") -> str:
    return f" until {row.expires_at:%Y-%m-%d}" if row.expires_at else ""
