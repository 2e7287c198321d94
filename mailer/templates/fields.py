"""What templates and brands have in common: named fields, and an error of ours that shows nothing of what was given."""

from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from mailer.errors import TemplateFieldsInvalid


class Fields(BaseModel):
    """A model that cannot be changed. Whatever way it is made, wrong fields raise `TemplateFieldsInvalid`.

    What was given is deleted before the error is raised: a traceback with locals would show codes and links.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    if not TYPE_CHECKING:  # which sees the fields as arguments

        def __init__(self, **data: Any) -> None:
            try:
                super().__init__(**data)
            except ValidationError as error:
                problem = _problem(type(self), error)
            else:
                return
            del data
            raise problem

        # Models inside models are looked at together, not made one by one.
        __init__.__pydantic_base_init__ = True

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """See pydantic's; errors as above."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            problem = _problem(cls, error)
        del obj
        raise problem

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """See pydantic's; errors as above."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            problem = _problem(cls, error)
        del json_data
        raise problem


def _problem(kind: type[BaseModel], error: ValidationError) -> TemplateFieldsInvalid:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    words = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}" for one in found)
    fields = ", ".join(kind.model_fields) or "none"
    return TemplateFieldsInvalid(f"{kind.__name__} cannot be filled in: {words}.", hint=f"Its fields are {fields}.")
