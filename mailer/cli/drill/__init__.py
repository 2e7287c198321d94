"""Internal: `mailer drill`, which runs the real thing against a deployed stack, times each step, and cleans up."""

import os
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from mailer.cli.drill.course import Course
from mailer.cli.drill.task import Task
from mailer.cli.output import as_json, complain, flush, is_confirmed, line
from mailer.cli.places import actor_of
from mailer.cli.stack import add_stack_option, outputs_of
from mailer.errors import CommandFailed, ConfigurationError, MailerError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from mailer.cli.drill.course import Step

HELP = "run a drill against a deployed stack: bounce, complaint, alarm, guard, dlq or restore"
EXAMPLES = """\
examples:
  mailer drill bounce --stack prod
  mailer drill complaint --stack prod --stream news --json
  mailer drill alarm --stack prod
  mailer drill guard --stack prod --stream news
  mailer drill dlq --stack prod --redrive
  mailer drill restore --stack prod --wait 14400

A drill does the real thing, reports how long each step took, and removes what it created. It says what it costs, and
asks before it pages people, pauses a stream or restores a table. Tell those who are on call before you begin.

exit status: 0 every step succeeded, 1 a step failed or nothing was confirmed, 2 wrong usage or configuration
"""
NOT_PASSED = 1
_MOST_SECONDS, _MOST_ROWS = 86_400, 100_000
_WIDTH = 52
_HINT = "docs/guides/operations.md, 'Drills', lists what the caller's role needs."


@dataclass(frozen=True)
class Drill:
    """What a drill is.

    Attributes:
        does: In one sentence.
        costs: What AWS charges.
        asks: What it changes, if a person must agree first.
        wait: Seconds that one step waits at most, by default.
    """

    does: str
    costs: str
    asks: str = ""
    wait: int = 120


_MAIL = "one mail (0.0001 USD)"
DRILLS = {
    "bounce": Drill("A mail to the mailbox simulator bounces, and its address is suppressed.", _MAIL),
    "complaint": Drill("A mail to the mailbox simulator is reported, and its address is suppressed.", _MAIL),
    "alarm": Drill(
        "An alarm goes off, its page arrives, and so does its recovery.",
        "a few requests (less than 0.01 USD)",
        "People are paged as if the alarm were real.",
    ),
    "guard": Drill(
        "A critical alarm makes the guard pause a stream; the drill resumes it.",
        "a few requests (less than 0.01 USD)",
        "SES refuses the mail of the stream for some seconds, and people are paged.",
        300,
    ),
    "dlq": Drill(
        "An unreadable record reaches the dead-letter queue, and is deleted there.",
        "some thousand requests (less than 0.01 USD)",
        "The alarm of the dead-letter queue goes off.",
        3600,
    ),
    "restore": Drill(
        "The table is restored under another name, compared with the table, and the copy is deleted.",
        "0.15 USD for each gigabyte (us-east-1), and the reads of two tables",
        "The copy is charged for, and holds personal data, until it is deleted.",
        7200,
    ),
}


def configure(command: "ArgumentParser") -> None:
    """Give the command its drills."""
    drills = command.add_subparsers(title="drills", metavar="DRILL", required=True)
    for name, drill in DRILLS.items():
        part = drills.add_parser(name, help=drill.does.rstrip(".").lower(), description=drill.does)
        part.set_defaults(drill=name, stream="", alarm="", redrive=False, rows=0)
        add_stack_option(part)
        _own_options(part, name)
        words = f"a step waits for so long at most. Default: {drill.wait}"
        part.add_argument("--wait", metavar="SECONDS", type=_number(_MOST_SECONDS), default=drill.wait, help=words)
        part.add_argument("--actor", default="", metavar="NAME", help="who; default: the user and the machine")
        part.add_argument("--yes", action="store_true", help="do not ask")
        part.add_argument("--json", action="store_true", help="as JSON" + ("; with --yes" if drill.asks else ""))
        part.epilog, part.formatter_class = EXAMPLES, RawDescriptionHelpFormatter


def _own_options(part: "ArgumentParser", name: str) -> None:
    if name in {"bounce", "complaint", "guard"}:
        part.add_argument("--stream", metavar="NAME", help="the stack's default stream when left out")
    elif name == "alarm":
        part.add_argument("--alarm", metavar="NAME", help="without the stack's prefix; default: one that pages")
    elif name == "dlq":
        words = "also move it back to its queue, and wait for it to fail again; only if there are no other dead letters"
        part.add_argument("--redrive", action="store_true", help=words)
    elif name == "restore":
        words = "rows that are compared. Default: 1000"
        part.add_argument("--rows", metavar="NUMBER", type=_number(_MOST_ROWS), default=1000, help=words)


def _number(most: int) -> "Callable[[str], int]":
    def number(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to {most}")
        return int(text)

    return number


def run(given: "Namespace") -> int:
    """Say what it does and costs, ask, run it, report."""
    from mailer.cli.streams import configuration_set
    from mailer.doctor.site import Site

    drill = DRILLS[given.drill]
    outputs = outputs_of(given)
    stream = given.stream or outputs.default_stream
    configuration_set(outputs, stream)  # an unknown stream is an error before anything happens
    if not given.json:
        line(f"{drill.does}\nCosts: {drill.costs}.")
    if drill.asks and not (given.yes or is_confirmed(f"{drill.asks} Begin?", "begin")):
        line("Nothing was changed.")
        return NOT_PASSED
    course = Course(given.wait, on_step=(lambda _: None) if given.json else _say)
    site, mark, actor = Site(outputs, None, os.environ), uuid4().hex[:12], actor_of(given)
    task = Task(site, course, mark, actor, stream, given.alarm, given.redrive, given.rows)
    error = _error_of(given.drill, task)
    if given.json:
        as_json(_document(given.drill, task, error))
    elif course.passed and error is None:
        line(f"\nThe drill took {sum(step.seconds for step in course.steps):.1f} s.")
    if error:
        complain(error)
    return 0 if course.passed and error is None else NOT_PASSED


def _error_of(name: str, task: Task) -> "MailerError | None":
    """Run the drill; why it failed."""
    from botocore.exceptions import BotoCoreError, ClientError

    from mailer.cli.drill.runs import RUNS

    try:
        RUNS[name](task)
    except ConfigurationError:
        raise
    except MailerError as error:
        return error
    except (BotoCoreError, ClientError) as error:
        return CommandFailed(f"AWS refused: {error}", hint=_HINT)
    return None


def _say(step: "Step") -> None:
    """A step as soon as it has ended: some take minutes."""
    mark = " " if step.ok else "!"
    line(f"{mark} {step.what:<{_WIDTH}}{step.seconds:9.1f} s  {step.found}".rstrip())
    flush()


def _document(name: str, task: Task, error: "MailerError | None") -> dict[str, object]:
    steps = task.course.steps
    return {
        "drill": name,
        "id": task.mark,
        "stack": task.site.outputs.stack,
        "passed": task.course.passed and error is None,
        "seconds": round(sum(step.seconds for step in steps), 3),
        "steps": [
            {"step": each.what, "seconds": round(each.seconds, 3), "ok": each.ok, "found": each.found} for each in steps
        ],
    }
