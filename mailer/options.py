"""What `SendEmail` can be asked for beside the message: feedback, shared identities, contact lists, tracking."""

import re
from dataclasses import dataclass

from mailer.address import Address
from mailer.errors import refuse
from mailer.text import as_text

# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonses.html
_IDENTITY = re.compile(r"arn:aws[a-z-]*:ses:[a-z0-9-]+:\d{12}:identity/\S+\Z")
_TEXTS = ("identity_arn", "feedback_identity_arn", "contact_list", "topic")


@dataclass(frozen=True, slots=True)
class SendOptions:
    """Options of SES's `SendEmail`: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html.

    Attributes:
        feedback_address: Where SES forwards bounces and complaints by mail. Its identity must be verified.
        identity_arn: The ARN of an identity of another account, whose policy lets you send from it.
        feedback_identity_arn: The same for `feedback_address`.
        contact_list: The contact list of SES whose subscriptions apply. SES writes List-Unsubscribe, and replaces
            `{{amazonSESUnsubscribeUrl}}` in the body. Such a message has one recipient.
        topic: A topic of that list.
        track_opens: Whether SES tracks opens of this message; None leaves it to the stream.
        track_clicks: Whether SES tracks clicks in this message; None leaves it to the stream.

    Raises:
        InvalidMessage: A value is invalid, or lacks the one that it belongs to. `InvalidAddress` is a subclass.

    Example:
        >>> SendOptions(contact_list="readers", topic="weekly", track_opens=False).topic
        'weekly'
    """

    feedback_address: "Address | str | None" = None
    identity_arn: str = ""
    feedback_identity_arn: str = ""
    contact_list: str = ""
    topic: str = ""
    track_opens: bool | None = None
    track_clicks: bool | None = None

    def __post_init__(self) -> None:
        address = self.feedback_address
        object.__setattr__(self, "feedback_address", Address.parse(address) if address else None)
        for name in _TEXTS:
            object.__setattr__(self, name, as_text(getattr(self, name), f"SendOptions.{name}"))
        arns = {name: getattr(self, name) for name in ("identity_arn", "feedback_identity_arn")}
        checks = (
            *((arn and not _IDENTITY.match(arn), f"{name} is no ARN of an SES identity") for name, arn in arns.items()),
            (self.feedback_identity_arn and not address, "feedback_identity_arn needs feedback_address"),
            (self.topic and not self.contact_list, "topic needs contact_list"),
            *(
                (value not in (None, True, False), f"{name} is not True, False or None")
                for name, value in (("track_opens", self.track_opens), ("track_clicks", self.track_clicks))
            ),
        )
        refuse(f"SendOptions: {problem}" for wrong, problem in checks if wrong)

    @property
    def has_tracking(self) -> bool:
        """Whether tracking is decided here."""
        return self.track_opens is not None or self.track_clicks is not None


NO_OPTIONS = SendOptions()
