"""Composes a message from a template or another message, and the arguments of `Mailer.send`.

Not for the stack's own part, its sender and streams, nor for sending.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

from mailer.content import RawMime, StoredTemplate
from mailer.errors import InvalidMessage, refuse
from mailer.message import Envelope, Message

if TYPE_CHECKING:
    from mailer.templates.brand import Brand


def compose(content: object, brand: "Brand", **envelope: Unpack[Envelope]) -> Message:
    """Compose a message from its content and its envelope; the envelope takes precedence over a message's own values.

    Args:
        content: A filled-in template, a template stored in SES, raw MIME, or a whole message.
        brand: Whose mail it is.
        **envelope: See `mailer.message.Envelope`.

    Raises:
        InvalidMessage: It is none of these, has no recipient, or SES would refuse the message.
        TemplateError: The template cannot be rendered.
    """
    message = _composed(content, brand, envelope)
    if not message.recipients:
        refuse(["it has no recipient"])
    return message


def _composed(content: object, brand: "Brand", envelope: Envelope) -> Message:
    if isinstance(content, Message):
        return replace(content, **envelope).from_template(content.template_name) if envelope else content
    if isinstance(content, StoredTemplate):
        return Message(template=content, **envelope).marked_automatic()
    if isinstance(content, RawMime):
        return Message(raw=content, **envelope)
    from mailer.templates.base import EmailTemplate
    from mailer.templates.engine import render

    if not isinstance(content, EmailTemplate):
        raise InvalidMessage(f"{_named(content)} is not a template or a message.", hint=_hint(content))
    rendered = render(content, brand)
    parts: Envelope = {"subject": rendered.subject, **envelope}
    if parts.get("secret") is None:
        parts["secret"] = rendered.has_secret
    message = Message(text=rendered.text, html=rendered.html, **parts)
    return message.marked_automatic().from_template(content.template_name())


def _named(content: object) -> str:
    return f"The class {content.__name__}" if isinstance(content, type) else f"A {type(content).__name__}"


def _hint(content: object) -> str:
    from mailer.templates.base import EmailTemplate

    if isinstance(content, type) and issubclass(content, EmailTemplate):
        fields = ", ".join(f"{name}=..." for name in content.model_fields)
        return f"Fill it in: {content.__name__}({fields})."
    return "Pass a filled-in template, or mailer.Message(subject=..., text=..., to=...)."
