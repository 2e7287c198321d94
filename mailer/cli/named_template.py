"""How a command line names a template, and fills it."""

import sys
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, cast

from mailer.errors import TemplateError, TemplateFieldsInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.templates.base import EmailTemplate


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
        near = get_close_matches(name, by_name, n=3, cutoff=0.5)
        meant = f"Did you mean {' or '.join(near)}? " if near else ""
        hint = f"{meant}`mailer templates` lists the catalog; name one of your own as module:Class."
        raise TemplateError(f"There is no template {name!r}.", hint=hint)
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


def fill(kind: "type[EmailTemplate]", values: "Mapping[str, object]") -> "EmailTemplate":
    """An object of the class with these values for its fields; `locale` is the language, or several.

    Raises:
        TemplateFieldsInvalid: They do not fit; every problem is named.
    """
    try:
        fields = dict(values)
        wanted = fields.pop("locale", None)  # no template has a field of that name
        mail = kind.model_validate(fields)
        return mail.localized(*_tags(wanted)) if wanted else mail
    except TemplateFieldsInvalid as error:
        hint = f"{error.hint} Give them as --set FIELD=VALUE or --data FILE.json."
        raise TemplateFieldsInvalid(error.message, hint=hint) from None


def _tags(wanted: object) -> list[str]:
    return [str(one) for one in cast("list[object]", wanted)] if isinstance(wanted, list) else [str(wanted)]
