"""The default of an argument that keeps the value of the content. None is another value: it removes what is there."""

from enum import Enum


class Unchanged(Enum):
    """The type of `UNCHANGED`."""

    UNCHANGED = "unchanged"

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED = Unchanged.UNCHANGED


def changed(**values: object) -> dict[str, object]:
    """The values other than `UNCHANGED`."""
    return {name: value for name, value in values.items() if value is not UNCHANGED}
