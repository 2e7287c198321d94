"""The brand of mails, checked before it is deployed: the library reads it from the outputs."""

from collections.abc import Mapping
from typing import Any, cast

from pydantic.alias_generators import to_snake

from mailer.errors import TemplateError
from mailer.templates.brand import Brand
from mailer.templates.brand_file import read
from mailstack_infra.settings import validators


def brand_fields(value: object) -> dict[str, Any]:
    """The fields of a brand that differ from the default ones.

    Args:
        value: The fields, in camelCase or as `mailer.Brand` names them, or the path of a TOML file with them.

    Raises:
        ValueError: A field is misspelt or wrong, or the file cannot be read.

    Example:
        >>> brand_fields({"name": "Example", "postalAddress": "1 Example Street", "accent": "#1d4ed8"})
        {'name': 'Example', 'postal_address': '1 Example Street'}
    """
    given = validators.from_json(value) if isinstance(value, str) else value
    if given in ("", None):
        return {}
    try:
        fields = read(given) if isinstance(given, str) else _snake(given)
        return Brand.model_validate(fields).model_dump(mode="json", exclude_defaults=True)
    except TemplateError as error:  # the path may be a secret that was set here by mistake
        raise ValueError(error.message.rstrip(".").replace(str(given), "file")) from None


def _snake(given: object) -> object:
    """Keys as `mailer.Brand` names them."""
    if isinstance(given, Mapping):
        return {to_snake(str(key)): _snake(value) for key, value in cast("Mapping[str, object]", given).items()}
    return [_snake(one) for one in cast("list[object]", given)] if isinstance(given, list) else given
