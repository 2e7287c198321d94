"""Settings of the whole account, for the one stack that owns it."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from mailstack_infra.settings import validators
from mailstack_infra.settings.base import Group, Switch
from mailstack_infra.settings.marks import Allowed


class Account(Group):
    """Options of every stream of the account. Only one stack may own them: two would overwrite each other's."""

    suppress: Annotated[
        tuple[Literal["BOUNCE", "COMPLAINT"], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("BOUNCE, COMPLAINT or both"),
        Field(min_length=1, description="The events that add an address to the account's suppression list."),
    ] = ("BOUNCE", "COMPLAINT")
    vdm: Annotated[
        Switch,
        Field(
            description="Virtual Deliverability Manager, which costs by the mail. Removing the setting switches it off."
        ),
    ] = False
