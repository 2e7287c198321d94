"""`mailer doctor`: check everything that mail depends on, and say how to fix what is wrong."""

import os
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from mailer.cli.dns_check import server
from mailer.cli.output import as_json, line, table
from mailer.cli.stack import add_stack_option, outputs_of
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator

    from mailer.dnscheck.lookup import Lookup
    from mailer.doctor.check import Result
    from mailer.doctor.rules import Rules
    from mailer.doctor.site import Site
    from mailer.doctor.smtp_account import Account
    from mailer.stack import StackOutputs

HELP = "check everything that mail depends on, and say how to fix what is wrong"
EXAMPLES = """\
examples:
  mailer doctor --stack prod
  mailer doctor --stack prod --only dkim --only dmarc-record
  mailer doctor --stack prod --json > health.json
  mailer doctor --stack prod --live
  mailer doctor --stack prod --smtp smtp.office365.com --smtp-user shop@example.com
  mailer doctor --list

The verdict of a check is ok, warning, failed, unknown (AWS or the DNS did not answer) or skipped (it does not apply, or
depends on a check that failed). It reads only, and ends within ten seconds or so. --live also sends mails to SES's
mailbox simulator, waits up to a minute for the events of each, and removes the suppressions.

exit status: 0 nothing failed, 1 a check failed, 2 wrong usage or configuration
"""
FAILED = 1
# The environment variable with the password of --smtp-user.
PASSWORD = "MAILER_SMTP_PASSWORD"  # noqa: S105 - a name
_SUBMISSION = 587


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    add_stack_option(command)
    add_check_options(command)


def add_check_options(command: "ArgumentParser") -> None:
    """Add the options that choose checks and say how they are printed."""
    command.add_argument("--only", metavar="CHECK", action="append", default=[], type=_known, help="this check; repeat")
    command.add_argument("--list", action="store_true", help="list the checks, and look at nothing")
    command.add_argument("--json", action="store_true", help="as JSON")
    words = "also send mails to SES's mailbox simulator, and wait for their events"
    command.add_argument("--live", action="store_true", help=words)
    words = "the name server to ask, instead of the zone's own"
    command.add_argument("--resolver", metavar="HOST[:PORT]", type=server, help=words)
    words = "an SMTP server to look at, instead of the stack's SMTP user; port 587 by default"
    command.add_argument("--smtp", metavar="HOST[:PORT]", type=_smtp_server, help=words)
    words = f"the user to log in as there; the password is in {PASSWORD}"
    command.add_argument("--smtp-user", metavar="NAME", default="", help=words)


def run(given: "Namespace") -> int:
    """Look, print, and fail if a check failed."""
    return look(given, lambda: outputs_of(given))


def look(given: "Namespace", outputs: "Callable[[], StackOutputs]") -> int:
    """Look at a stack, print, and return the exit status.

    Args:
        given: The options of `add_check_options`.
        outputs: The outputs of the stack; not asked for where only a list is wanted.
    """
    from mailer.doctor.check import Verdict
    from mailer.doctor.checks import CHECKS
    from mailer.doctor.rules import judged
    from mailer.doctor.run import examine
    from mailer.doctor.site import Site

    if given.list:
        table((check.name, check.means, check.page) for check in CHECKS)
        return 0
    chosen = [check for check in CHECKS if not given.only or check.name in given.only]
    site = Site(outputs(), lookup_of(given.resolver), os.environ, smtp=_account(given))
    results = [*examine(site, chosen), *(_live(site) if given.live else ())]
    rules = None if given.only else judged(results)
    if given.json:
        _as_json(results, rules)
    else:
        _show(results, rules)
    return FAILED if any(result.verdict is Verdict.FAILED for result in results) else 0


def _live(site: "Site") -> "list[Result]":
    """Mail is sent for this check alone, after the others, so it has no part in their time limit."""
    from mailer.cli.drill.live import LIVE
    from mailer.doctor.run import result_of

    return [result_of(LIVE, site)]


