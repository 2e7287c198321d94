"""A pool of IP addresses that nobody else sends from."""

from typing import Annotated, Literal

from pydantic import Field

from mailstack_infra.settings.base import Group
from mailstack_infra.settings.marks import Allowed


class Pool(Group):
    """Dedicated IP addresses for the streams that name the pool as their `dedicatedPool`."""

    scaling: Annotated[
        Literal["MANAGED", "STANDARD"],
        Allowed("MANAGED or STANDARD; a change makes the pool anew"),
        Field(
            description="SES gets, warms up and drops addresses as mail needs them, or you lease each from AWS, put it "
            "into the pool and warm it up."
        ),
    ] = "MANAGED"
