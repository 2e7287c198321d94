"""`mailer templates import`: templates of SendGrid, Postmark, Mailgun, Mailchimp and Mandrill as classes with files."""

from pathlib import Path
from typing import TYPE_CHECKING

from mailer.cli.output import as_json, line
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from mailer.migrate.templates.exports import Imported

HELP = "import templates of SendGrid, Postmark, Mailgun, Mailchimp or Mandrill"
EPILOG = """\
examples:
  mailer templates import sendgrid.json --into shop/mails --dry-run
  mailer templates import postmark-templates/ --into shop/mails
  mailer templates import receipt.html welcome.html --into shop/mails --module imported.py

Handlebars, Mustachio and merge tags (*|NAME|*) become Jinja2, and variables become typed fields. What cannot be
translated is named with its line, and is a comment in the new template. It takes JSON of the provider's API, folders
that the Postmark CLI pulled, and HTML files with a .txt beside them.

exit status: 0 everything was translated, 1 something was not, 2 wrong usage, or a file exists
"""
NOT_TRANSLATED = 1


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("exports", metavar="EXPORT", nargs="+", type=Path, help="a JSON or HTML file, or a folder")
    command.add_argument("--into", metavar="FOLDER", type=Path, required=True, help="where module and files go")
    command.add_argument("--module", metavar="FILE", default="imported.py", help="the module; default: imported.py")
    command.add_argument("--dry-run", action="store_true", help="translate and report, write nothing")
    command.add_argument("--json", action="store_true", help="the report as JSON")
    command.set_defaults(run=run)


def run(given: "Namespace") -> int:
    """Read, translate, write, report."""
    from mailer.migrate.templates.exports import imported, module_text, read_exports

    taken: set[str] = set()
    found = [imported(one, taken) for path in given.exports for one in read_exports(path)]
    files = {given.module: module_text(found)} | {name: text for one in found for name, text in one.files.items()}
    if not given.dry_run:
        _write(given.into, files)
    if given.json:
        as_json([_value(one) for one in found])
    else:
        _show(found, given)
    return NOT_TRANSLATED if any(one.problems for one in found) else 0


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write all files, or none where one exists."""
    existing = sorted(name for name in files if (folder / name).exists())
    if existing:
        hint = "Name another folder with --into, or delete these files."
        raise ConfigurationError(f"{folder} has {', '.join(existing[:5])} already; nothing was written.", hint=hint)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_bytes(text.encode(errors="replace"))
    except OSError as error:
        words = f"{folder} cannot be written: {error.strerror}."
        raise ConfigurationError(words, hint="Name another folder with --into.") from error


def _show(found: "list[Imported]", given: "Namespace") -> None:
    for one in found:
        line(f"{one.name}: {one.class_name} ({', '.join(one.files)})")
        for part, problem in one.problems:
            line(f"  {part}, line {problem.line}: {problem.words}")
    count = sum(len(one.problems) for one in found)
    verb = "would be written" if given.dry_run else "were written"
    line(f"\n{len(found)} templates {verb} to {given.into}; {count} places are for you to look at.")


def _value(one: "Imported") -> dict[str, object]:
    problems = [{"part": part, "line": problem.line, "problem": problem.words} for part, problem in one.problems]
    return {"name": one.name, "class": one.class_name, "files": list(one.files), "problems": problems}
