"""Text that Pulumi must keep encrypted in its state."""

from collections.abc import Iterable
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


def protected(value: pulumi.Input[str], *, of: Iterable[str] = ()) -> pulumi.Input[str]:
    """A text as an input of a resource: a Pulumi secret if it, or a text that it is made of, is a `Secret`."""
    if not any(isinstance(one, Secret) for one in (value, *of)):
        return value
    return pulumi.Output.secret(str(value) if isinstance(value, str) else value)


def redacted(text: str, *, of: Iterable[str]) -> str:
    """A text for people, in which `[secret]` replaces each `Secret`.

    Example:
        >>> redacted("It was asked as role/dns.", of=(Secret("role/dns"),))
        'It was asked as [secret].'
    """
    for one in of:
        if isinstance(one, Secret) and one:
            text = text.replace(one, repr(one))
    return text


def kept(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Validate a text and keep it a `Secret`: pydantic returns a plain `str` for a subclass of `str`."""
    checked: object = validate(value)
    return Secret(checked) if isinstance(value, Secret) else checked
