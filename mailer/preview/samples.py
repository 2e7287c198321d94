"""Values for a template that is only looked at: those of its class, else made up from the types of its fields."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

from mailer.errors import TemplateError, TemplateFieldsInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.templates.base import EmailTemplate

_WHEN = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)
_BY_FORMAT = {
    "date-time": _WHEN.isoformat(),
    "date": date(2026, 3, 9).isoformat(),
    "uri": "https://example.com/",
    "email": "ada@example.com",
}
_BY_TYPE: "Mapping[str, object]" = {"integer": 3, "number": 2.5, "boolean": True, "null": None}


def sample(kind: "type[EmailTemplate]", values: "Mapping[str, object] | None" = None) -> "EmailTemplate":
    """A filled-in template.

    Args:
        kind: Its class.
        values: Further fields; they replace those of the sample.

    Raises:
        TemplateError: The class has no sample, and none can be made up.
    """
    given = values or {}
    if kind.sample:
        return kind.model_validate({**kind.sample, **given})
    schema = kind.model_json_schema()
    made_up = {name: _value(name, one, schema) for name, one in schema.get("properties", {}).items()}
    try:
        return kind.model_validate({**made_up, **given})
    except TemplateFieldsInvalid as error:
        raise TemplateError(
            f"{kind.__name__} has no sample, and made-up values do not fit: {error.message}",
            hint=f'Set them on the class: sample = {{"{next(iter(kind.model_fields), "name")}": ...}}.',
        ) from None


def _value(name: str, schema: "dict[str, Any]", whole: "dict[str, Any]") -> object:  # noqa: PLR0911 - a case a kind
    if "$ref" in schema:
        schema = cast("dict[str, Any]", whole["$defs"][schema["$ref"].rpartition("/")[2]])
    if "default" in schema:
        return schema["default"]
    if "anyOf" in schema:
        return _value(name, schema["anyOf"][0], whole)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = str(schema.get("type", ""))
    if kind == "array":
        items = schema.get("items", {}) or {"type": "string"}
        return [_value(name, items, whole) for _ in range(max(2, schema.get("minItems", 0)))]
    if kind == "object":
        return {key: _value(key, one, whole) for key, one in schema.get("properties", {}).items()}
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    return _BY_FORMAT.get(schema.get("format", "")) or _text(name)


def _text(name: str) -> str:
    words = name.lower()
    if words.removesuffix("s").endswith(("url", "link", "href")):
        return f"https://example.com/{words}"
    return "424242" if words.endswith("code") else name.replace("_", " ").capitalize()
