"""The base class of every group of settings."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, cast, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from mailstack_infra.settings import validators
from mailstack_infra.settings.marks import Allowed, Gone
from mailstack_infra.settings.problems import wrong_arguments


def _group(value: object) -> object:
    """A group as a mapping; None means an empty one."""
    if value is None or value == "":
        return {}
    return validators.from_json(value) if isinstance(value, str) and value.lstrip().startswith("{") else value


class Group(BaseModel):
    """Settings that belong together. Keys are camelCase in the file, as Pulumi's own are.

    Attributes:
        gone: Removed settings, by name, with the replacement.
    """

    gone: ClassVar[Mapping[str, Gone]] = {}

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        validate_default=True,
        # `selector: 2026` and `cost-center: 1234` are numbers in YAML, but text is meant.
        coerce_numbers_to_str=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_groups(cls, data: object) -> object:
        """An empty group has its defaults: `bulk:`, and `'{}'` of `pulumi config set --path`."""
        given = _group(data)
        if not isinstance(given, dict):
            return given
        by_name = {key: field for name, field in cls.model_fields.items() for key in (name, field.alias)}
        values = cast("dict[str, object]", given)
        return {
            key: _group(value) if key in by_name and get_origin(by_name[key].annotation) is dict else value
            for key, value in values.items()
        }

    if not TYPE_CHECKING:  # type checkers derive the arguments from the fields

        def __init__(self, **given: object) -> None:
            try:
                super().__init__(**given)
            except ValidationError as error:
                raise wrong_arguments(type(self), error) from None

        # Validates nested groups together, so that one error reports all problems.
        __init__.__pydantic_base_init__ = True


Switch = Annotated[bool, Allowed("true or false")]
