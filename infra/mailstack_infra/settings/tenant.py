"""A tenant: somebody on whose behalf mail is sent, with a reputation of their own."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from mailstack_infra.settings import validators
from mailstack_infra.settings.base import Group
from mailstack_infra.settings.marks import Allowed


class Tenant(Group):
    """One whom mail is sent for: SES judges it by itself and pauses it alone. `mailer.send(..., tenant=name)`."""

    streams: Annotated[
        tuple[str, ...],
        BeforeValidator(validators.one_or_many),
        Allowed("names of streams"),
        Field(description="Which streams may carry its mail; all by default."),
    ] = ()
