"""`mailer trace`: what became of a message or of an address's mail, from the stack's message log."""

import re
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.address import Address, mask
from mailer.cli.output import as_json, line, table
from mailer.cli.places import add_store_options, opened_sql, store_url
from mailer.cli.stack import outputs_of
from mailer.cli.trace_view import Trace, heading, page, traced
from mailer.errors import ConfigurationError, InvalidAddress
from mailer.message_id import TEMPLATE_TAG, time_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Generator, Sequence

    from mailer.stores.messages import LogEntry, MessageLog

HELP = "show what became of a message, or of the mail to an address"
EXAMPLES = """\
examples:
  mailer trace ada@example.com --stack prod
  mailer trace ada@example.com --stack prod --days 30 --html trace.html
  mailer trace 0192f0c1a2b37c4d8e5f60718293a4b5 --stack prod
  mailer trace --tag order=1234 --stack prod
  mailer trace --template welcome --stack prod --json

An id is that of this library (SendResult.id, in the log line of each message), that of SES, or the Message-ID header.
"""
NOT_FOUND = 1
# The Message-ID that SES writes: its id at a domain of its own; see `mailer.transports.ses.message_id_header`. Not the
# addresses of the mailbox simulator.
_MESSAGE_ID_HEADER = re.compile(r"<?([A-Za-z0-9-]+)@(?!simulator\.)[a-z0-9.-]+\.amazonses\.com>?\Z")
_NOT_IN_A_TAG = re.compile(r"[^A-Za-z0-9_-]+")


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("what", nargs="?", metavar="ID|ADDRESS", help="a message's id, or an address")
    add_store_options(command)
    command.add_argument("--tag", metavar="NAME=VALUE", help="messages with this tag, instead of an id or an address")
    command.add_argument("--template", metavar="NAME", help="messages of this template, instead of an id or an address")
    command.add_argument("--days", type=int, default=7, metavar="N", help="how far to search back; 7 by default")
    command.add_argument("--limit", type=int, default=20, metavar="N", help="the newest messages only; 20 by default")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.add_argument("--html", metavar="FILE", help="write a page, too")
    command.add_argument("--show-addresses", action="store_true", help="do not mask addresses")


def run(given: "Namespace") -> int:
    """Search, and print what is found."""
    with _opened_log(given) as log:
        found = search(log, given, now=datetime.now(UTC))
    show(found, given)
    return 0 if any(trace.entries for trace in found) else NOT_FOUND


@contextmanager
def _opened_log(given: "Namespace") -> "Generator[MessageLog]":
    """The message log of the SQL store or the stack. It is closed at the end."""
    if store_url(given):
        with opened_sql(given) as stores:
            if stores.messages is None:
                hint = "Add log_days=30 to the store's URL, here and where mail is sent."
                raise ConfigurationError("The URL of the store turns no message log on.", hint=hint)
            yield stores.messages
        return
    outputs = outputs_of(given)
    if not outputs.message_log_days:
        raise ConfigurationError(
            f"The stack {outputs.stack!r} keeps no message log.",
            hint="Set mailstack:messageLog.days to the number of days to keep, such as 30, and run `pulumi up`.",
        )
    from mailer.stores.dynamodb.messages import DynamoDBMessageLog
    from mailer.stores.dynamodb.table import dynamodb_api

    log = DynamoDBMessageLog(outputs.table, dynamodb_api(outputs.region), days=outputs.message_log_days)
    with closing(log):
        yield log


def search(log: "MessageLog", given: "Namespace", *, now: datetime) -> list[Trace]:
    """The messages that the options ask for, newest first.

    Raises:
        ConfigurationError: The options name nothing, several things, or a tag without a value.
    """
    asked = [one for one in (given.what, given.tag, given.template) if one]
    if len(asked) != 1:
        raise ConfigurationError(
            "`mailer trace` needs one thing to search for.", hint="Give an id, an address, --tag or --template."
        )
    since, limit = now - timedelta(days=max(given.days, 0)), max(given.limit, 1)
    if given.template:
        name = _NOT_IN_A_TAG.sub("-", given.template)  # as `mailer.transports.ses` writes it
        found = log.of_tag(TEMPLATE_TAG, name, since=since, limit=limit)
    elif given.tag:
        name, separator, value = given.tag.partition("=")
        if not (name and separator and value):
            raise ConfigurationError(f"--tag is {given.tag!r}.", hint="Write --tag NAME=VALUE, such as order=1234.")
        found = log.of_tag(name, value, since=since, limit=limit)
    elif id_ := _message_id(given.what):
        entries = log.of_message(id_)
        return [_traced(log, entries, now, id_)] if entries or time_of(id_) else []
    else:
        found = log.of_recipient(_address(given.what), since=since, limit=limit)
    return [_traced(log, entries, now) for entries in found if entries]


def _message_id(text: str) -> str:
    """The id in the text; empty if it is an address."""
    if "@" not in text:
        return text.strip()
    header = _MESSAGE_ID_HEADER.match(text.strip())
    return header[1] if header else ""


def _address(text: str) -> str:
    try:
        return Address.parse(text).key
    except InvalidAddress as error:
        raise ConfigurationError(error.message, hint=error.hint) from None


def _traced(log: "MessageLog", entries: "Sequence[LogEntry]", now: datetime, id_: str = "") -> Trace:
    from mailer.errors import OutcomeExpired
    from mailer.sending.outcome import checked_time, outcome_of

    id_ = next((entry.id for entry in entries if entry.id), id_)
    if time_of(id_) is None:
        return Trace(entries, None)
    try:
        handed_over = checked_time(id_, now=now, days=log.days)
    except OutcomeExpired:
        return Trace(entries, None)
    return Trace(entries, outcome_of(id_, entries, handed_over=handed_over, now=now))


def show(found: "Sequence[Trace]", given: "Namespace") -> None:
    """Print the messages, and write the page if one is asked for.

    Raises:
        ConfigurationError: The page cannot be written.
    """
    shown = str if given.show_addresses else mask
    messages = [traced(trace, shown) for trace in found]
    searched = shown(given.what) if given.what else given.tag or f"the template {given.template}"
    if given.html:
        _write(given.html, page(messages, searched))
    if given.json:
        as_json(messages)
        return
    for message in messages:
        line(heading(message))
        table((f"  {row['at']}", row["recipient"], row["what"]) for row in message["timeline"])
        line()
    if not any(trace.entries for trace in found):
        line(f"The message log has nothing about {searched} in this time.")


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"--html names {file}, which cannot be written: {error.strerror}.",
            hint="Name a file in a folder that exists.",
        ) from error
