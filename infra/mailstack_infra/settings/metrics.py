"""Settings of a stream's metrics in CloudWatch, in addition to those that the stack's own alarms need."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from mailstack_infra.settings import validators
from mailstack_infra.settings.base import Group
from mailstack_infra.settings.events import EVENTS, Event
from mailstack_infra.settings.marks import Allowed

# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-cloudwatch.html
MOST_DIMENSIONS = 10
# The automatic tag that the stack itself counts by. A second count by this tag alone would double every number.
COUNTED_ALREADY = "ses:configuration-set"
_NAME = re.compile(r"[A-Za-z0-9_:-]{1,256}")


class Dimension(Group):
    """The source of a dimension's value."""

    source: Annotated[
        Literal["MESSAGE_TAG", "EMAIL_HEADER", "LINK_TAG"],
        Allowed("MESSAGE_TAG, EMAIL_HEADER or LINK_TAG"),
        Field(
            description="A tag of the mail (`tags` in `mailer`), a header of the mail, or a tag of the clicked link."
        ),
    ] = "MESSAGE_TAG"
    default: Annotated[
        str,
        Allowed("1 to 256 ASCII letters, digits, _, -, @ and dots"),
        Field(pattern=r"^[A-Za-z0-9_@.-]{1,256}$", description="The value for mail without one."),
    ] = "none"


def _named(dimensions: dict[str, Dimension]) -> dict[str, Dimension]:
    for name in dimensions:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a valid name of a dimension")
    if len(dimensions) > MOST_DIMENSIONS:
        raise ValueError(f"there are {len(dimensions)}; SES allows {MOST_DIMENSIONS}")
    if set(dimensions) == {COUNTED_ALREADY}:
        raise ValueError(f"the stack already counts by {COUNTED_ALREADY}: add another dimension, or remove it")
    return dimensions


class Metrics(Group):
    """Counts in CloudWatch by dimensions of your own. Each combination of values is a metric, which AWS bills."""

    dimensions: Annotated[
        dict[str, Dimension],
        AfterValidator(_named),
        Allowed(f"up to {MOST_DIMENSIONS} dimensions by name: ASCII letters, digits, _, - and :"),
        Field(description="The dimensions that events are counted by: names of tags or headers. None by default."),
    ] = Field(default={})
    events: Annotated[
        tuple[Event, ...],
        BeforeValidator(validators.one_or_many),
        Allowed("SES's event types: " + ", ".join(EVENTS)),
        Field(min_length=1, description="The counted events. Opens and clicks only if `tracking` has them."),
    ] = ("SEND", "DELIVERY", "BOUNCE", "COMPLAINT")
