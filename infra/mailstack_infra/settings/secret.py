"""Text that Pulumi must keep encrypted in its state."""

from typing import TypeVar

import pulumi
from pydantic import ValidatorFunctionWrapHandler

Text = TypeVar("Text", bound=str)


class Secret(str):
    """Text that stays encrypted in the state and is not shown in a `repr`.

    Example:
        >>> Secret("oncall@example.com")
        [secret]
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "[secret]"


def protected(text: str, *, of: tuple[str, ...] = ()) -> pulumi.Input[str]:
    """The text as an input of a resource: a Pulumi secret if it, or a text that it was made of, is a `Secret`."""
    return pulumi.Output.secret(str(text)) if any(isinstance(one, Secret) for one in (text, *of)) else text


def kept(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Validate a text and keep it a `Secret`: pydantic returns a plain `str` for a subclass of `str`."""
    checked: object = validate(value)
    return Secret(checked) if isinstance(value, Secret) else checked
