"""One row of `mailer status`. Not for asking AWS."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Standing(StrEnum):
    """Whether there is something to do.

    `UNKNOWN`: AWS did not answer in time, or refused the request.
    """

    OK = "ok"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Row:
    """The state of one thing.

    Attributes:
        part: The group that it belongs to: `identity`, `account`, `streams`, `feedback` or `alarms`.
        what: The thing.
        state: Its state, in AWS's words where AWS has some.
        then: What to do next; empty if there is nothing to do.
        standing: Whether there is something to do.
        values: The same for programs: numbers and names.
    """

    part: str
    what: str
    state: str
    then: str = ""
    standing: Standing = Standing.OK
    values: Mapping[str, str | float | None] = field(default_factory=dict[str, str | float | None])


def row(part: str, what: str, state: str, then: str = "", /, **values: str | float | None) -> Row:
    """A row that is open if something is left to do."""
    return Row(part, what, state, then, Standing.OPEN if then else Standing.OK, values)
