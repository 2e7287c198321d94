"""Settings of a pool of dedicated IP addresses."""

from typing import Annotated, Literal

from pydantic import Field

from mailstack_infra.settings.base import Group
from mailstack_infra.settings.marks import Allowed


class Pool(Group):
    """Dedicated IP addresses for the streams that name the pool as their `dedicatedPool`."""

    scaling: Annotated[
        Literal["MANAGED", "STANDARD"],
        Allowed("MANAGED or STANDARD; a change replaces the pool"),
        Field(
            description="MANAGED: SES adds, warms up and removes addresses as needed. STANDARD: you lease each address "
            "from AWS, add it to the pool and warm it up."
        ),
    ] = "MANAGED"
