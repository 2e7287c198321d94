"""Composes a message from a template or another message, and the arguments of `Mailer.send`.

Not for the stack's own part, its sender and streams, nor for sending.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Unpack, cast

from mailer.errors import InvalidMessage
from mailer.message import Envelope, Message

if TYPE_CHECKING:
    from mailer.templates.brand import Brand


def compose(content: object, brand: "Brand", **envelope: Unpack[Envelope]) -> Message:
    """The message that a template or a message makes with what is said beside it, which takes precedence.

    Args:
        content: A filled-in template, or a whole message.
        brand: Whose mail it is.
        **envelope: See `mailer.message.Envelope`.

    Raises:
        InvalidMessage: It is neither, or SES would refuse the message.
        TemplateError: The template cannot be rendered.
    """
    if isinstance(content, Message):
        return replace(content, **envelope)
    from mailer.templates.base import EmailTemplate
    from mailer.templates.engine import render

    if not isinstance(content, EmailTemplate):
        raise InvalidMessage(f"{_named(content)} is not a template or a message.", hint=_hint(content))
    rendered = render(content, brand)
    parts = cast("Envelope", {"subject": rendered.subject, **envelope})
    return Message(text=rendered.text, html=rendered.html, **parts)


def _named(content: object) -> str:
    return f"The class {content.__name__}" if isinstance(content, type) else f"A {type(content).__name__}"


def _hint(content: object) -> str:
    from mailer.templates.base import EmailTemplate

    if isinstance(content, type) and issubclass(content, EmailTemplate):
        fields = ", ".join(f"{name}=..." for name in content.model_fields)
        return f"Fill it in: {content.__name__}({fields})."
    return "Pass a filled-in template, or mailer.Message(subject=..., text=..., to=...)."
