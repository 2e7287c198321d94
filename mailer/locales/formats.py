"""The filters of templates that write dates, numbers, money and durations in the language of the mail.

Babel knows each locale's way. Without it, values are written in the forms that are read everywhere: ISO 8601 and the
currency's code.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from gettext import NullTranslations
from typing import TYPE_CHECKING, Protocol, cast

from jinja2 import pass_context

from mailer.locales.language import Language
from mailer.locales.zones import zone

if TYPE_CHECKING:
    from babel import Locale
    from jinja2.runtime import Context

Number = int | float | Decimal
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class _Amount(Protocol):
    amount: Decimal
    currency: str


@lru_cache(maxsize=256)
def _babel(tag: str) -> "Locale | None":
    """Babel's locale of a tag or of its language; None without Babel."""
    try:
        from babel import Locale, UnknownLocaleError
    except ImportError:
        return None
    for name in (tag, tag.partition("-")[0], "en"):
        try:
            return Locale.parse(name, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return None  # pragma: no cover - Babel has English


def _language(context: "Context") -> Language:
    return cast("Language", context["locale"])


def format_date(value: date, language: Language) -> str:
    """A day: `November 29, 2026`."""
    if isinstance(value, datetime):
        value = _local(value, language)
    if locale := _babel(language.tag):
        from babel.dates import format_date as babel_date

        return babel_date(value, "long", locale)
    return value.strftime("%Y-%m-%d")


def format_time(value: datetime | time, language: Language) -> str:
    """A time of the day: `7:05 PM`."""
    if isinstance(value, datetime):
        value = _local(value, language)
    if locale := _babel(language.tag):
        from babel.dates import format_time as babel_time

        return babel_time(value, "short", locale=locale)
    return value.strftime("%H:%M")


def format_datetime(value: datetime, language: Language) -> str:
    """A day, a time and its zone: `November 29, 2026, 7:05 PM UTC`."""
    local = _local(value, language)
    if locale := _babel(language.tag):
        from babel.dates import format_datetime as babel_datetime

        return babel_datetime(local, _datetime_pattern(language.tag), locale=locale)
    return local.strftime("%Y-%m-%d %H:%M %Z")


@lru_cache(maxsize=256)
def _datetime_pattern(tag: str) -> str:
    locale = cast("Locale", _babel(tag))
    day, clock = locale.date_formats["long"].pattern, locale.time_formats["short"].pattern
    return str(locale.datetime_formats["medium"]).replace("{1}", day).replace("{0}", f"{clock} z")


def _local(value: datetime, language: Language) -> datetime:
    """In the mail's time zone; a time without a zone is taken as UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(zone(language.timezone))


def format_number(value: Number, language: Language) -> str:
    """A number: `1,234.5`."""
    if locale := _babel(language.tag):
        from babel.numbers import format_decimal

        return format_decimal(value, locale=locale)
    return f"{value:,}"


def format_percent(value: Number, language: Language, digits: int = 1) -> str:
    """A share of 1 in percent, with at most so many digits after the point: `12.5%`."""
    rounded = round(Decimal(str(value)) * 100, digits).normalize() / 100
    if locale := _babel(language.tag):
        from babel.numbers import format_percent as babel_percent

        return babel_percent(rounded, locale=locale, decimal_quantization=False)
    return f"{(rounded * 100).normalize():f}%"


def format_money(value: _Amount, language: Language) -> str:
    """An amount with its currency: `$12.50`."""
    if locale := _babel(language.tag):
        from babel.numbers import format_currency

        return format_currency(value.amount, value.currency, locale=locale)
    return f"{value.currency} {value.amount:,}"


def format_duration(value: Number | timedelta, words: NullTranslations) -> str:
    """How long something lasts, in the largest unit that divides it: `3 days`. A number is in minutes.

    Example:
        >>> format_duration(10, NullTranslations()), format_duration(4320, NullTranslations())
        ('10 minutes', '3 days')
    """
    seconds = int(value.total_seconds()) if isinstance(value, timedelta) else int(value * _MINUTE)
    if seconds and seconds % _DAY == 0:
        return words.ngettext("%(num)s day", "%(num)s days", seconds // _DAY) % {"num": seconds // _DAY}
    if seconds and seconds % _HOUR == 0:
        return words.ngettext("%(num)s hour", "%(num)s hours", seconds // _HOUR) % {"num": seconds // _HOUR}
    minutes = max(1, seconds // _MINUTE)
    return words.ngettext("%(num)s minute", "%(num)s minutes", minutes) % {"num": minutes}


def filters(words: NullTranslations) -> Mapping[str, Callable[..., str]]:
    """The filters of an environment whose language has these words."""

    def duration(value: Number | timedelta) -> str:
        return format_duration(value, words)

    return {**_FILTERS, "duration": duration}


def _filter(function: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def in_language(context: "Context", value: object, *options: object) -> str:
        return function(value, _language(context), *options)

    return in_language


_FILTERS: Mapping[str, Callable[..., str]] = {
    "date": _filter(format_date),
    "time": _filter(format_time),
    "datetime": _filter(format_datetime),
    "number": _filter(format_number),
    "percent": _filter(format_percent),
    "money": _filter(format_money),
}