def _smtp_server(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    number = int(port) if port.isascii() and port.isdigit() else _SUBMISSION if not port else 0
    if not host or not 0 < number < 65_536:  # noqa: PLR2004 - TCP's ports
        raise ArgumentTypeError(f"{text!r} is not HOST or HOST:PORT")
    return host, number


def _account(given: "Namespace") -> "Account | None":
    """The SMTP account that the caller names.

    Raises:
        ConfigurationError: A user without a server or without a password.
    """
    if not given.smtp:
        if given.smtp_user:
            raise ConfigurationError("--smtp-user needs --smtp.", hint="Name the server: --smtp smtp.office365.com")
        return None
    password = os.environ.get(PASSWORD, "")
    if given.smtp_user and not password:
        raise ConfigurationError(
            f"--smtp-user needs a password in {PASSWORD}.", hint=f"read -rs {PASSWORD}; export it."
        )
    from mailer.doctor.smtp import is_microsoft
    from mailer.doctor.smtp_account import Account

    host, port = given.smtp
    return Account(host, port, given.smtp_user, password, is_microsoft(host))


def lookup_of(resolver: "tuple[str, int] | None" = None) -> "Lookup | None":
    """What answers DNS questions: a name server, else the zone's own; None without dnspython."""
    try:
        from mailer.dnscheck.lookup import ask_owners, ask_server
    except ConfigurationError:
        if resolver:
            raise
        return None
    return ask_server(*resolver) if resolver else ask_owners()


def _known(name: str) -> str:
    from mailer.doctor.checks import CHECKS

    if name not in {check.name for check in CHECKS}:
        raise ArgumentTypeError(f"there is no check {name!r}; `mailer doctor --list` shows all")
    return name


def _show(results: "list[Result]", rules: "Rules | None") -> None:
    table((result.verdict, result.check.name, _first(result)) for result in results)
    for result in results:
        if result.problems:
            line(f"\n{result.verdict}: {result.check.name}. {result.check.means}")
            for found, fix in _pairs(result):
                line(f"  found  {found}")
                line(f"  fix    {fix}")
            line(f"  read   {result.check.page}")
    line()
    if rules is not None:
        line(_sentence(rules))
    line(_summary(results))


def _pairs(result: "Result") -> "Iterator[tuple[str, str]]":
    """Findings with the same remedy together."""
    for remedy in dict.fromkeys(problem.remedy for problem in result.problems):
        yield "\n         ".join(one.found for one in result.problems if one.remedy == remedy), remedy


def _first(result: "Result") -> str:
    more = f" (and {len(result.problems) - 1} more)" if len(result.problems) > 1 else ""
    return f"{result.problems[0].found}{more}" if result.problems else result.why


def _sentence(rules: "Rules") -> str:
    from mailer.doctor.rules import PROVIDERS

    said = {True: "are met", False: "are not met", None: "could not be judged"}[rules.met]
    return f"The sender rules of {PROVIDERS} {said}{': ' if rules.open else ''}{', '.join(rules.open)}."


def _summary(results: "list[Result]") -> str:
    from mailer.doctor.check import Verdict

    counts = ((sum(result.verdict is verdict for result in results), verdict) for verdict in Verdict)
    return f"{len(results)} checks: {', '.join(f'{count} {verdict}' for count, verdict in counts if count)}."


def _as_json(results: "list[Result]", rules: "Rules | None") -> None:
    checks = [
        {
            "check": result.check.name,
            "verdict": result.verdict,
            "means": result.check.means,
            "read": result.check.page,
            "why": result.why,
            "problems": [
                {"found": each.found, "fix": each.remedy, "warning": each.warning} for each in result.problems
            ],
        }
        for result in results
    ]
    whole = None if rules is None else {"met": rules.met, "open": list(rules.open)}
    as_json({"checks": checks, "sender_rules": whole})
