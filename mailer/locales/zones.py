"""Time zones by name."""

from functools import cache
from zoneinfo import ZoneInfo

from mailer.errors import TemplateError


@cache
def zone(name: str) -> ZoneInfo:
    """An IANA time zone.

    Raises:
        TemplateError: There is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise TemplateError(
            f"{name!r} is not a time zone.", hint='Give an IANA name, for example "Europe/Madrid".'
        ) from error
