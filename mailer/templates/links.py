"""Sees that a value which becomes a link is one that a mail may have: `javascript:` is not. For HTML templates."""

import re

from jinja2 import TemplateRuntimeError

FILTER = "link"
_LINKS = re.compile(
    r"""(?P<before>\b(?:href|src|action|background)\s*=\s*["']?\s*)\{\{(?P<expression>(?:[^{}]|\{(?!\{)|\}(?!\}))*)\}\}"""
)
# Checked when the brand is made.
_OF_BRAND = re.compile(r"-?\s*brand\.\w+\s*-?")
_SCHEME = re.compile(r"[\x00-\x20]*([A-Za-z][A-Za-z0-9+.\-\s]*):")
_REFUSED = "a link has a value that is no web, mail or telephone address; declare its field as mailer.Url"
_ALLOWED = frozenset({"http", "https", "mailto", "tel", "sms", "cid"})


def guarded(html: str) -> str:
    """The template with a check of each value that an attribute for URLs begins with.

    Example:
        >>> guarded('<a href="{{ url }}">')
        '<a href="{{ ( url )|link }}">'
    """
    return _LINKS.sub(_guard, html)


def _guard(found: re.Match[str]) -> str:
    expression = found["expression"]
    if _OF_BRAND.fullmatch(expression):
        return found[0]
    left, right = ("-" if expression.startswith("-") else ""), ("-" if expression.endswith("-") else "")
    inner = expression[len(left) : len(expression) - len(right)]
    return f"{found['before']}{{{{{left} ({inner})|{FILTER} {right}}}}}"


def link(value: object) -> object:
    """The value itself.

    Raises:
        TemplateRuntimeError: It has a scheme that a mail must not have. The value is not shown: it may be a secret.
    """
    scheme = _SCHEME.match(str(value))
    if scheme and scheme[1].lower() not in _ALLOWED:
        raise TemplateRuntimeError(_REFUSED)
    return value
