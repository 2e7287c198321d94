"""What holds for the whole account, in the one stack that owns it."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from mailstack_infra.settings import validators
from mailstack_infra.settings.base import Group, Switch
from mailstack_infra.settings.marks import Allowed


class Account(Group):
    """What holds for every stream of the account. One stack may own it: two would undo each other's."""

    suppress: Annotated[
        tuple[Literal["BOUNCE", "COMPLAINT"], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("BOUNCE, COMPLAINT or both"),
        Field(min_length=1, description="What puts an address on the account's suppression list."),
    ] = ("BOUNCE", "COMPLAINT")
    vdm: Annotated[
        Switch,
        Field(description="Virtual Deliverability Manager, which costs by the mail. Taking it away switches it off."),
    ] = False
