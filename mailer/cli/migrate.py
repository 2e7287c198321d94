"""`mailer migrate`: what the mail settings of a project become, the new settings, and the check-list of the move."""

import re
from argparse import ArgumentTypeError
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.cli.dns_check import server
from mailer.cli.output import as_json, line
from mailer.cli.places import add_store_options
from mailer.cli.stack import named_stack
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable

    from mailer.migrate.application import Choice
    from mailer.migrate.plan import Plan, Row
    from mailer.migrate.sources import Sources
    from mailer.migrate.writing import Change

HELP = "move a project from SMTP, django-ses, anymail or SES keys: its settings, and a check-list"
EXAMPLES = """\
examples:
  mailer migrate                                    # what each setting becomes; changes nothing
  mailer migrate .env shop.settings --stack prod    # of these files and modules
  mailer migrate --stack prod --write               # write the new settings; the old ones stay
  mailer migrate --stack prod --write --share 0.1   # a tenth of the recipients through SES first
  mailer migrate --stack prod --check               # the check-list of the move, each step ticked by looking

Without names it reads .env and the settings that manage.py names, or config.py. It runs none of these files, and shows
no login, password or key. The new settings keep the SMTP server as the fallback: SES first, the old server where SES
surely did not accept a message. --write copies each file that it changes into .mailstack-backup/ first.

exit status: 0 success, or every step is done; 1 steps are left (--check); 2 wrong usage, or a file that cannot be
changed without a loss
"""
_TITLES = {
    "stack": "Settings of the stack",
    "application": "Settings of the application",
    "fallback": "Kept for the fallback",
    "unchanged": "Unchanged",
    "not needed": "Not needed any more",
    "decide": "For you to decide",
}
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")
_TEMPLATE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
_DEFAULT_STACK = "prod"


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument(
        "files", metavar="FILE", nargs="*", help="a .env file, a settings file, or a module by its name"
    )
    add_store_options(command)
    command.add_argument("--write", action="store_true", help="write the new settings; without it, they are shown")
    command.add_argument("--share", metavar="SHARE", default="1", type=_share, help="0 to 1, through SES; default: 1")
    words = "mail of this template goes through SES, whatever the share; repeat"
    command.add_argument("--template", metavar="NAME", action="append", default=[], type=_template, help=words)
    command.add_argument("--check", action="store_true", help="look at every step of the move, and tick it")
    words = "the list of the old provider: --check looks whether it is imported; repeat"
    command.add_argument("--suppressions", metavar="FILE", action="append", default=[], help=words)
    words = "the name server to ask, instead of the zone's own"
    command.add_argument("--resolver", metavar="HOST[:PORT]", type=server, help=words)
    command.add_argument("--json", action="store_true", help="as JSON")


def run(given: "Namespace") -> int:
    """Read, plan, and show, write or check."""
    if given.check:
        from mailer.cli.migrate_check import check

        return check(given, _DEFAULT_STACK)
    from mailer.migrate.plan import plan_of
    from mailer.migrate.sources import read_sources
    from mailer.migrate.writing import changes_of, write

    folder = Path.cwd()
    sources = read_sources(given.files, folder)
    if given.write and sources.problems:
        raise ConfigurationError(f"{sources.problems[0]} Nothing was written.", hint="Correct the file first.")
    plan, choice = plan_of(sources), _choice(given)
    changes = changes_of(plan, sources, choice, folder) if plan.old.found else []
    copies = write(changes, folder) if given.write else []
    if given.json:
        as_json(_json(plan, changes, written=given.write))
    else:
        _show(plan, sources, folder)
        _show_changes(changes, copies, folder, written=given.write)
    return 0


def _choice(given: "Namespace") -> "Choice":
    from mailer.migrate.application import Choice

    stack = named_stack(given) or _DEFAULT_STACK
    if not _NAME.match(stack):
        raise ConfigurationError(f"{stack!r} is no name of a stack.", hint="Use letters, digits, dots and hyphens.")
    return Choice(stack, given.share, tuple(given.template))


def _share(text: str) -> str:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return f"{share:g}"


def _template(text: str) -> str:
    if not _TEMPLATE.match(text):
        raise ArgumentTypeError(f"{text!r} is no name of a template, such as welcome")
    return text


def _show(plan: "Plan", sources: "Sources", folder: Path) -> None:
    read = ", ".join(_place(str(path), folder) for path in (*sources.env_files, *sources.python_files))
    line(f"Read: {read}")
    line(f"Today: {plan.old.system or 'no mail that is known'}{_server(plan)}")
    if plan.old.found:
        words = (
            f"no fallback. {plan.no_fallback}" if plan.no_fallback else "Amazon SES; the old server is the fallback."
        )
        line(f"Then: {'Amazon SES, ' if plan.no_fallback else ''}{words}")
    for home, rows in groupby(sorted(plan.rows, key=lambda row: list(_TITLES).index(row.home)), lambda row: row.home):
        line(f"\n{_TITLES[home]}")
        _show_rows(rows, folder)
    for note in plan.notes:
        line(f"\nNote: {note}")


def _server(plan: "Plan") -> str:
    server = plan.old.server
    if server is None:
        return ""
    login = ", with a login" if server.has_login else ""
    return f", {server.host or 'server known to the program'}{f':{server.port}' if server.port else ''}{login}"


def _show_rows(rows: "Iterable[Row]", folder: Path) -> None:
    for row in rows:
        line(f"  {row.name}  {row.value}  ({_place(row.place, folder)})")
        line(f"      {'. '.join(filter(None, (row.becomes, row.why)))}")


def _show_changes(changes: "list[Change]", copies: list[Path], folder: Path, *, written: bool) -> None:
    for one in changes:
        verb = "Written" if written else "To write"
        line(f"\n{verb}: {_place(str(one.path), folder)}")
        for text in one.added.splitlines():
            line(f"  {text}".rstrip())
    if copies:
        line("\nCopies of before, with their secrets:")
        for copy in copies:
            line(f"  {_place(str(copy), folder)}")
    if changes and not written:
        line("\nNothing was changed. `mailer migrate --write` writes these files.")
    line("\nThe check-list of the move: mailer migrate --check")


def _place(path: str, folder: Path) -> str:
    return path.removeprefix(f"{folder}/")


def _json(plan: "Plan", changes: "list[Change]", *, written: bool) -> dict[str, object]:
    server = plan.old.server
    return {
        "system": plan.old.system,
        "server": {"host": server.host, "port": server.port, "security": server.security} if server else None,
        "no_fallback": plan.no_fallback,
        "settings": [row._asdict() for row in plan.rows],
        "stack": {one.key: one.value for one in plan.stack},
        "notes": list(plan.notes),
        "files": [{"path": str(one.path), "exists": one.before is not None, "adds": one.added} for one in changes],
        "written": written,
    }
