"""Which transports' messages come back in events of SES. For the message log, which records the others itself."""

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable


def is_reported(transport: object) -> bool:
    """Whether SES publishes an event of every message that the transport hands over.

    Only then does the absence of an event say that a message was not accepted.
    """
    roads = _roads(transport)
    return all(map(is_reported, roads)) if roads else bool(getattr(transport, "reports_events", False))


def reported_names(transport: object, name: str = "") -> frozenset[str]:
    """The values of `RecipientResult.transport` whose messages come back in events."""
    roads = _roads(transport)
    if not roads:
        return frozenset({name}) if is_reported(transport) else frozenset()
    from mailer.transports.failover import name_of

    return frozenset(found for road in roads for found in reported_names(road, name_of(road)))


def _roads(transport: object) -> "tuple[object, ...]":
    """The transports that another one chooses from."""
    return tuple(cast("Iterable[object]", getattr(transport, "roads", ())))
