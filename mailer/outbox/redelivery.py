"""Sends mail again that was lost to a soft bounce, when the mailbox takes mail again: what each event means for that.

A template asks for it by `EmailTemplate.redelivery`, and its mail must be sent by the outbox, which keeps the content.
Guide: docs/guides/feedback.md#redelivery.
"""

from typing import TYPE_CHECKING

from mailer.feedback.events import Bounce, Click, Complaint, Delivery, Open, Reject, RenderingFailure
from mailer.message_id import ID_TAG
from mailer.outbox.payload import without
from mailer.sending.outcome import DECIDED_AFTER
from mailer.stores.sql.redelivery import SqlRedelivery

if TYPE_CHECKING:
    from mailer.feedback.events import Event, Recipient
    from mailer.feedback.policy import Decision
    from mailer.stores.soft_bounces import SoftBounceStore
    from mailer.stores.sql.outbox import SqlOutbox

# How long a mail waits after the sign that its mailbox works: an event which says that the first one arrived after all
# may be late by as much, and then the mail is not sent again.
SETTLES = DECIDED_AFTER
# Events after which a mail is not sent again: it arrived, or the mailbox or SES refused it for good.
_ENDS = (Bounce, Complaint, Reject, RenderingFailure, Open, Click)


class Redelivery:
    """Learns of events, and keeps, sends or drops lost mail. Repeated and reordered events change nothing.

    Args:
        outbox: The outbox that the mail was sent by.
        soft_bounces: What is known of mailboxes.
    """

    def __init__(self, outbox: "SqlOutbox", soft_bounces: "SoftBounceStore") -> None:
        self._mails, self._soft_bounces = SqlRedelivery(outbox, without), soft_bounces

    def learn(self, event: "Event", recipient: "Recipient", decision: "Decision") -> None:
        """Learn of one recipient's part of an event, after the soft bounces have learned of it.

        Raises:
            StoreError: The store failed. Learning the same again completes it.
        """
        attempt = next(iter(event.mail.tags.get(ID_TAG, ())), "")
        if not recipient.address:
            return
        if isinstance(event, Bounce) and decision.soft:
            if attempt:
                self._mails.lose(attempt, recipient.address, event.occurred_at)
            # After the write: a delivery that is learned of meanwhile finds the mail, or its time is found here.
            works = self._soft_bounces.get(recipient.address).delivered_at
            if works and works > event.occurred_at:
                self._mails.release(recipient.address, works, SETTLES)
            return
        if attempt and (isinstance(event, Delivery) or _ends(event, recipient)):
            self._mails.settle(attempt, recipient.address)
        if isinstance(event, Delivery):
            self._mails.release(recipient.address, event.occurred_at, SETTLES)


def _ends(event: "Event", recipient: "Recipient") -> bool:
    """Whether the mail is not sent to the recipient again. Opens and clicks do not say who of several it was."""
    if isinstance(event, Open | Click):
        return len(event.mail.destination) == 1
    return isinstance(event, _ENDS) and recipient.action != "delayed"
