"""`mailer dlq show | redrive`: what the functions of a stack could not process, and its way back."""

import os
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING

from mailer.cli.output import as_json, is_confirmed, line, table
from mailer.cli.stack import add_stack_option, outputs_of
from mailer.cli.streams import translated
from mailer.errors import CommandFailed

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from mailer.cli.dead_letters import DeadLetter
    from mailer.doctor.site import Site

HELP = "show and redrive feedback events and notices that could not be processed"
EXAMPLES = """\
examples:
  mailer dlq show --stack prod
  mailer dlq show --stack prod --limit 100 --json
  mailer dlq redrive --stack prod
  mailer dlq show --stack prod --worker sending-guard

An event is in the dead-letter queue because the feedback function failed on it five times, or because SNS could not
deliver it. It is kept there for 14 days. Read the reasons, remove the cause, then redrive: events come back if the
cause remains. Processing an event twice does no harm.

exit status: 0 success, 1 events were left (redrive), 2 wrong usage or configuration, or AWS refused
"""
NOT_MOVED = 1
FEEDBACK = "feedback"
# The functions that work through a queue: `mailstack_infra.inventory`. Their names end the names of the queues.
WORKERS = (FEEDBACK, "sending-guard", "account-monitor")
_MOST = 1000
_REST = {"PARTIAL": " The others are still in the dead-letter queue.", "RUNNING": " SQS goes on."}
_HINT = "docs/guides/operations.md, 'Dead letters', lists what the caller's role needs."


def configure(command: "ArgumentParser") -> None:
    """Give the command its two parts."""
    parts = command.add_subparsers(title="commands", metavar="COMMAND", required=True)
    show = parts.add_parser("show", help="show messages with their reasons, addresses masked; nothing is changed")
    show.add_argument("--limit", type=_limit, default=10, metavar="NUMBER", help=f"at most so many, to {_MOST}")
    show.add_argument("--json", action="store_true", help="as JSON")
    show.set_defaults(dlq=_show)
    redrive = parts.add_parser("redrive", help="move all messages back to their queue, to be processed again")
    redrive.add_argument("--yes", action="store_true", help="do not ask")
    redrive.add_argument("--json", action="store_true", help="as JSON; with --yes")
    words = "follow SQS's task for so long; it goes on by itself. Default: 60"
    redrive.add_argument("--wait", type=_seconds, default=60.0, metavar="SECONDS", help=words)
    redrive.set_defaults(dlq=_redrive)
    for part in (show, redrive):
        add_stack_option(part)
        part.add_argument(
            "--worker", choices=WORKERS, default=FEEDBACK, help="the function whose queue it is. Default: feedback"
        )
        part.epilog, part.formatter_class = EXAMPLES, RawDescriptionHelpFormatter


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST}")
    return int(text)


def _seconds(text: str) -> float:
    if not text.isdecimal() or int(text) > 3600:  # noqa: PLR2004 - an hour
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")
    return float(text)


def run(given: "Namespace") -> int:
    """Run the part that was named."""
    from mailer.doctor.site import Site

    site = Site(outputs_of(given), None, os.environ)
    with translated("", CommandFailed, _HINT):
        return int(given.dlq(site, given))


def _show(site: "Site", given: "Namespace") -> int:
    from mailer.cli.dead_letters import read, reasons, received, sent_at

    dead, worker = f"{given.worker}-dlq", given.worker
    with received(site.client("sqs"), _url(site, dead), given.limit) as messages:
        since = min(map(sent_at, messages), default=None)
        function = _named(site.outputs.feedback_function, FEEDBACK, worker)
        logged = reasons(site.client("logs"), function, since) if since else {}
        letters = read(messages, logged, of_events=worker == FEEDBACK)
    depth = _depth(site, worker)
    if given.json:
        as_json({"depth": depth, "messages": [_document(letter) for letter in letters]})
        return 0
    for letter in letters:
        who = f"{letter.kind or 'unreadable'}  {', '.join(letter.recipients)}"
        line(f"{letter.sent_at:%Y-%m-%d %H:%M:%S}  {who}".rstrip())
        subject = "  mail" if worker == FEEDBACK else "  about"
        table((("  message", letter.id), (subject, letter.message_id or "-"), ("  reason", letter.reason)))
    line(f"{len(letters)} shown; about {depth:,} in the dead-letter queue.")
    if letters:
        option = "" if worker == FEEDBACK else f" --worker {worker}"
        line(f"After the cause is removed: mailer dlq redrive --stack {site.outputs.stack}{option}")
    return 0


def _document(letter: "DeadLetter") -> dict[str, object]:
    return {
        "id": letter.id,
        "sent_at": letter.sent_at.isoformat(timespec="seconds"),
        "kind": letter.kind,
        "message_id": letter.message_id,
        "recipients": list(letter.recipients),
        "reason": letter.reason,
    }


def _redrive(site: "Site", given: "Namespace") -> int:
    from mailer.cli.redrive import PARTIAL, Queues, redrive
    from mailer.doctor.checks.feedback import queue_arn

    worker, depth = given.worker, _depth(site, given.worker)
    if depth and not given.json:
        line(f"About {depth:,} messages go back to the queue of {worker}. They come back if their cause remains.")
    if depth and not (given.yes or is_confirmed("Redrive?", "redrive")):
        line("Nothing was changed.")
        return NOT_MOVED
    url, dead = _url(site, worker), _url(site, f"{worker}-dlq")
    queues = Queues(url, queue_arn(site, url), dead, queue_arn(site, dead))
    moved = redrive(site.client("sqs"), queues, depth=depth, seconds=given.wait) if depth else None
    count, status = (moved.messages, moved.status) if moved else (0, "COMPLETED")
    if given.json:
        as_json({"depth": depth, "moved": count, "status": status})
    else:
        line(f"{count:,} messages were moved.{_REST.get(status, '')}")
    return NOT_MOVED if status == PARTIAL else 0


def _depth(site: "Site", worker: str) -> int:
    """About how many are there, including those that another reader has just received."""
    from mailer.doctor.state.feedback import depth_of

    return depth_of(site.again(), _url(site, f"{worker}-dlq"))


def _url(site: "Site", queue: str) -> str:
    """The URL of a queue of the stack, whose name ends so."""
    if queue.endswith("-dlq"):
        return _named(site.outputs.feedback_dlq_url, f"{FEEDBACK}-dlq", queue)
    return _named(site.outputs.feedback_queue_url, FEEDBACK, queue)


def _named(known: str, ends: str, other: str) -> str:
    """The name of a sibling: the queues and functions of a stack begin alike."""
    if other == ends:
        return known
    if not known.endswith(ends):
        raise CommandFailed(f"The stack's {known!r} does not end in {ends!r}.", hint="Redrive it with the AWS CLI.")
    return known.removesuffix(ends) + other
