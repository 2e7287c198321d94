"""A link as a template's field: plain text to the type checker, checked when the template is made."""

from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, TypeAdapter

from mailer.domain import ascii_domain

# Not HttpUrl, which refuses more than 2,083 characters: signed links are longer.
_HTTP_URL = TypeAdapter(AnyHttpUrl)
_TRANSLATED = "xn--"


def _checked(value: str) -> str:
    url = _HTTP_URL.validate_python(value)
    host = url.host or ""
    # Browsers read a host by the WHATWG's rules, which allow more than IDNA 2008. Where the two differ, it is refused.
    if _TRANSLATED in host and host not in value.lower() and ascii_domain(url.unicode_host() or "") != host:
        raise ValueError("its host is read as another name by IDNA 2008")
    return str(url)


Url = Annotated[str, AfterValidator(_checked)]
"""An absolute http or https URL (RFC 3986); anything else, `javascript:` above all, is an error."""
