"""`mailer suppressions add` and `remove`: each change records who, when and why."""

import sys
import time
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from mailer.address import Address, mask
from mailer.cli.output import as_json, is_confirmed, line, table
from mailer.cli.places import actor_of, add_store_options, opened
from mailer.cli.stack import client
from mailer.errors import StoreError
from mailer.stores.base import REASONS, PutOutcome, Suppression, check_scope, utcnow

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator

    from mailer.cli.places import Opened
    from mailer.stack import StackOutputs

NOT_CHANGED = 1
# SES allows one call a second to operations other than sending:
# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
ACCOUNT_SECONDS = 1.0
_RISKS = {
    "bounce": "Their mailbox refused mail for good. Another bounce counts against the account's bounce rate.",
    "complaint": "They reported mail as spam. A second complaint weighs on the account: AWS reviews it at 0.1 %.",
    "unsubscribe": "They unsubscribed. In many countries the law forbids further mail without a new consent.",
    "manual": "A person suppressed them. Find out why first.",
}
_OUTCOMES = {
    PutOutcome.WRITTEN: "suppressed",
    PutOutcome.OUTRANKED: "has a stronger suppression already",
    PutOutcome.REMOVED_SINCE: "was removed from the list at this moment; try again",
}


def configure(add: "Callable[[str, str], ArgumentParser]") -> None:
    """Add the subcommands."""
    command = add("add", "suppress addresses")
    _add_common(command)
    command.add_argument("--reason", choices=REASONS, default="manual", help="default: %(default)s")
    command.add_argument(
        "--until", type=_moment, metavar="DATE", help="when it expires, as 2027-01-31; never when left out"
    )
    command.set_defaults(act=_add)

    command = add("remove", "remove addresses from the list, after a confirmation")
    _add_common(command)
    command.add_argument("--yes", action="store_true", help="do not ask")
    words = "leave them on SES's list of the account; default: deleted there too, one a second, where a stack is named"
    command.add_argument("--keep-account-list", action="store_true", help=words)
    command.set_defaults(act=_remove)


def _add_common(command: "ArgumentParser") -> None:
    command.add_argument("addresses", nargs="+", metavar="ADDRESS")
    add_store_options(command)
    command.add_argument("--why", required=True, metavar="TEXT", help="the reason; time and actor are recorded, too")
    command.add_argument("--actor", default="", metavar="NAME", help="who; default: the user and the machine")
    command.add_argument("--scope", type=scope_of, default="", help="stream:NAME or tenant:NAME; default: all mail")
    command.add_argument("--json", action="store_true", help="as JSON")


def _add(given: "Namespace") -> int:
    addresses, actor = _checked(given), actor_of(given)
    with opened(given, creates=True) as store:
        outcomes = {
            one: store.suppressions.put(
                Suppression(
                    one, given.reason, given.why, utcnow(), expires_at=given.until, scope=given.scope, actor=actor
                )
            )
            for one in addresses
        }
    if given.json:
        as_json({one: outcome.value for one, outcome in outcomes.items()})
    else:
        table((one, _OUTCOMES[outcome]) for one, outcome in outcomes.items())
    return 0 if all(outcomes.values()) else NOT_CHANGED


def _remove(given: "Namespace") -> int:
    addresses, actor = _checked(given), actor_of(given)
    with opened(given) as store:
        found = store.suppressions.get_many(addresses, [given.scope] if given.scope else [])
        _explain(addresses, found, given)
        if not (given.yes or is_confirmed("\nRemove?", "remove")):
            line("Nothing was changed.")
            return NOT_CHANGED
        removed = {
            one: store.suppressions.remove(one, scope=given.scope, actor=actor, why=given.why) for one in addresses
        }
        listed = dict(_delete_from_account(addresses, store, given))
    if given.json:
        as_json({one: {"removed": removed[one], "account_list": listed.get(one)} for one in addresses})
    else:
        table((one, "removed" if removed[one] else "was not suppressed", listed.get(one, "")) for one in addresses)
    return 0


def _explain(addresses: list[str], found: dict[str, Suppression], given: "Namespace") -> None:
    out = sys.stderr if given.json else sys.stdout
    for one in addresses:
        row = found.get(one.lower())
        if row:
            since = f"{row.reason} since {row.created_at:%Y-%m-%d}"
            out.write(f"{one}: {since}. {_RISKS[row.reason]}\n")
    out.write("Remove an address only if its owner asked for it, or the mailbox is known to work again.\n")


def _delete_from_account(addresses: list[str], store: "Opened", given: "Namespace") -> "Iterator[tuple[str, str]]":
    """Delete them from SES's list of the account, or SES would bounce the next mail at once.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_DeleteSuppressedDestination.html
    """
    if not store.outputs or given.keep_account_list or given.scope:
        return
    for number, one in enumerate(addresses):
        if number:
            time.sleep(ACCOUNT_SECONDS)
        yield one, _delete_one(one, store.outputs)


def _delete_one(address: str, outputs: "StackOutputs") -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client("sesv2", outputs.region).delete_suppressed_destination(EmailAddress=address)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NotFoundException":
            return "not on SES's list"
        return _refused(address, error)
    except BotoCoreError as error:
        return _refused(address, error)
    return "deleted from SES's list"


def _refused(address: str, error: Exception) -> str:
    hint = "Allow ses:DeleteSuppressedDestination, then run the command again; or add --keep-account-list."
    words = f"{mask(address)} was removed from the store, but not from SES's list of the account: {error}"
    raise StoreError(words, hint=hint) from error


def _checked(given: "Namespace") -> list[str]:
    return [Address.parse(text).key for text in dict.fromkeys(cast("list[str]", given.addresses))]


def scope_of(text: str) -> str:
    """A scope on the command line."""
    try:
        check_scope(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
    return text


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date such as 2027-01-31") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
