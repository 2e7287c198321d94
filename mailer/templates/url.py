"""A link as a template's field: plain text to the type checker, checked when the template is made."""

from typing import Annotated

from pydantic import AfterValidator, HttpUrl, TypeAdapter

_HTTP_URL = TypeAdapter(HttpUrl)


def _checked(value: str) -> str:
    return str(_HTTP_URL.validate_python(value))


Url = Annotated[str, AfterValidator(_checked)]
"""An absolute http or https URL (RFC 3986); anything else, `javascript:` above all, is an error."""
