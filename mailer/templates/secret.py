"""Fields of templates that are shown nowhere but in the mail: codes, and links that are as good as a password."""

from typing import TYPE_CHECKING, Annotated, cast

from pydantic import AfterValidator, BaseModel

from mailer.redaction import Secret
from mailer.templates.url import Url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic.fields import FieldInfo

SecretText = Annotated[str, AfterValidator(Secret)]
"""Text that prints as `***`; `Annotated[SecretText, ...]` takes further checks."""

SecretUrl = Annotated[Url, AfterValidator(Secret)]
"""A `Url` that prints as `***`."""


def revealed(value: object) -> object:
    """What a template's files see of a field: the text itself, in lists and mappings, too."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):
        return {key: revealed(one) for key, one in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list):
        return [revealed(one) for one in cast("list[object]", value)]
    if type(value) is tuple:  # a named one keeps its names
        return tuple(revealed(one) for one in cast("tuple[object, ...]", value))
    return value


def is_secret(field: "FieldInfo") -> bool:
    """Whether a field is declared as `SecretText` or `SecretUrl`."""
    return any(isinstance(one, AfterValidator) and one.func is Secret for one in field.metadata)


def has_secret(value: object) -> bool:
    """Whether a field is a `Secret`, or a list, mapping or model that holds one."""
    if isinstance(value, Secret):
        return True
    if isinstance(value, dict):
        return any(map(has_secret, cast("Mapping[object, object]", value).values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(has_secret, cast("Iterable[object]", value)))
    return isinstance(value, BaseModel) and any(has_secret(one) for _, one in value)
