"""Settings of the warm-up of a new domain: how many recipients a day, at first. The library keeps the plan."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from mailstack_infra.settings.base import Group
from mailstack_infra.settings.marks import Allowed

MOST = 1_000_000_000
_Recipients = Annotated[int, Allowed(f"a whole number from 1 to {MOST}"), Field(ge=1, le=MOST)]


def _day(text: str) -> str:
    """A day as ISO 8601 has it; empty for none."""
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise ValueError("it is not a day such as 2026-12-01") from error


class WarmUp(Group):
    """The warm-up of a new domain: a ceiling of recipients a day, which rises until the plan ends."""

    starts: Annotated[
        str,
        AfterValidator(_day),
        Allowed("a day such as 2026-12-01"),
        Field(description="The first day of the plan, in UTC. Without it there is no plan."),
    ] = ""
    first: Annotated[_Recipients, Field(description="Recipients on the first day.")] = 200
    growth: Annotated[
        float,
        Allowed("a number from 1.05 to 3"),
        Field(ge=1.05, le=3, description="Each day allows so many times as many recipients as the day before."),
    ] = 1.5
    target: Annotated[
        _Recipients, Field(description="Recipients a day. The plan ends when a day would allow as many.")
    ] = 50_000

    @field_validator("target")
    @classmethod
    def _above_the_first_day(cls, target: int, info: ValidationInfo) -> int:
        first = info.data.get("first")
        if first is not None and target < first:
            raise ValueError(f"it must not be below first, which is {first}")
        return target
