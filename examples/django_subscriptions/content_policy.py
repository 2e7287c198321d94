"""The header Content-Security-Policy: nothing from other sites, and no script or style inside of a page."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


class ContentPolicy:
    """A middleware. Django's admin needs its own scripts and pictures; the pages of this application, none."""

    def __init__(self, get_response: "Callable[[HttpRequest], HttpResponse]") -> None:
        self._get_response = get_response

    def __call__(self, request: "HttpRequest") -> "HttpResponse":
        """Add the header."""
        response = self._get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response
