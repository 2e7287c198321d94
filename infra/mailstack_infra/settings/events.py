"""SES's event types, in the order of its API: the provider shows another order as a change on every run.

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
    """Each event type once, in SES's order.

    Example:
        >>> in_order(["COMPLAINT", "SEND", "SEND"])
        ['SEND', 'COMPLAINT']
    """
    wanted = set(events)
    return [event for event in EVENTS if event in wanted]
