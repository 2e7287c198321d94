"""One setting that was found, and readings of its value. Not for what the setting means (`known`)."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Computed(Enum):
    """The value of a setting that only the running program knows."""

    VALUE = "computed"


COMPUTED: Final = Computed.VALUE
_TRUE, _FALSE = (
    frozenset({"1", "true", "yes", "on", "y", "t"}),
    frozenset({"", "0", "false", "no", "off", "n", "f", "none"}),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A name with its value, and where it stands.

    Attributes:
        name: As the file has it; parts of a dict as `ANYMAIL['MAILGUN_API_KEY']`.
        value: Text, number, flag, list or dict; `COMPUTED` where only the program knows it. It may be a secret.
        file: The file.
        line: Its line there, from 1.
        variable: The environment variable that gives the value; empty without.
    """

    name: str
    value: object = field(repr=False)
    file: str
    line: int
    variable: str = ""


def as_text(value: object) -> str:
    """The value as text; empty where it is none or not known.

    Example:
        >>> as_text(587), as_text(COMPUTED), as_text(None)
        ('587', '', '')
    """
    return str(value).strip() if isinstance(value, str | int | float) else ""


def as_flag(value: object) -> bool | None:
    """The value as a flag, by the words that settings use; None where it is not known.

    Example:
        >>> as_flag("True"), as_flag("off"), as_flag("tls")
        (True, False, None)
    """
    text = as_text(value).lower()
    return (
        False if value is None else True if text in _TRUE else False if text in _FALSE and value != COMPUTED else None
    )


def as_port(value: object) -> int:
    """The value as a TCP port; 0 where it is none.

    Example:
        >>> as_port("587"), as_port("smtp")
        (587, 0)
    """
    text = as_text(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < 65536 else 0  # noqa: PLR2004
