"""Parts of a message that a transport cannot carry: they are refused before anything is sent, and never dropped."""

from typing import TYPE_CHECKING

from mailer.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from mailer.message import Message

_PARTS: "dict[str, Callable[[Message], object]]" = {
    "template": lambda message: message.template,
    "tenant": lambda message: message.tenant,
    "tags": lambda message: message.tags,
    "track_opens": lambda message: message.options.track_opens is not None,
    "track_clicks": lambda message: message.options.track_clicks is not None,
    "contact_list": lambda message: message.options.contact_list,
    "identity_arn": lambda message: message.options.identity_arn,
    "feedback_identity_arn": lambda message: message.options.feedback_identity_arn,
    "feedback_address": lambda message: message.options.feedback_address,
}
# What an application may say to leave out: mail that reaches its reader without it is the same mail.
IGNORABLE = frozenset({"tags", "tenant", "track_opens", "track_clicks"})


def refuse_unsupported(message: "Message", road: str, carried: "Container[str]") -> None:
    """Refuse a message with a part that the transport does not carry.

    Args:
        message: The message.
        road: The transport's name, for the error.
        carried: The parts that it carries, or leaves out because the application says so.

    Raises:
        InvalidMessage: It has one. The error names each.
    """
    found = [name for name, has in _PARTS.items() if name not in carried and has(message)]
    if found:
        raise InvalidMessage(
            f"{road} cannot carry: {', '.join(found)}.",
            hint="Leave it out, or send through SES's API. Nothing was sent.",
        )
