"""`mailer render`: write the parts of a mail to files, or print them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mailer.cli.data import brand_of, fields_of
from mailer.cli.locale_options import add_locale_options, localized
from mailer.cli.named_template import fill, find
from mailer.cli.output import as_json, line
from mailer.errors import TemplateError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

HELP = "write the parts of a mail to files"
EXAMPLES = """\
examples:
  mailer render welcome
  mailer render receipt --data receipt.json --brand brand.toml --locale es --out build
  mailer render shop.mails:OrderShipped --data order.json --json

Writes NAME.html, NAME.txt and NAME.json with the subject and the language. Without --data, the fields have the values
of the class attribute `sample`, or made-up ones. With --data, only the fields of the file are filled in.
"""


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("template", metavar="NAME", help="a name of the catalog, or module:Class")
    command.add_argument("--data", metavar="FILE", help="the fields as a JSON object; - for standard input")
    command.add_argument("--brand", metavar="BRAND", help="a TOML or JSON file, or module:NAME")
    add_locale_options(command)
    command.add_argument("--out", metavar="FOLDER", type=Path, default=Path(), help="the current one when left out")
    command.add_argument("--json", action="store_true", help="print the parts as JSON instead")


def run(given: "Namespace") -> int:
    """Render a template."""
    from mailer.preview.samples import sample
    from mailer.templates.brand import Brand
    from mailer.templates.engine import render

    kind = find(given.template)
    mail = fill(kind, fields_of(given.data)) if given.data else sample(kind)
    brand = brand_of(given.brand) or Brand(name="Example")
    made = render(localized(mail, given), brand)
    facts = {"template": kind.template_name(), "subject": made.subject.reveal(), "secret": made.has_secret}
    parts = {"html": made.html.reveal(), "txt": made.text.reveal()}
    if given.json:
        as_json({**facts, "text": parts["txt"], "html": parts["html"]})
        return 0
    for path in _written(cast("Path", given.out), kind.template_name(), facts, parts):
        line(str(path))
    return 0


def _written(folder: Path, name: str, facts: "Mapping[str, object]", parts: "Mapping[str, str]") -> list[Path]:
    contents = {**{suffix: text for suffix, text in parts.items() if text}, "json": json.dumps(facts, indent=2) + "\n"}
    paths = [folder / f"{name}.{suffix}" for suffix in contents]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, contents.values(), strict=True):
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        words = f"{folder} cannot be written to: {error.strerror}."
        raise TemplateError(words, hint="Give a folder that is writable: --out FOLDER.") from error
    return paths
