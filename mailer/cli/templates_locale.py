"""`mailer templates locale`: add a language to a folder of templates, and check its languages."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from mailer.cli.output import as_json, line
from mailer.errors import TemplateError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

HELP = "add a language, or check what is translated"
DESCRIPTION = """\
Translate templates with gettext catalogues: FOLDER/locales/fr.po. Needs Babel, of the extra `locales`.

1. Mark what is to be translated: {% trans %}Your order{% endtrans %}, {% trans name %}Hello {{ name }}{% endtrans %}.
2. `locale add fr` writes locales/fr.po, or brings it up to date. For a language that the catalog is not translated
   to, it has the catalog's words, too: name the folder in Brand(templates=...).
3. Fill in each msgstr, in an editor or a translation service.
4. `mailer templates compile` writes locales/fr.mo, which production reads.
"""
EXAMPLES = """\
examples:
  mailer templates locale add fr shop/mails
  mailer templates locale check shop/mails
"""


def configure(command: "ArgumentParser") -> None:
    """Give the command its actions."""
    actions = command.add_subparsers(metavar="ACTION", required=True)
    adding = actions.add_parser("add", help="write locales/TAG.po, or bring it up to date", description=DESCRIPTION)
    adding.add_argument("tag", metavar="TAG", help="the language: fr, pt-BR, zh-Hant")
    checking = actions.add_parser("check", help="exit 1 if a translation is missing, fuzzy or has wrong placeholders")
    for action, run in ((adding, add), (checking, check)):
        action.add_argument("folder", nargs="?", type=Path, default=Path(), help="the current one when left out")
        action.add_argument("--json", action="store_true", help="the outcome as JSON")
        action.set_defaults(run=run)


def add(given: "Namespace") -> int:
    """Write a catalogue, and say what remains to be done."""
    from mailer.catalog import FOLDERS
    from mailer.templates.extract import own_messages
    from mailer.templates.translating import add_locale

    path, messages, translated = add_locale(given.tag, _folder(given), [*FOLDERS, *own_messages()])
    if given.json:
        as_json({"path": str(path), "messages": messages, "translated": translated})
        return 0
    line(f"{path}: {messages} messages, {translated} translated")
    if translated < messages:
        line("Fill in each msgstr, then run: mailer templates compile")
    return 0


def check(given: "Namespace") -> int:
    """Check each catalogue of a folder against its templates."""
    from mailer.locales.catalogues import FOLDER
    from mailer.templates.extract import read
    from mailer.templates.translating import problems

    folder = _folder(given)
    paths = sorted((folder / FOLDER).glob("*.po"))
    if not paths:
        raise TemplateError(f"{folder} has no {FOLDER}/*.po.", hint="Add a language: mailer templates locale add fr.")
    wanted = read(None, [folder])
    found = {path: list(problems(path, wanted)) for path in paths}
    if given.json:
        as_json({path.stem: [{"text": one.text, "problem": one.what} for one in bad] for path, bad in found.items()})
    else:
        for path, bad in found.items():
            line(f"{path.stem}: {'complete' if not bad else f'{len(bad)} of {len(wanted)} messages to do'}")
            for one in bad:
                line(f"  {one.what}: {one.text}")
    return 1 if any(found.values()) else 0


def _folder(given: "Namespace") -> Path:
    folder = cast("Path", given.folder)
    if not folder.is_dir():
        raise TemplateError(f"{folder} is not a folder.", hint="Name the folder of your templates.")
    return folder
