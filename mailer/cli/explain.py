"""`mailer explain`: the cause and the remedy of an error's text, without asking anybody."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from mailer.cli.output import as_json, line, table
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from mailer.doctor.explain.explanation import Explanation

HELP = "explain the text of an error: cause, remedy, commands"
EXAMPLES = """\
examples:
  mailer explain "Email address is not verified. The following identities failed the check in region EU-WEST-1"
  mailer explain 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant
  mailer explain SendingPaused
  mailer explain - < bounce.txt

It knows the texts of Amazon SES, of SMTP servers, of Microsoft 365 and of the DNS, and the errors of this library. It
works offline, and keeps nothing.

exit status: 0 explained, 1 not known, 2 wrong usage
"""
NOT_KNOWN = 1


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("text", metavar="TEXT", nargs="+", help="the text, verbatim; - reads it from standard input")
    command.add_argument("--json", action="store_true", help="as JSON")


def run(given: "Namespace") -> int:
    """Find and print."""
    from mailer.doctor.explain.find import MAX_CHARACTERS, explain

    text = sys.stdin.read(MAX_CHARACTERS) if given.text == ["-"] else " ".join(given.text)
    if not text.strip():
        raise ConfigurationError(
            "There is no text to explain.", hint='mailer explain "TEXT", or: mailer explain - < FILE'
        )
    found = explain(text)
    if given.json:
        as_json([asdict(one) for one in found])
    elif not found:
        line("This text is not known. `mailer doctor` looks at everything that mail depends on.")
    else:
        for one in found:
            _show(one)
    return 0 if found else NOT_KNOWN


def _show(one: "Explanation") -> None:
    line(f"{one.source}{': ' if one.error else ''}{one.error}")
    runs = (("  run", each) for each in one.commands)
    table((("  cause", one.cause), ("  remedy", one.remedy), *runs, ("  read", one.page)))
