"""Settings of the message log. Not for the logs of the functions: `log_retention_days`."""

from typing import Annotated

from pydantic import Field

from mailstack_infra.settings.base import Group
from mailstack_infra.settings.marks import Allowed

MOST_DAYS = 3653


class MessageLog(Group):
    """The message log: the outcome of each mail for each recipient. It makes every send and delivery an event."""

    days: Annotated[
        int,
        Allowed(f"a whole number from 0 to {MOST_DAYS}"),
        Field(ge=0, le=MOST_DAYS, description="How many days the message log is kept. 0 keeps none."),
    ] = 0
