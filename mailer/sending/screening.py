"""The suppression check: who of a message's recipients may be sent to. Not for what puts an address on the list."""

from typing import TYPE_CHECKING

from mailer.results import RecipientResult, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.message import Message
    from mailer.stores.base import Suppression


def suppressed_results(message: "Message", found: "Mapping[str, Suppression]") -> tuple[RecipientResult, ...]:
    """A result for each recipient who is on the list.

    Args:
        message: The message.
        found: What the store knows of its recipients, by `mailer.address.address_key`.
    """
    return tuple(
        RecipientResult(address, Status.SUPPRESSED, reason=_reason(found[address.key]))
        for address in message.recipients
        if address.key in found
    )


def _reason(suppression: "Suppression") -> str:
    detail = f": {suppression.detail}" if suppression.detail else ""
    return f"{suppression.reason} on {suppression.created_at:%Y-%m-%d}{detail}"
