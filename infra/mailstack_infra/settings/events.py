"""SES's event types, in the order of its API.

The provider keeps lists of them, and would show another order than SES's as a change on every run.
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_EventDestinationDefinition.html
"""

from collections.abc import Iterable
from typing import Literal, get_args

Event = Literal[
    "SEND",
    "REJECT",
    "BOUNCE",
    "COMPLAINT",
    "DELIVERY",
    "OPEN",
    "CLICK",
    "RENDERING_FAILURE",
    "DELIVERY_DELAY",
    "SUBSCRIPTION",
]
EVENTS: tuple[Event, ...] = get_args(Event)


def in_order(events: Iterable[str]) -> list[str]:
    """Each of the event types once, as SES orders them.

    Example:
        >>> in_order(["COMPLAINT", "SEND", "SEND"])
        ['SEND', 'COMPLAINT']
    """
    wanted = set(events)
    return [event for event in EVENTS if event in wanted]
