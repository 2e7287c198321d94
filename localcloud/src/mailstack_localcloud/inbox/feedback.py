"""Events of a mail that are triggered by hand: a bounce, a complaint, a click.

They have the same effects as natural ones: the event is published, reputation counts, the suppression list grows.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from mailstack_localcloud.inbox.mail import Mail
from mailstack_localcloud.ses import ids
from mailstack_localcloud.ses.acceptance import apply
from mailstack_localcloud.ses.context import Context
from mailstack_localcloud.ses.mime import bare
from mailstack_localcloud.ses.simulator import VARIANTS
from mailstack_localcloud.ses.state import Occurrence, StoredMessage


@dataclass(frozen=True, slots=True)
class Command:
    """A button's label, and its event."""

    label: str
    kind: str
    detail: str = ""


COMMANDS: dict[str, Command] = {
    "delivery": Command("Deliver", "Delivery"),
    "bounce": Command("Bounce", "Bounce", "General"),
    "soft-bounce": Command("Soft bounce", "Bounce", "MailboxFull"),
    "complaint": Command("Complain", "Complaint", "abuse"),
    "delay": Command("Delay", "DeliveryDelay", "TransientCommunicationFailure"),
    "open": Command("Open", "Open"),
    "click": Command("Click", "Click"),
}

# Every type of bounce, complaint and delay, under AWS's own names.
_VARIANTS = {name: Command(detail, kind, detail) for name, (kind, detail) in VARIANTS.items()}


class FeedbackError(Exception):
    """The event is not possible for this mail; the message says why."""


async def trigger(
    context: Context, message: StoredMessage, event: str, recipient: str = "", link: str = ""
) -> Occurrence:
    """Trigger an event of a mail.

    Args:
        context: The account that sent it.
        message: The mail.
        event: One of `COMMANDS`, or one type of them: `delay:MailboxFull` (`simulator.VARIANTS`).
        recipient: One of the mail's; may be left out where there is only one.
        link: What is clicked; the mail's first link if left out. Other events take none.

    Raises:
        FeedbackError: The event, recipient or link does not exist, or the event is not tracked for this mail.
    """
    command = COMMANDS.get(event) or _VARIANTS.get(event)
    if command is None:
        more = "or one type of them, such as bounce:NoEmail"
        raise FeedbackError(f"event must be one of {', '.join(COMMANDS)}, {more}, not {event!r}.")
    if command.kind in message.untracked:
        raise FeedbackError(f"SES does not track this event of this mail ({command.kind}): the sender switched it off.")
    detail = command.detail
    if command.kind == "Click":
        detail = link or next(iter(Mail(message, context.state.region).links), "")
        if not detail:
            raise FeedbackError("This mail has no link to click on.")
    address = _recipient(message, recipient)
    occurrence = Occurrence(command.kind, datetime.now(UTC), ids.message_id(context.state.region), address, detail)
    await apply(context, message, [occurrence])
    return occurrence


def _recipient(message: StoredMessage, wanted: str) -> str:
    addresses = [bare(recipient) for recipient in message.recipients]
    if not wanted and len(addresses) == 1:
        return addresses[0]
    found = next((address for address in addresses if address.lower() == bare(wanted).lower()), "")
    if not found:
        raise FeedbackError(f"recipient must be one of {', '.join(addresses)}, not {wanted!r}.")
    return found
