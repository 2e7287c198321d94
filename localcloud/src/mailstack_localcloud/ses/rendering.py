"""Renders a template with its data to the content of a mail."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mailstack_localcloud.ses.errors import bad_request, not_found
from mailstack_localcloud.ses.handlebars import RenderingError, Template, TemplateError, compiled
from mailstack_localcloud.ses.state import State

Data = dict[str, object]
# https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html
MAX_STORED_BYTES = 500 * 1024
MAX_INLINE_BYTES = 1024 * 1024
# SES fills this in itself, after the template was rendered.
UNSUBSCRIBE_URL = "amazonSESUnsubscribeUrl"
_BODY = ("Text", "Html")
_PARTS = ("Subject", *_BODY)
_LATER = f"{{{{{UNSUBSCRIBE_URL}}}}}"


def merged(defaults: Data, own: Data) -> Data:
    """The data of one destination of a bulk mail: its own values, and the defaults for the rest, key by key.

    Objects in it are merged likewise; lists and all else are replaced. AWS documents less; seen on AWS in
    https://github.com/domdomegg/aws-ses-v2-local/issues/102
    """
    whole = dict(defaults)
    # A loop, for data may be nested deeper than calls can be.
    waiting = [(whole, own)]
    while waiting:
        target, replacements = waiting.pop()
        for name, value in replacements.items():
            default = target.get(name)
            if isinstance(default, dict) and isinstance(value, dict):
                copied = dict(cast("Data", default))
                target[name] = copied
                waiting.append((copied, cast("Data", value)))
            else:
                target[name] = value
    return whole


@dataclass(slots=True)
class Filled:
    """The content of a mail.

    If a template could not be filled, `failure` says why and the content is the template itself.
    """

    content: dict[str, Any]
    failure: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class Renderer:
    """A template ready to be filled. `name` is empty for an inline one."""

    name: str
    source: Mapping[str, str]
    parts: Mapping[str, Template]

    def fill(
        self, data: Data, headers: Sequence[Mapping[str, str]] = (), attachments: Sequence[Mapping[str, Any]] = ()
    ) -> Filled:
        """The content of a simple mail, together with what a template does not fill."""
        known = {UNSUBSCRIBE_URL: _LATER, **data}
        try:
            parts, failure = {name: template.render(known) for name, template in self.parts.items()}, ""
        except RenderingError as error:
            parts, failure = self.source, str(error)
        simple: dict[str, Any] = {
            "Subject": {"Data": parts.get("Subject", ""), "Charset": "UTF-8"},
            "Body": {name: {"Data": parts[name], "Charset": "UTF-8"} for name in _BODY if name in parts},
        }
        if headers:
            simple["Headers"] = headers
        if attachments:
            simple["Attachments"] = attachments
        return Filled({"Simple": simple}, failure, self.name)


def renderer(state: State, template: Mapping[str, Any]) -> Renderer:
    """The template that a request means: an inline one, or a stored one by name or ARN.

    Raises:
        SesError: The template does not exist, or is not valid.
    """
    inline = template.get("TemplateContent")
    named = str(template.get("TemplateName") or template.get("TemplateArn", "").partition(":template/")[2])
    if bool(inline) == bool(named):
        raise bad_request("Template must have exactly one of TemplateName, TemplateArn and TemplateContent.")
    if inline:
        return prepare("", inline, MAX_INLINE_BYTES)
    stored = state.templates.get(named)
    if stored is None or template.get("TemplateArn", state.arn("template", named)) != state.arn("template", named):
        raise not_found("Template", named)
    return prepare(stored.name, stored.content, MAX_STORED_BYTES)


def prepare(name: str, content: Mapping[str, str], limit: int) -> Renderer:
    """A template from its parts.

    Raises:
        SesError: It is too large, empty, or not well formed.
    """
    size = sum(len(part.encode()) for part in content.values())
    if size > limit:
        raise bad_request(f"The template is {size} bytes long; {limit} are allowed.")
    if not (content.get("Text") or content.get("Html")):
        raise bad_request("A template needs a text or an HTML part.")
    try:
        return Renderer(name, content, {part: compiled(content[part]) for part in _PARTS if content.get(part)})
    except TemplateError as error:
        raise bad_request(f"The template is not valid: {error}") from error


def data(text: str | None) -> Data:
    """Replacement data as it is sent: a JSON object in a string.

    Raises:
        SesError: It is not one.
    """
    try:
        value: object = json.loads(text or "{}")
    except ValueError as error:
        raise bad_request(f"Replacement data is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise bad_request("Replacement data is not a JSON object.")
    return cast("Data", value)
