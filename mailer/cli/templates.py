"""`mailer templates`: list them with their fields, and compile MJML."""

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mailer.cli import templates_import, templates_locale, templates_score
from mailer.cli.output import as_json, line, table
from mailer.errors import TemplateError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


HELP = "list the templates and their fields, compile MJML, import, translate, or score a template"
EXAMPLES = """\
examples:
  mailer templates
  mailer templates compile shop/mails
  mailer templates compile shop/mails --check
  mailer templates compile shop/mails --text
  mailer templates score shop.mails:OrderShipped --data order.json
  mailer templates import sendgrid.json --into shop/mails
  mailer templates locale add fr shop/mails
  mailer templates locale check shop/mails
"""


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("--json", action="store_true", help="the list as JSON, each with its JSON schema")
    actions = command.add_subparsers(metavar="compile|import|locale|score")
    compiling = actions.add_parser(
        "compile",
        help="compile a folder's .mjml to .html, and its locales/*.po to .mo",
        description="Compile a folder's .mjml to the .html beside it, and locales/*.po to .mo. "
        "Needs mrml, of the extra `mjml`, and Babel, of the extra `locales`.",
    )
    compiling.add_argument("folder", nargs="?", type=Path, default=Path(), help="the current one when left out")
    compiling.add_argument("--check", action="store_true", help="write nothing; exit 1 if any is not up to date")
    compiling.add_argument("--text", action="store_true", help="also derive the .txt of each template that has none")
    compiling.set_defaults(run=compile_)
    templates_score.configure(
        actions.add_parser(
            "score",
            help=templates_score.HELP,
            description=f"{templates_score.HELP[0].upper()}{templates_score.HELP[1:]}.",
            epilog=templates_score.EPILOG,
            formatter_class=RawDescriptionHelpFormatter,
        )
    )
    templates_import.configure(
        actions.add_parser(
            "import",
            help=templates_import.HELP,
            description=f"{templates_import.HELP[0].upper()}{templates_import.HELP[1:]}.",
            epilog=templates_import.EPILOG,
            formatter_class=RawDescriptionHelpFormatter,
        )
    )
    templates_locale.configure(
        actions.add_parser(
            "locale",
            help=templates_locale.HELP,
            description=templates_locale.DESCRIPTION,
            epilog=templates_locale.EXAMPLES,
            formatter_class=RawDescriptionHelpFormatter,
        )
    )


def run(given: "Namespace") -> int:
    """Print the catalog's templates."""
    from mailer.catalog import TEMPLATES

    if given.json:
        as_json({kind.template_name(): kind.model_json_schema() for kind in TEMPLATES})
        return 0
    for kind in TEMPLATES:
        line(f"{kind.template_name()}: {(kind.__doc__ or '').strip().splitlines()[0]}")
        table((f"  {name}", _presence(field.is_required(), field.default)) for name, field in kind.model_fields.items())
        line()
    line("A template of your own is named module:Class, for example shop.mails:OrderShipped.")
    return 0


def compile_(given: "Namespace") -> int:
    """Compile a folder and say what changed."""
    from mailer.templates.mjml import compile_folder
    from mailer.templates.translating import compile_catalogues

    folder = cast("Path", given.folder)
    if not folder.is_dir():
        raise TemplateError(f"{folder} is not a folder.")
    check = bool(given.check)
    stale = [
        *compile_folder(folder, check=check, text=bool(given.text)),
        *compile_catalogues(folder, check=check),
    ]
    for path in stale:
        line(f"{'not up to date' if given.check else 'compiled'}: {path}")
    if not stale:
        line("everything is up to date")
    return 1 if stale and given.check else 0


def _presence(required: bool, default: object) -> str:
    if required:
        return "required"
    return f"default {default}" if default not in {"", None} else "optional"
