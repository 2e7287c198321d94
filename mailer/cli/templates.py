"""`mailer templates`: list them with their fields, and compile MJML. Also how a command line names and fills one."""

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mailer.cli.output import as_json, line, table
from mailer.errors import TemplateError, TemplateFieldsInvalid

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

    from mailer.templates.base import EmailTemplate

HELP = "list the templates and their fields, or compile MJML"
EXAMPLES = """\
examples:
  mailer templates
  mailer templates compile shop/mails
  mailer templates compile shop/mails --check
"""


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("--json", action="store_true", help="the list as JSON, each with its JSON schema")
    actions = command.add_subparsers(metavar="compile")
    compiling = actions.add_parser(
        "compile",
        help="compile a folder's .mjml to the .html beside it",
        description="Compile a folder's .mjml to the .html beside it. Needs mrml, of the extra `mjml`.",
    )
    compiling.add_argument("folder", nargs="?", type=Path, default=Path(), help="the current one when left out")
    compiling.add_argument("--check", action="store_true", help="write nothing; exit 1 if any is not up to date")
    compiling.set_defaults(run=compile_)


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

    folder = cast("Path", given.folder)
    if not folder.is_dir():
        raise TemplateError(f"{folder} is not a folder.")
    stale = compile_folder(folder, check=bool(given.check))
    for path in stale:
        line(f"{'not up to date' if given.check else 'compiled'}: {path}")
    if not stale:
        line("everything is up to date")
    return 1 if stale and given.check else 0


def find(name: str) -> "type[EmailTemplate]":
    """The template class that a command line names: `welcome`, or `shop.mails:OrderShipped`.

    Raises:
        TemplateError: There is none.
    """
    from mailer.catalog import TEMPLATES
    from mailer.templates.base import EmailTemplate

    by_name = {kind.template_name(): kind for kind in TEMPLATES}
    if name in by_name:
        return by_name[name]
    module, colon, attribute = name.partition(":")
    if not colon or not module or not attribute or module.startswith("."):
        raise TemplateError(
            f"There is no template {name!r}.",
            hint=f"The catalog has {', '.join(by_name)}; name one of your own as module:Class.",
        )
    kind = imported(name)
    if not (isinstance(kind, type) and issubclass(kind, EmailTemplate)):
        raise TemplateError(f"{name} is not a template.", hint="It must be a subclass of mailer.EmailTemplate.")
    return kind


def imported(name: str) -> object:
    """What a command line names as `module:attribute`.

    Raises:
        TemplateError: There is none.
    """
    module, _, attribute = name.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # modules beside which the command is run, as `python -m` finds them
    hint = "Run the command where `import` finds the module, or set PYTHONPATH."
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise TemplateError(f"{name} cannot be imported: {error}.", hint=hint) from error
    except Exception as error:
        words = f"The module {module} raises {type(error).__name__} when imported: {error}."
        raise TemplateError(words, hint="Fix the module.") from error


def _presence(required: bool, default: object) -> str:
    if required:
        return "required"
    return f"default {default}" if default not in {"", None} else "optional"


def fill(kind: "type[EmailTemplate]", values: "Mapping[str, object]") -> "EmailTemplate":
    """An object of the class with these values for its fields.

    Raises:
        TemplateFieldsInvalid: They do not fit; every problem is named.
    """
    try:
        return kind.model_validate(dict(values))
    except TemplateFieldsInvalid as error:
        hint = f"{error.hint} Give them as --set FIELD=VALUE or --data FILE.json."
        raise TemplateFieldsInvalid(error.message, hint=hint) from None
