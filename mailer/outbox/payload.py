"""A mail as one text that a database keeps: rendered now, or a template's fields to render when it is sent.

Not for what is beside the text in the outbox, such as times and priority.
"""

import base64
import json
from dataclasses import astuple, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from mailer.address import Address
from mailer.attachment import Attachment
from mailer.content import RawMime, StoredTemplate
from mailer.errors import InvalidMessage, TemplateError
from mailer.message import Message
from mailer.options import SendOptions

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from mailer.templates.base import EmailTemplate

# The form of the text. A newer library reads older ones; an older relay refuses newer ones.
VERSION = 1
_TEXTS = ("subject", "text", "html", "stream", "tenant")
_MAILBOXES = ("to", "cc", "bcc", "reply_to")
_BYTES = "content"


def of_message(message: Message) -> str:
    """A message whose content is final."""
    template, raw = message.template, message.raw
    return _text({
        **_envelope(message),
        **{name: getattr(message, name) for name in ("subject", "text", "html")},
        "template": [template.name, json.loads(template.json), template.arn] if template else None,
        "raw": _base64(raw.data) if raw else None,
        "template_name": message.template_name,
    })  # fmt: skip


def of_template(template: "EmailTemplate", message: Message, subject: str | None) -> str:
    """A template to render when the mail is sent.

    Args:
        template: The template with its fields.
        message: What it is composed to now, whose envelope is kept.
        subject: The subject that replaces the template's; None for the template's own.

    Raises:
        InvalidMessage: No other process could find the class by its name.
    """
    kind = type(template)
    if "<locals>" in kind.__qualname__ or kind.__module__ == "__main__":
        raise InvalidMessage(
            f"The template {kind.__name__} cannot be rendered later: no other process can import it.",
            hint='Define it at the top of a module, or use render="now".',
        )
    later = {
        "class": f"{kind.__module__}:{kind.__qualname__}",
        "fields": template.model_dump_json(),
        "subject": subject,
        "localization": astuple(template.localization),
    }
    return _text({**_envelope(message), "later": later})


def read(payload: str) -> "tuple[Message | EmailTemplate, dict[str, Any]]":
    """The content and the further arguments of `Mailer.compose`.

    Raises:
        InvalidMessage: The text was written by a newer version, or its message is not valid any more.
        TemplateError: The class of the template cannot be imported, or its fields have changed.
    """
    given = cast("dict[str, Any]", json.loads(payload))
    if given["v"] != VERSION:
        words = f"The mail was written by another version of this library, in the form {given['v']}."
        raise InvalidMessage(words, hint="Update the relay.")
    parts = _parts(given)
    if later := given.get("later"):
        if later["subject"] is not None:
            parts["subject"] = later["subject"]
        preferred, second, timezone = later.get("localization", ((), "", ""))
        template = _template(later["class"], later["fields"])
        return template.localized(*preferred, second=second, timezone=timezone), parts
    parts |= {name: given[name] for name in ("subject", "text", "html")}
    if given["template"]:
        name, data, arn = given["template"]
        parts["template"] = StoredTemplate(name, data, arn)
    if given["raw"]:
        parts["raw"] = RawMime(base64.b64decode(given["raw"]))
    return Message(**parts).from_template(given["template_name"]), {}


def without(payload: str, keys: "Container[str]") -> str:
    """The same mail without the recipients whose `Address.key` is among these."""
    given = cast("dict[str, Any]", json.loads(payload))
    for part in ("to", "cc", "bcc"):
        given[part] = [one for one in given[part] if Address(*one).key not in keys]
    return _text(given)


def _envelope(message: Message) -> dict[str, Any]:
    return {
        "stream": message.stream,
        "tenant": message.tenant,
        **{name: [[one.email, one.name] for one in getattr(message, name)] for name in _MAILBOXES},
        "sender": [message.sender.email, message.sender.name] if message.sender else None,
        "headers": message.headers,
        "tags": message.tags,
        "attachments": [_attachment(one) for one in message.attachments],
        "options": _options(message.options),
        "secret": message.secret,
    }


def _parts(given: "Mapping[str, Any]") -> dict[str, Any]:
    """The arguments of `Message` that are in the envelope."""
    return {
        "stream": given["stream"],
        "tenant": given["tenant"],
        **{name: tuple(Address(*one) for one in given[name]) for name in _MAILBOXES},
        "sender": Address(*given["sender"]) if given["sender"] else None,
        "headers": [(name, value) for name, value in given["headers"]],
        "tags": [(name, value) for name, value in given["tags"]],
        "attachments": [_attached(one) for one in given["attachments"]],
        "options": SendOptions(**given["options"]),
        "secret": given["secret"],
    }


def _attachment(one: Attachment) -> dict[str, str]:
    texts = {field.name: getattr(one, field.name) for field in fields(one) if field.name != _BYTES}
    return {**texts, _BYTES: _base64(one.content)}


def _attached(given: "dict[str, Any]") -> Attachment:
    content: Any = base64.b64decode(given[_BYTES])
    return Attachment(**{**given, _BYTES: content})


def _options(options: SendOptions) -> dict[str, object]:
    """Those that are set, so that an older relay refuses only what it does not know."""
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    given = {name: value for name, value in values.items() if value not in ("", None)}
    return {name: str(value) if isinstance(value, Address) else value for name, value in given.items()}


def _template(place: str, values: str) -> "EmailTemplate":
    from mailer.templates.base import EmailTemplate

    module, _, name = place.partition(":")
    try:
        kind: Any = import_module(module)
        for part in name.split("."):
            kind = getattr(kind, part)
    except (ImportError, AttributeError) as error:
        words = f"The template {place} cannot be imported: {type(error).__name__}."
        raise TemplateError(words, hint="Run the relay where the application's modules can be imported.") from None
    if not (isinstance(kind, type) and issubclass(kind, EmailTemplate)):
        raise TemplateError(f"{place} is not a template.", hint="Check who can write to the outbox's table.")
    return kind.model_validate_json(values)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _text(value: dict[str, Any]) -> str:
    return json.dumps({"v": VERSION, **value})
