"""Users of a Django project as recipients: address, name, language and time zone."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone, translation

from mailer.address import MAX_NAME, Address
from mailer.errors import ConfigurationError, InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import tzinfo

    from mailer.django.config import Config
    from mailer.mailer import Content


def address_of(user: AbstractBaseUser) -> Address:
    """The address of a user, with the full name beside it.

    Raises:
        InvalidMessage: The user has no address. `InvalidAddress` is a subclass.
    """
    field = user.get_email_field_name()
    email = str(getattr(user, field, "") or "")
    if not email:
        words = f"The user {user.pk} has no address: {type(user).__name__}.{field} is empty."
        raise InvalidMessage(words, hint="Ask for it before you send mail.")
    named: Any = getattr(user, "get_full_name", str)
    # Names are what people type; one that no header can hold is left out.
    name = " ".join(str(named()).split())[:MAX_NAME]
    return Address(email, "".join(letter for letter in name if letter.isprintable()))


@contextmanager
def in_their_words(
    user: AbstractBaseUser | None, found: "Config", language: str, zone: "tzinfo | str | None"
) -> "Generator[None]":
    """Render in the language and the time zone of a user: those that are given, then the user's, then today's.

    Raises:
        ConfigurationError: The user has no such attribute, or there is no such time zone.
    """
    language = language or str(_attribute(user, found.user_language, "USER_LANGUAGE") or "")
    chosen = zone or cast("tzinfo | str | None", _attribute(user, found.user_time_zone, "USER_TIME_ZONE"))
    # None is UTC and no translation, which nobody asked for here.
    with (
        translation.override(language or translation.get_language()),
        timezone.override(_zone(chosen) if chosen else timezone.get_current_timezone()),
    ):
        yield


def localized(content: "Content") -> "Content":
    """A template in the active language and time zone, unless it was localized by the caller."""
    from mailer.templates.base import EmailTemplate

    if not isinstance(content, EmailTemplate) or content.localization.preferred:
        return content
    # Only zones of the IANA database have a key; others are offsets.
    zone = str(getattr(timezone.get_current_timezone(), "key", ""))
    return content.localized(translation.get_language(), timezone=zone)


def _attribute(user: AbstractBaseUser | None, path: str, key: str) -> object:
    """The value of an attribute, such as `profile.language`; None where a part of the path is None or missing rows."""
    from django.core.exceptions import ObjectDoesNotExist

    value: object = user
    for name in path.split(".") if path and user is not None else ():
        try:
            value = getattr(value, name)
        except ObjectDoesNotExist:
            return None
        except AttributeError:
            words = f"MAILSTACK[{key!r}] is {path!r}, and {type(value).__name__} has no {name!r}."
            raise ConfigurationError(words, hint="Name an attribute of your user model.") from None
        if value is None:
            return None
    return value if path and user is not None else None


def _zone(given: "tzinfo | str") -> "tzinfo":
    if not isinstance(given, str):
        return given
    try:
        return ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        words = f"{given[:60]!r} is not a time zone."
        raise ConfigurationError(words, hint="Use a name such as Europe/Vienna.") from None
