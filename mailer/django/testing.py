"""Mail in a project's own tests: it ends in `django.core.mail.outbox`, as that of Django's mail API does.

Not for the tests of a stack: name its outputs, or use the fixtures of `mailer.testing`.
"""

import os
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import mail

from mailer.address import Address
from mailer.errors import InvalidAddress
from mailer.local import SENDER, STREAMS, place_from_environment
from mailer.results import RecipientResult, Status
from mailer.stack import VARIABLE

if TYPE_CHECKING:
    from mailer.django.config import Config
    from mailer.message import Message


def has_outbox() -> bool:
    """Whether Django's test runner or pytest-django is at work: both call `setup_test_environment`, which creates it.

    https://docs.djangoproject.com/en/stable/topics/testing/tools/#email-services
    """
    return hasattr(mail, "outbox")


def uses_outbox(found: "Config") -> bool:
    """Whether mail is kept in the outbox: in a test, where nothing but a stack's name says where it goes.

    The folder of `MAILSTACK_OUTPUTS=local:mails` is for a developer who looks at mails, not for tests.
    """
    named = os.environ.get(VARIABLE) and place_from_environment() is None
    return has_outbox() and not (found.mailer or found.transport or found.outputs or named)


def streams_of(found: "Config") -> tuple[str, ...]:
    """The streams that the setting names, and those of every stack; the default comes first."""
    unsubscribe = found.unsubscribe_links
    named = (*found.streams_by_sender.values(), *(unsubscribe.streams if unsubscribe else ()))
    return (found.stream or STREAMS[0], *STREAMS, *named)


def sender() -> str:
    """The default From address of a test: the project's, or an example where Django's default is no address."""
    try:
        return str(Address.parse(settings.DEFAULT_FROM_EMAIL))
    except InvalidAddress:
        return SENDER


class TestOutbox:
    """A `mailer.transports.base.Transport` that keeps each message in `mail.outbox`, as an `EmailMultiAlternatives`."""

    __test__ = False  # no test, although pytest would take it for one

    def send(self, message: "Message") -> tuple[RecipientResult, ...]:
        """Keep a message. Its attribute `mailstack_message` is the `mailer.Message`, with stream, tags and template."""
        kept = mail.EmailMultiAlternatives(
            subject=message.subject,
            body=message.text,
            from_email=str(message.sender or ""),
            to=list(map(str, message.to)),
            cc=list(map(str, message.cc)),
            bcc=list(map(str, message.bcc)),
            reply_to=list(map(str, message.reply_to)),
            headers=dict(message.headers),
        )
        if message.html:
            kept.attach_alternative(message.html, "text/html")
        for one in message.attachments:
            kept.attach(one.filename, one.content, one.content_type)
        vars(kept)["mailstack_message"] = message
        mail.outbox.append(kept)
        return tuple(RecipientResult(one, Status.SENT, message.id) for one in message.recipients)
