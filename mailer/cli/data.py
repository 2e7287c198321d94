"""JSON arguments of the command line: the fields of a template, and a brand. Not for their meaning."""

import json
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mailer.cli.named_template import imported
from mailer.errors import TemplateError

if TYPE_CHECKING:
    from mailer.templates.brand import Brand

_STANDARD_INPUT = "-"


def fields_of(source: str | None) -> dict[str, object]:
    """The fields in a JSON file, or on standard input; none where nothing is named.

    Raises:
        TemplateError: It cannot be read, or holds no JSON object.
    """
    return _json_object(source, "--data") if source else {}


def brand_of(source: str | None) -> "Brand | None":
    """The brand in a TOML or JSON file, or under a name such as `shop.mails:BRAND`; None where nothing is named.

    Raises:
        TemplateError: There is none.
    """
    from mailer.templates.brand import Brand

    if not source:
        return None
    if source == _STANDARD_INPUT:
        return Brand.model_validate(_json_object(source, "--brand"))
    named = ":" in source and not Path(source).exists()
    brand = imported(source) if named else Brand.from_file(source)
    if not isinstance(brand, Brand):
        raise TemplateError(f"{source} is not a brand.", hint="It must be an object of mailer.Brand, or a TOML file.")
    return brand


def _json_object(source: str, option: str) -> dict[str, object]:
    try:
        text = sys.stdin.read() if source == _STANDARD_INPUT else Path(source).read_text(encoding="utf-8")
        value = json.loads(text)
    except OSError as error:
        words = f"{option} names {source}, which cannot be read: {error.strerror}."
        raise TemplateError(words, hint="Give the path of a JSON file.") from error
    except (ValueError, RecursionError) as error:
        raise TemplateError(f"{option} names {source}, which is not JSON: {error}.", hint=_OBJECT) from error
    if not isinstance(value, dict):
        raise TemplateError(f"{option} names {source}, which is JSON but not an object.", hint=_OBJECT)
    return cast("dict[str, object]", value)


_OBJECT = 'Write an object: {"number": 7, "items": ["A kettle"]}.'


def pair(text: str) -> tuple[str, str]:
    """An argument `NAME=VALUE`.

    Raises:
        ArgumentTypeError: It is not one.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value
