"""Settings of a tenant: a customer whose mail is sent, with a separate reputation."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from mailstack_infra.settings import validators
from mailstack_infra.settings.base import Group
from mailstack_infra.settings.marks import Allowed


class Tenant(Group):
    """A tenant of SES, which rates and pauses each one separately. Mail names it: `mailer.send(..., tenant=name)`."""

    streams: Annotated[
        tuple[str, ...],
        BeforeValidator(validators.one_or_many),
        Allowed("names of streams"),
        Field(description="The streams that its mail may use. The default is all."),
    ] = ()
